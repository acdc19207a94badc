//! gzip, zlib and Zstandard as a stream that is read to its end: every member, every check sum, and what follows.

use crate::layout::Packing;
use crate::watch::Watch;
use crate::zstd::{self, Frames};
use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, BufReader, Read};

/// The bytes of a stream after the voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Surplus {
    /// Bytes that the stream unpacks to behind them.
    pub unpacked: u64,
    /// Bytes of the file behind the packed stream that are neither another member nor zeros.
    pub trailing: u64,
}

impl Surplus {
    pub fn bytes(self) -> u64 {
        self.unpacked + self.trailing
    }
}

/// Unpacks a stream; reading it to its end checks the check sum of every member.
pub(crate) struct Unpack<R> {
    state: State<R>,
    trailing: u64,
}

enum State<R> {
    Gzip(Box<GzDecoder<R>>),
    Zlib(Box<Zlib<R>>),
    Zstd(Box<Frames<R>>),
    Ended,
}

impl<R: BufRead> Unpack<R> {
    pub fn new(packed: R, packing: Packing) -> Self {
        Self {
            state: match packing {
                Packing::Zlib => State::Zlib(Box::new(Zlib {
                    packed,
                    inner: Decompress::new(true),
                    ended: false,
                })),
                Packing::Zstd => State::Zstd(Box::new(Frames::new(packed))),
                _ => State::Gzip(Box::new(GzDecoder::new(packed))),
            },
            trailing: 0,
        }
    }

    /// Reads what is left up to the last check sum. More than `most` bytes there are refused: they cost
    /// time, and no image has them.
    pub fn finish(&mut self, most: u64, watch: Watch) -> io::Result<Surplus> {
        let mut buffer = vec![0; 1 << 16];
        let mut unpacked = 0;
        loop {
            watch.check_stream()?;
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => unpacked += n as u64,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
            if unpacked > most {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("over {most} bytes follow the voxels that the header announces"),
                ));
            }
        }
        Ok(Surplus {
            unpacked,
            trailing: self.trailing,
        })
    }
}

impl<R: BufRead> Read for Unpack<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let read = match &mut self.state {
                State::Gzip(decoder) => decoder.read(buffer)?,
                State::Zlib(decoder) => decoder.read(buffer)?,
                State::Zstd(frames) => frames.read(buffer)?,
                State::Ended => return Ok(0),
            };
            if read > 0 {
                return Ok(read);
            }
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Gzip(decoder) => {
                    let mut packed = decoder.into_inner();
                    if begins_member(&mut packed)? {
                        self.state = State::Gzip(Box::new(GzDecoder::new(packed)));
                    } else {
                        self.trailing = count_trailing(&mut packed)?;
                    }
                }
                State::Zlib(decoder) => {
                    self.trailing = count_trailing(&mut decoder.into_packed())?;
                }
                State::Zstd(mut frames) => {
                    self.trailing = count_trailing(&mut frames.behind())?;
                }
                State::Ended => {}
            }
        }
    }
}

/// Up to `count` bytes from the beginning of what a file unpacks to, and the fault that ended them early.
pub(crate) fn first_bytes(
    packed: impl Read,
    packing: Packing,
    count: u64,
) -> (Vec<u8>, Option<io::Error>) {
    let packed = BufReader::with_capacity(1 << 14, packed);
    if packing == Packing::Zstd {
        return zstd::first_bytes(packed, count as usize);
    }
    let mut bytes = Vec::new();
    let read = Unpack::new(packed, packing)
        .take(count)
        .read_to_end(&mut bytes);
    (bytes, read.err())
}

/// Whether another member follows. A lone first byte of its magic counts as one, cut off.
fn begins_member(packed: &mut impl BufRead) -> io::Result<bool> {
    let next = packed.fill_buf()?;
    Ok(match next {
        [] => false,
        [0x1f] => true,
        [first, second, ..] => [*first, *second] == [0x1f, 0x8b],
        _ => false,
    })
}

/// Bytes up to the end of the file; zeros alone are the padding of tapes and archives and count as none.
fn count_trailing(packed: &mut impl BufRead) -> io::Result<u64> {
    let (mut count, mut padding) = (0, true);
    loop {
        let next = packed.fill_buf()?;
        let length = next.len();
        if length == 0 {
            return Ok(if padding { 0 } else { count });
        }
        padding &= next.iter().all(|&byte| byte == 0);
        count += length as u64;
        packed.consume(length);
    }
}

/// zlib with its check sum: a stream that ends before it is cut off, which the decoder of the `flate2`
/// crate takes as an end.
struct Zlib<R> {
    packed: R,
    inner: Decompress,
    ended: bool,
}

impl<R: BufRead> Zlib<R> {
    fn into_packed(self) -> R {
        self.packed
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let input = self.packed.fill_buf()?;
            let empty = input.is_empty();
            let (taken, made) = (self.inner.total_in(), self.inner.total_out());
            let flush = match empty {
                true => FlushDecompress::Finish,
                false => FlushDecompress::None,
            };
            let status = self.inner.decompress(input, buffer, flush);
            let taken = (self.inner.total_in() - taken) as usize;
            let made = (self.inner.total_out() - made) as usize;
            self.packed.consume(taken);
            let status = status.map_err(|error| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("corrupt zlib stream: {error}"),
                )
            })?;
            self.ended = status == Status::StreamEnd;
            if made > 0 {
                return Ok(made);
            }
            if empty && !self.ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}
