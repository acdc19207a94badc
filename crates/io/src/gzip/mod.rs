//! gzip and zlib, and Zstandard in: whole-file in, parallel blocks of one member out; every check sum is checked.

mod block_splice;
mod deflate;
mod inflate;
mod unpack;

pub(crate) use deflate::write_packed;
pub(crate) use inflate::{check_ratio, fault, inflate, most_behind, truncated};
pub(crate) use unpack::{Unpack, first_bytes};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::layout::Packing;
    use crate::watch::Watch;
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

    fn inflate(
        path: &Path,
        packed: &[u8],
        expected: u64,
        packing: Packing,
    ) -> crate::Result<Vec<u8>> {
        super::inflate(path, packed, expected, packing, Watch::new(path, None))
            .map(|inflated| inflated.bytes)
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_packed(&mut out, Packing::Zlib, 6, bytes.len(), |at, to| {
            to.copy_from_slice(&bytes[at..at + to.len()]);
            Ok(())
        })
        .unwrap();
        out
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
        // A trailer that is cut off anywhere, or overwritten with zeros, is none.
        for (packing, whole, trailer) in [
            (Packing::Gzip, packed(&bytes), 8),
            (Packing::Zlib, zlib(&bytes), 4),
        ] {
            for cut in 1..=trailer {
                let kept = &whole[..whole.len() - cut];
                let error = inflate(Path::new("a"), kept, 100_000, packing).unwrap_err();
                assert!(matches!(error, Error::Compression { .. }), "{cut}: {error}");
            }
            let mut zeroed = whole.clone();
            let end = zeroed.len() - trailer;
            zeroed[end..].fill(0);
            let error = inflate(Path::new("a"), &zeroed, 100_000, packing).unwrap_err();
            assert!(matches!(error, Error::Compression { .. }), "{error}");
        }
        let mut file = packed(&bytes);
        let headless = inflate(
            Path::new("a"),
            &file[..file.len() - 8],
            100_000,
            Packing::Gzip,
        )
        .unwrap_err();
        assert!(matches!(headless, Error::Compression { .. }), "{headless}");
        // The check sum of a second member counts as much as that of the first.
        file.extend(packed(&bytes));
        let end = file.len() - 6;
        file[end] ^= 1;
        let second = inflate(Path::new("a"), &file, 100_000, Packing::Gzip).unwrap_err();
        assert!(matches!(second, Error::Compression { .. }), "{second}");
    }

    #[test]
    fn what_follows_is_counted() {
        let bytes = noise(5000);
        let surplus = |file: &[u8], packing| {
            let found = {
                let path = Path::new("a");
                super::inflate(path, file, 5000, packing, Watch::new(path, None)).unwrap()
            };
            assert!(found.bytes == bytes);
            (found.surplus.unpacked, found.surplus.trailing)
        };
        let mut longer = bytes.clone();
        longer.extend([1; 300]);
        for (packing, exact, long) in [
            (Packing::Gzip, packed(&bytes), packed(&longer)),
            (Packing::Zlib, zlib(&bytes), zlib(&longer)),
        ] {
            assert_eq!(surplus(&exact, packing), (0, 0));
            assert_eq!(surplus(&long, packing), (300, 0));
            for length in [1, 5, 10, 400] {
                let mut garbage = exact.clone();
                garbage.extend(std::iter::repeat_n(b'x', length));
                assert_eq!(surplus(&garbage, packing), (0, length as u64));
                let mut padded = exact.clone();
                padded.extend(std::iter::repeat_n(0, length));
                assert_eq!(surplus(&padded, packing), (0, 0));
            }
        }
    }
}
