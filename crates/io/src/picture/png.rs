//! PNG: grey of 1 to 16 bits, colour of 8 bits (of 16 bits their upper 8, as Pillow reads them), palettes as
//! colour.

use super::{Budget, Picture};
use crate::{Error, Result};
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};
use std::io::{self, Cursor};
use std::path::Path;

pub(super) fn read(path: &Path, bytes: &[u8], budget: Budget) -> Result<Picture> {
    let bad = |e: png::DecodingError| Error::header(path, "the PNG", e, "a whole PNG file");
    let limits = Limits {
        bytes: usize::try_from(budget.limit).unwrap_or(usize::MAX),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    let info = decoder.read_header_info().map_err(bad)?;
    let (color, depth) = (info.color_type, info.bit_depth);
    let size = [info.width as usize, info.height as usize, 1];
    let expand = color == ColorType::Indexed || (depth as u8) < 8;
    decoder.set_transformations(match expand {
        true => Transformations::EXPAND,
        false => Transformations::IDENTITY,
    });
    let mut reader = decoder.read_info().map_err(bad)?;
    let (color, _) = reader.output_color_type();
    let channels = match color {
        ColorType::Grayscale => 1,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        _ => {
            return Err(Error::unsupported(
                path,
                "grey with an alpha channel",
                "save it as grey or as RGB(A)",
            ));
        }
    };
    let values = budget.admit(path, &[size[0], size[1], channels])?;
    let room = reader.output_buffer_size().unwrap_or(2 * values);
    let mut data = vec![0; room];
    let frame = reader.next_frame(&mut data).map_err(bad)?;
    data.truncate(frame.buffer_size());
    let pixels: Vec<f32> = match (frame.bit_depth, channels) {
        (BitDepth::Sixteen, 1) => {
            let words = data.chunks_exact(2);
            words
                .map(|b| f32::from(u16::from_be_bytes([b[0], b[1]])))
                .collect()
        }
        (BitDepth::Sixteen, _) => data.iter().step_by(2).map(|&b| f32::from(b)).collect(),
        // Pillow keeps one bit as 0 and 1, and spreads two and four over a byte.
        _ if depth == BitDepth::One && channels == 1 => {
            data.iter().map(|&b| f32::from(u8::from(b > 0))).collect()
        }
        _ => data.iter().map(|&b| f32::from(b)).collect(),
    };
    if pixels.len() != values {
        return Err(Error::header(
            path,
            "the PNG",
            pixels.len(),
            format!("{values} values"),
        ));
    }
    Ok(Picture::interleaved(size, channels, pixels))
}

pub(super) fn bytes(
    [width, height, _]: [usize; 3],
    labels: &[u16],
    wide: bool,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let side = |n: usize| u32::try_from(n).map_err(io::Error::other);
    let mut encoder = Encoder::new(&mut bytes, side(width)?, side(height)?);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(if wide {
        BitDepth::Sixteen
    } else {
        BitDepth::Eight
    });
    let data: Vec<u8> = match wide {
        true => labels
            .iter()
            .flat_map(|label| label.to_be_bytes())
            .collect(),
        false => labels.iter().map(|&label| label as u8).collect(),
    };
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(&data).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(bytes)
}
