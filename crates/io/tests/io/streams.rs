//! Every reader goes to the end of the file: check sums, cut and zeroed trailers, data that are missing and
//! data that are too many, whole or slab by slab; and sizes are held against memory before they are made.

use crate::shared::shared;
use std::path::{Path, PathBuf};
use vesalius_io::{Error, ReadOptions, Slab, open, open_with, read, read_as_with, write};
use vesalius_volume::{Geometry, Volume, Warning};

const SIZE: [usize; 3] = [40, 30, 20];

fn image() -> Volume<i16> {
    let grid = Geometry::axis_aligned(SIZE, [1.0, 1.0, 2.0]).unwrap();
    Volume::from_fn(grid, |[x, y, z]| {
        ((x * 7919 + y * 104_729 + z * 31) % 4001) as i16
    })
}

/// The image in a file, and the bytes of its trailer: CRC and length, or Adler's sum.
fn packed(folder: &Path) -> Vec<(PathBuf, usize)> {
    let written = [("a.nii.gz", 8), ("a.mha", 4), ("a.nrrd", 8)].map(|(name, trailer)| {
        let path = folder.join(name);
        write(&path, &image()).unwrap();
        (path, trailer)
    });
    let plain = vesalius_io::WriteOptions {
        compress: false,
        ..Default::default()
    };
    let bytes = vesalius_io::to_bytes(&image(), vesalius_io::Format::Nifti1, &plain).unwrap();
    let path = folder.join("a.nii.zst");
    std::fs::write(&path, crate::zstd::packed(&bytes)).unwrap();
    [written.to_vec(), vec![(path, 4)]].concat()
}

/// The image by every reader.
fn read_all(path: &Path) -> [(&'static str, Result<Volume<f32>, Error>); 3] {
    let in_slabs = || {
        let opened = open(path)?;
        let slabs: Vec<Slab<f32>> = opened.slabs(7)?.collect::<Result<_, _>>()?;
        let values = slabs.into_iter().flat_map(|slab| slab.volume.into_data());
        Ok(Volume::new(opened.info().geometry, 1, values.collect()).unwrap())
    };
    [
        ("whole", read(path)),
        ("lean", open(path).and_then(|file| file.read_lean())),
        ("in slabs", in_slabs()),
    ]
}

fn refused(path: &Path, what: &str) {
    for (way, result) in read_all(path) {
        let error = result.err();
        assert!(
            matches!(
                error,
                Some(Error::Compression { .. } | Error::Truncated { .. })
            ),
            "{}, {way}, {what}: {error:?}",
            path.display()
        );
    }
}

#[test]
fn a_trailer_that_is_cut_zeroed_or_wrong_is_no_trailer() {
    let folder = tempfile::tempdir().unwrap();
    for (path, trailer) in packed(folder.path()) {
        let whole = std::fs::read(&path).unwrap();
        for (_, result) in read_all(&path) {
            assert_eq!(
                result.unwrap().get(0, [39, 29, 19]),
                image().get(0, [39, 29, 19]) as f32
            );
        }
        for cut in 1..=trailer + 3 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            refused(&path, &format!("{cut} bytes cut"));
        }
        let mut zeroed = whole.clone();
        let end = zeroed.len() - trailer;
        zeroed[end..].fill(0);
        std::fs::write(&path, &zeroed).unwrap();
        refused(&path, "zeroed trailer");
        let mut wrong = whole.clone();
        wrong[end] ^= 0x10;
        std::fs::write(&path, &wrong).unwrap();
        refused(&path, "wrong check sum");
    }
}

/// Stored blocks, so that a flipped bit unpacks and only the check sum finds it.
#[test]
fn a_flipped_bit_is_found_by_the_check_sum() {
    let folder = tempfile::tempdir().unwrap();
    let options = vesalius_io::WriteOptions {
        compression_level: Some(0),
        ..Default::default()
    };
    for name in ["a.nii.gz", "a.mha", "a.nrrd"] {
        let path = folder.path().join(name);
        vesalius_io::write_with(&path, &image(), &options).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(&path, &bytes).unwrap();
        refused(&path, "a flipped bit");
        // The region's end is after the bit, and the check sum after the region: as documented.
        assert!(
            open(&path)
                .unwrap()
                .read_region::<f32>([0; 3], [2, 2, 1])
                .is_ok()
        );
    }
}

#[test]
fn what_follows_the_voxels_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |path: &Path, expected: u64| {
        for (way, result) in read_all(path) {
            let volume = result.unwrap();
            assert_eq!(volume.data(), image().map(f32::from).data());
            let warnings: Vec<Warning> = volume.warnings().to_vec();
            let found = warnings.iter().find_map(|warning| match warning {
                Warning::SurplusData { bytes, .. } => Some(*bytes),
                _ => None,
            });
            // Slabs report it when they are finished.
            let expected = (expected > 0 && way != "in slabs").then_some(expected);
            assert_eq!(found, expected, "{} {way}", path.display());
        }
        let opened = open(path).unwrap();
        let finished = opened.slabs::<f32>(7).unwrap().finish().unwrap();
        let in_header = opened.info().warnings.len();
        assert_eq!(finished.len() + in_header, usize::from(expected > 0));
    };
    for (path, _) in packed(folder.path()) {
        let whole = std::fs::read(&path).unwrap();
        told(&path, 0);
        std::fs::write(&path, [&whole[..], &[0; 300]].concat()).unwrap();
        told(&path, 0);
        std::fs::write(&path, [&whole[..], b"garbage"].concat()).unwrap();
        told(&path, 7);
    }
    let raw = vesalius_io::WriteOptions {
        compress: false,
        ..Default::default()
    };
    for name in ["b.nii", "b.mha", "b.nrrd"] {
        let path = folder.path().join(name);
        vesalius_io::write_with(&path, &image(), &raw).unwrap();
        told(&path, 0);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], &[1; 50]].concat()).unwrap();
        told(&path, 50);
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        refused(&path, "a byte cut");
    }
}

