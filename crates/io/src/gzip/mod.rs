//! gzip and zlib: whole-file in, parallel blocks of one member out; every check sum is checked.

mod deflate;
mod inflate;
mod seam;

pub(crate) use deflate::write_packed;
pub(crate) use inflate::{fault, inflate};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::layout::Packing;
    use std::io::Read;
    use std::path::Path;

    const BLOCK: usize = deflate::BLOCK;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_packed(&mut out, Packing::Gzip, 6, bytes.len(), |at, to| {
            to.copy_from_slice(&bytes[at..at + to.len()]);
            Ok(())
        })
        .unwrap();
        out
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 7u32;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 28) as u8
            })
            .collect()
    }

    #[test]
    fn what_is_packed_in_blocks_is_one_member_that_others_unpack() {
        for length in [0, 1, BLOCK - 1, BLOCK, 9 * BLOCK + 17] {
            let bytes = noise(length);
            let file = packed(&bytes);
            let mut back = Vec::new();
            // The single-member decoder: it would stop at the first of several.
            flate2::read::GzDecoder::new(&file[..])
                .read_to_end(&mut back)
                .unwrap();
            assert!(back == bytes);
            assert!(inflate(Path::new("a"), &file, length as u64, Packing::Gzip).unwrap() == bytes);
        }
    }

    #[test]
    fn several_members_and_padding_are_read() {
        let bytes = noise(1000);
        let mut file = packed(&bytes[..400]);
        file.extend(packed(&bytes[400..]));
        assert!(inflate(Path::new("a"), &file, 1000, Packing::Gzip).unwrap() == bytes);
        file.extend([0; 512]);
        assert!(inflate(Path::new("a"), &file, 1000, Packing::Gzip).unwrap() == bytes);
    }

    #[test]
    fn damage_is_named_with_its_place() {
        let bytes = noise(100_000);
        let mut file = packed(&bytes);
        let cut = inflate(
            Path::new("a"),
            &file[..file.len() / 2],
            100_000,
            Packing::Gzip,
        )
        .unwrap_err();
        assert!(
            matches!(cut, Error::Truncated { offset, .. } if offset > 30_000),
            "{cut}"
        );
        let lie = inflate(Path::new("a"), &file, 1 << 40, Packing::Gzip).unwrap_err();
        assert!(
            matches!(
                lie,
                Error::Truncated {
                    offset: 100_000,
                    ..
                }
            ),
            "{lie}"
        );
        let end = file.len() - 6;
        file[end] ^= 1;
        let sum = inflate(Path::new("a"), &file, 100_000, Packing::Gzip).unwrap_err();
        assert!(matches!(sum, Error::Compression { .. }), "{sum}");
        let headless = inflate(
            Path::new("a"),
            &file[..file.len() - 8],
            100_000,
            Packing::Gzip,
        )
        .unwrap_err();
        assert!(matches!(headless, Error::Compression { .. }), "{headless}");
    }
}
