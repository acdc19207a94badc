//! Zstandard in: every frame of a stream, its check sum, and the length that its header states. Nothing is written in it:
//! the encoder of the crate `ruzstd` has one level, the fastest.

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, Read};
use std::{error, fmt};

/// What a frame begins with.
pub(crate) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// An empty last block, and a check sum that nobody reads: they end a frame early.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// Whether bytes begin with a frame, or with one that holds no data, as `pzstd` writes before each of its own.
pub(crate) fn detect(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || is_skippable(bytes)
}

fn is_skippable(bytes: &[u8]) -> bool {
    matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// A frame that is valid and needs more than this reader has; [`refused`] finds it in an error of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub what: String,
    pub remedy: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not supported; {}", self.what, self.remedy)
    }
}

impl error::Error for Refused {}

/// Why a stream was refused, where it is valid.
pub(crate) fn refused(error: &io::Error) -> Option<&Refused> {
    error.get_ref()?.downcast_ref()
}

/// The frames of a stream, one after another; reading them to the end compares every check sum and stated length.
pub(crate) struct Frames<R> {
    packed: Packed<R>,
    decoder: FrameDecoder,
    at: At,
    /// Bytes that the frame at hand has unpacked to.
    made: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before a frame, or before the end.
    Border,
    Inside,
    /// Behind the last frame, after which come bytes that are none: the first of them, and how many of these there are.
    End([u8; 4], usize),
}

impl<R: BufRead> Frames<R> {
    pub fn new(packed: R) -> Self {
        Self {
            packed: Packed {
                inner: packed,
                is_at_end: false,
            },
            decoder: FrameDecoder::new(),
            at: At::Border,
            made: 0,
        }
    }

    /// What follows the last frame, once that was read.
    pub fn behind(&mut self) -> impl BufRead + '_ {
        let (first, count) = match self.at {
            At::End(first, count) => (first, count),
            _ => ([0; 4], 0),
        };
        io::Cursor::new(first)
            .take(count as u64)
            .chain(&mut self.packed.inner)
    }

    /// Reads the header of the next frame; none where the frames end.
    fn begin(&mut self) -> io::Result<()> {
        let mut magic = [0; 4];
        let count = fill(&mut self.packed, &mut magic)?;
        let found = &magic[..count];
        if is_skippable(found) {
            let mut length = [0; 4];
            let is_whole = fill(&mut self.packed, &mut length)? == 4;
            let length = u64::from(u32::from_le_bytes(length));
            let mut data = self.packed.by_ref().take(length);
            let skipped = io::copy(&mut data, &mut io::sink())?;
            return match is_whole && skipped == length {
                true => Ok(()),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        if found == MAGIC {
            let started = self.decoder.reset(found.chain(&mut self.packed));
            started.map_err(|error| self.fault(error))?;
            (self.at, self.made) = (At::Inside, 0);
            return Ok(());
        }
        if count > 0 && MAGIC.starts_with(found) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at = At::End(magic, count);
        Ok(())
    }

    fn decode(&mut self, strategy: BlockDecodingStrategy) -> io::Result<()> {
        let decoded = self.decoder.decode_blocks(&mut self.packed, strategy);
        decoded.map(|_| ()).map_err(|error| self.fault(error))
    }

    /// Compares the length and the check sum of a frame that was read.
    fn end(&mut self) -> io::Result<()> {
        let stated = self.decoder.content_size();
        if stated > 0 && stated != self.made {
            return Err(self.another_length());
        }
        let sums = (
            self.decoder.get_checksum_from_data(),
            self.decoder.get_calculated_checksum(),
        );
        if let (Some(stated), Some(found)) = sums
            && stated != found
        {
            return Err(invalid("the check sum of a Zstandard frame is wrong"));
        }
        self.at = At::Border;
        Ok(())
    }

    fn another_length(&self) -> io::Error {
        let stated = self.decoder.content_size();
        let made = match self.made > stated {
            true => "more".to_owned(),
            false => self.made.to_string(),
        };
        invalid(format!(
            "the header of a Zstandard frame states {stated} bytes, and there are {made}"
        ))
    }

    fn fault(&self, error: FrameDecoderError) -> io::Error {
        let refused =
            |what, remedy| io::Error::new(io::ErrorKind::Unsupported, Refused { what, remedy });
        match error {
            FrameDecoderError::DictNotProvided { dict_id } => refused(
                format!("Zstandard data with dictionary {dict_id}, which is not in the file,"),
                "unpack it with the dictionary (`zstd -d -D DICTIONARY FILE`)",
            ),
            FrameDecoderError::WindowSizeTooBig { requested, max } => refused(
                format!(
                    "Zstandard data with a window of {} MiB, more than {} MiB,",
                    requested >> 20,
                    max >> 20
                ),
                "unpack it (`zstd -d --long=31 FILE`), or pack it without its option for long windows",
            ),
            // The decoder's own error says what it was reading then.
            _ if self.packed.is_at_end => io::ErrorKind::UnexpectedEof.into(),
            other => invalid(format!("corrupt Zstandard data: {other}")),
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.at {
                At::Border => {
                    self.begin()?;
                    continue;
                }
                At::End(..) => return Ok(0),
                At::Inside => {}
            }
            let read = self.decoder.read(buffer)?;
            self.made += read as u64;
            let stated = self.decoder.content_size();
            if stated > 0 && self.made > stated {
                return Err(self.another_length());
            }
            match (read, self.decoder.is_finished()) {
                (0, true) => self.end()?,
                (0, false) => self.decode(BlockDecodingStrategy::UptoBlocks(1))?,
                _ => return Ok(read),
            }
        }
    }
}

/// Up to `count` bytes from the beginning of a stream, and the fault that ended them early. The decoder gives bytes out a
/// window later, which may be 128 MiB: here the frame is ended when it has unpacked enough.
pub(crate) fn first_bytes(packed: impl BufRead, count: usize) -> (Vec<u8>, Option<io::Error>) {
    let mut frames = Frames::new(packed);
    let mut bytes = Vec::new();
    while bytes.len() < count {
        let fault = match frames.at {
            At::Border => frames.begin().err(),
            At::End(..) => break,
            At::Inside => {
                let wanted = count - bytes.len();
                let enough = BlockDecodingStrategy::UptoBytes(wanted);
                let fault = frames.decode(enough).err();
                // What was unpacked before a fault counts.
                if !frames.decoder.is_finished() {
                    let last = BlockDecodingStrategy::UptoBlocks(1);
                    let _ = frames.decoder.decode_blocks(&LAST_BLOCK[..], last);
                }
                let mut unpacked = Read::take(&mut frames.decoder, wanted as u64);
                // Reading from the decoder's memory cannot fail.
                let _ = unpacked.read_to_end(&mut bytes);
                frames.at = At::Border;
                fault
            }
        };
        if fault.is_some() {
            return (bytes, fault);
        }
    }
    (bytes, None)
}

/// A stream that notes that it has ended.
struct Packed<R> {
    inner: R,
    is_at_end: bool,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.is_at_end |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

/// Fills as much of a buffer as the stream has.
fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}