#[test]
fn a_real_scan_with_flipped_bits_is_refused_by_every_way_in() {
    let Some(path) = shared("cases/reliability/damaged_024.nii.gz") else {
        return;
    };
    refused(&path, "200 flipped bits");
}

/// The header of a NIfTI file of bytes, with these sizes.
fn header(size: [i16; 3]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii");
    let grid = Geometry::axis_aligned([1; 3], [1.0; 3]).unwrap();
    write(&path, &Volume::filled(grid, 0u8)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for (axis, n) in size.into_iter().enumerate() {
        bytes[42 + 2 * axis..44 + 2 * axis].copy_from_slice(&n.to_le_bytes());
    }
    bytes.truncate(352);
    bytes
}

fn gzipped(path: &Path, header: &[u8], zeros: usize) {
    use std::io::Write;
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(header).unwrap();
    let zeros_at_once = vec![0; 1 << 20];
    for first in (0..zeros).step_by(1 << 20) {
        let count = (zeros - first).min(1 << 20);
        encoder.write_all(&zeros_at_once[..count]).unwrap();
    }
    encoder.finish().unwrap();
}

#[test]
fn sizes_are_held_against_the_limit_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.nii.gz");
    gzipped(&path, &header([300, 300, 300]), 300 * 300 * 300);
    let limit = 100 << 20;
    let options = ReadOptions {
        max_bytes: limit,
        ..ReadOptions::default()
    };
    let lean = |path: &Path| open_with(path, &options).and_then(|file| file.read_lean::<f32>());
    // 27 million values of four bytes.
    for result in [read_as_with::<f32>(&path, &options), lean(&path)] {
        assert!(
            matches!(
                result,
                Err(Error::TooLarge { needed: 108_000_000, limit: l, .. }) if l == limit
            ),
            "{result:?}"
        );
    }
    // A header that lies: 140 TB that the file cannot hold.
    let lie = folder.path().join("lie.nii.gz");
    gzipped(&lie, &header([i16::MAX; 3]), 1000);
    let free = ReadOptions {
        max_bytes: u64::MAX,
        ..ReadOptions::default()
    };
    for options in [&options, &free] {
        let opened = open_with(&lie, options).unwrap();
        for result in [opened.read::<f32>(), opened.read_lean::<f32>()] {
            assert!(
                matches!(
                    result,
                    Err(Error::TooLarge { .. } | Error::Volume { .. } | Error::Truncated { .. })
                ),
                "{result:?}"
            );
        }
        let slab = opened
            .slabs::<u8>(1)
            .and_then(|mut slabs| slabs.next().unwrap());
        assert!(slab.is_err());
    }
}

/// The parts that images of 16 MiB of voxels or more are read in.
#[test]
fn a_large_packed_image_is_read_into_its_place_and_refused_as_a_small_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([256, 255, 131], [1.0; 3]).unwrap();
    let values = |at: usize| (at * 7919 % 251) as i16 + (at / 65_280) as i16;
    let last = grid.voxel_count() - 1;
    let image = Volume::new(grid, 1, (0..=last).map(values).collect()).unwrap();
    for name in ["a.nii.gz", "a.mha", "a.nrrd"] {
        let path = folder.path().join(name);
        let options = vesalius_io::WriteOptions {
            compression_level: Some(1),
            ..vesalius_io::WriteOptions::default()
        };
        vesalius_io::write_with(&path, &image, &options).unwrap();
        assert!(
            vesalius_io::read_as::<i16>(&path).unwrap() == image,
            "{name}"
        );
        let real: Volume<f32> = read(&path).unwrap();
        assert!(real.data().iter().eq(image.map(f32::from).data()), "{name}");
        // The first value beyond 255 is the one that is named.
        let first = (0..=last).find(|&at| values(at) > 255).unwrap();
        let misfit = vesalius_io::read_as::<u8>(&path).unwrap_err();
        assert!(
            matches!(&misfit, Error::Value { index, .. } if *index == grid.index(first)),
            "{misfit}"
        );
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        refused(&path, "cut in half");
        let mut wrong = whole.clone();
        let end = wrong.len() - 6;
        wrong[end] ^= 1;
        // Also where a value does not fit: damage explains it.
        std::fs::write(&path, &wrong).unwrap();
        refused(&path, "a wrong sum");
        let narrow = vesalius_io::read_as::<u8>(&path);
        assert!(
            matches!(narrow, Err(Error::Compression { .. })),
            "{narrow:?}"
        );
        std::fs::write(&path, [&whole[..], b"more"].concat()).unwrap();
        let surplus = read(&path).unwrap();
        let surplus = surplus.warnings();
        assert!(
            matches!(surplus, [Warning::SurplusData { bytes: 4, .. }]),
            "{name}: {surplus:?}"
        );
    }
}
