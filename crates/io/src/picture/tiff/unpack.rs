//! The pieces of a TIFF, unpacked: never to more than a piece has, and refused at once where what is stored
//! cannot hold as much.

use crate::{Error, Result};
use jpeg_decoder::{ColorTransform, PixelFormat};
use std::io::{self, Read};
use std::path::Path;
use weezl::BitOrder;

/// How a piece is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

/// A piece's width, height and values a pixel; the tables that JPEGs of a page share, as another JPEG; whether a
/// JPEG of three values holds red, green and blue as they are.
pub(super) type Shape<'a> = ([usize; 3], &'a [u8], bool);

impl Packing {
    /// The packing of TIFF's number.
    pub fn of(path: &Path, compression: u64) -> Result<Self> {
        Ok(match compression {
            1 => Self::None,
            5 => Self::Lzw,
            7 => Self::Jpeg,
            8 | 32_946 => Self::Deflate,
            32_773 => Self::PackBits,
            _ => {
                return Err(Error::unsupported(
                    path,
                    format!("a TIFF with compression {compression}"),
                    "save it without compression, or with LZW, deflate (zlib), PackBits or JPEG",
                ));
            }
        })
    }

    /// More bytes than this a stored byte does not hold.
    fn largest_ratio(self) -> usize {
        match self {
            Self::None => 1,
            // Codes of 9 bits at first, of strings that grow by a byte each, up to 4096.
            Self::Lzw => 4096,
            Self::Deflate => 1032,
            Self::PackBits => 64,
            // A block of 64 values may take less than a bit for each of its colours.
            Self::Jpeg => 1 << 12,
        }
    }

    /// The `expected` bytes of a piece.
    pub fn unpack(
        self,
        path: &Path,
        stored: &[u8],
        expected: usize,
        shape: Shape,
    ) -> Result<Vec<u8>> {
        let held = stored.len().saturating_mul(self.largest_ratio());
        let mut bytes = match self {
            _ if held < expected => Ok(Vec::new()),
            Self::None => Ok(stored.to_vec()),
            Self::Lzw => lzw(stored, expected),
            Self::Deflate => inflate(stored, expected),
            Self::PackBits => Ok(pack_bits(stored, expected)),
            Self::Jpeg => jpeg(stored, expected, shape),
        }
        .map_err(|reason| Error::Compression {
            path: path.to_owned(),
            offset: 0,
            reason,
        })?;
        if bytes.len() < expected {
            return Err(Error::Truncated {
                path: path.to_owned(),
                what: "the pixels of a strip or tile".to_owned(),
                expected: expected as u64,
                offset: bytes.len() as u64,
            });
        }
        bytes.truncate(expected);
        Ok(bytes)
    }
}

fn lzw(stored: &[u8], expected: usize) -> std::result::Result<Vec<u8>, String> {
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let (mut out, mut used, mut made) = (vec![0; expected], 0, 0);
    while made < expected {
        let step = decoder.decode_bytes(&stored[used..], &mut out[made..]);
        let (read, written) = (step.consumed_in, step.consumed_out);
        (used, made) = (used + read, made + written);
        match step.status {
            Ok(weezl::LzwStatus::Ok) if read > 0 || written > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(error.to_string()),
        }
    }
    out.truncate(made);
    Ok(out)
}

fn inflate(stored: &[u8], expected: usize) -> std::result::Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(expected);
    let decoder = flate2::read::ZlibDecoder::new(stored);
    match decoder.take(expected as u64).read_to_end(&mut out) {
        // The unpacked data show where the stream ends.
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(out),
        Err(e) => Err(e.to_string()),
        Ok(_) => Ok(out),
    }
}

fn jpeg(
    stored: &[u8],
    expected: usize,
    ([width, height, channels], tables, rgb): Shape,
) -> std::result::Result<Vec<u8>, String> {
    // Both begin with a mark of two bytes, and the tables end with one.
    let image = match tables.len() {
        0..=4 => stored.to_vec(),
        length => [&tables[..length - 2], stored.get(2..).unwrap_or(&[])].concat(),
    };
    let mut decoder = jpeg_decoder::Decoder::new(&image[..]);
    decoder.set_max_decoding_buffer_size(expected.saturating_mul(4).max(1 << 20));
    decoder.read_info().map_err(|e| e.to_string())?;
    let info = decoder.info().ok_or("it has no JPEG header")?;
    let found = (usize::from(info.width), usize::from(info.height));
    let kind = match channels {
        1 => PixelFormat::L8,
        _ => PixelFormat::RGB24,
    };
    if found.0 != width || found.1 < height || info.pixel_format != kind {
        return Err(format!(
            "its JPEG has {found:?} pixels of {:?}, expected {:?} of {kind:?}",
            info.pixel_format,
            (width, height)
        ));
    }
    if channels == 3 {
        decoder.set_color_transform(match rgb {
            true => ColorTransform::RGB,
            false => ColorTransform::YCbCr,
        });
    }
    decoder.decode().map_err(|e| e.to_string())
}

/// Runs of bytes, as many as are wanted.
fn pack_bits(stored: &[u8], expected: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(expected);
    let mut rest = stored;
    while let (Some((&head, tail)), true) = (rest.split_first(), out.len() < expected) {
        let count = usize::from(head);
        rest = match head {
            0..128 => {
                let (run, after) = tail.split_at((count + 1).min(tail.len()));
                out.extend_from_slice(run);
                after
            }
            128 => tail,
            _ => {
                let Some((&byte, after)) = tail.split_first() else {
                    break;
                };
                out.resize(out.len() + 257 - count, byte);
                after
            }
        };
    }
    out
}
