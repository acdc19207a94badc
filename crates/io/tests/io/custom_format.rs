//! A user-defined format: read whole, in parts, from memory, in a folder, and written, with the same
//! limits and warnings as the built-in ones.

use std::io::{Read, Write};
use std::path::Path;
use vesalius_io::{
    ConvertOptions, Error, Format, FormatError, FormatImage, FormatSource, ImageBytes, ImageFormat,
    OnWarning, ReadOptions, RegisterImageFormat, VoxelType, WriteOptions, convert, describe_with,
    is_image, is_image_with, open_with, probe_with, read, read_as_with, read_labels_with,
    strip_extension_with, to_bytes, write_labels_with, write_with,
};
use vesalius_registry::Registry;
use vesalius_volume::{ErrorKind, Geometry, LabelMap, Volume, Warning};

/// `TOY`, three sizes and the channels of 4 bytes each, and 16-bit values; voxels of 1 mm.
#[derive(serde::Deserialize)]
struct Toy;

impl ImageFormat for Toy {
    fn name(&self) -> &str {
        "Toy"
    }

    fn endings(&self) -> &[&str] {
        &[".toy", ".toy.bin"]
    }

    fn recognises(&self, head: &[u8], _name: &Path) -> bool {
        head.starts_with(b"TOY")
    }

    fn read(&self, source: &FormatSource) -> Result<FormatImage, FormatError> {
        let mut file = source.open()?;
        let mut head = [0; 19];
        file.read_exact(&mut head)?;
        let number = |i: usize| u32::from_le_bytes([0, 1, 2, 3].map(|k| head[3 + 4 * i + k]));
        let [x, y, z, channels] = [0, 1, 2, 3].map(|i| number(i) as usize);
        source.admit::<i16>([x, y, z], channels)?;
        let mut bytes = vec![0; x * y * z * channels * 2];
        file.read_exact(&mut bytes)?;
        let values = bytes
            .chunks_exact(2)
            .map(|b| i16::from_le_bytes([b[0], b[1]]));
        let grid = Geometry::axis_aligned([x, y, z], [1.0; 3])?;
        let volume = Volume::new(grid, channels, values.collect())?;
        let mut image = FormatImage::new(&volume.with_warnings([Warning::ByteOrderAssumed]));
        image
            .metadata
            .insert("made by".to_owned(), "a test".to_owned());
        Ok(image)
    }

    fn write(&self, image: &FormatImage, writer: &mut dyn Write) -> Result<(), FormatError> {
        if image.geometry().spacing() != [1.0; 3] {
            return Err("its voxels are 1 mm wide; resample the image".into());
        }
        let [x, y, z] = image.geometry().size();
        writer.write_all(b"TOY")?;
        for n in [x, y, z, image.channels()] {
            writer.write_all(&u32::try_from(n)?.to_le_bytes())?;
        }
        for value in image.volume::<i16>()?.data() {
            writer.write_all(&value.to_le_bytes())?;
        }
        Ok(())
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.image_format::<Toy>("toy");
    registry
}

fn reading() -> ReadOptions {
    ReadOptions::new().registry(registry())
}

fn writing() -> WriteOptions {
    WriteOptions::new().registry(registry())
}

fn image() -> Volume<i16> {
    let grid = Geometry::axis_aligned([7, 5, 4], [1.0; 3]).unwrap();
    Volume::from_fn(grid, |at| grid.offset(at) as i16 * 3 - 9)
}

#[test]
fn a_format_of_the_programs_own_reads_and_writes_as_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toy.bin");
    write_with(&path, &image(), &writing()).unwrap();
    let info = probe_with(&path, &reading()).unwrap();
    assert_eq!(
        (info.format, info.voxel_type),
        (Format::Custom, VoxelType::I16)
    );
    assert_eq!(info.metadata["format"], "Toy");
    assert_eq!(info.metadata["made by"], "a test");
    let read_back = read_as_with::<i16>(&path, &reading()).unwrap();
    assert_eq!(read_back, image());
    assert_eq!(read_back.warnings(), [Warning::ByteOrderAssumed]);
    let file = open_with(&path, &reading()).unwrap();
    let part = file.read_region::<i16>([1, 2, 1], [3, 2, 2]).unwrap();
    assert_eq!(part.data()[0], image().data()[1 + 7 * 2 + 35]);
    let slabs: Vec<usize> = file
        .slabs::<i16>(3)
        .unwrap()
        .map(|s| s.unwrap().z)
        .collect();
    assert_eq!(slabs, [0, 3]);

    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(
        to_bytes(&image(), Format::Custom, &writing()).unwrap(),
        bytes
    );
    let held = ImageBytes::new(bytes).format(Format::Custom);
    assert_eq!(held.read_as::<i16>(&reading()).unwrap(), image());
    assert!(held.read(&ReadOptions::default()).is_err());

    // From it and to it.
    let options = ConvertOptions {
        memory: None,
        read: reading(),
        write: writing(),
        labels: false,
    };
    let nifti = folder.path().join("a.nii.gz");
    convert(&path, &nifti, &options).unwrap();
    assert_eq!(read(&nifti).unwrap(), image().map(f32::from));
    let again = folder.path().join("b.toy");
    convert(&nifti, &again, &options).unwrap();
    assert_eq!(
        std::fs::read(&again).unwrap(),
        std::fs::read(&path).unwrap()
    );

    assert!(!is_image(&path) && is_image_with(&path, &registry()));
    assert_eq!(strip_extension_with(&path, &registry()), "a");
    let found = describe_with(folder.path(), &reading()).unwrap();
    let formats: Vec<Option<Format>> = found.iter().map(|one| one.format).collect();
    let custom = Some(Format::Custom);
    assert_eq!(formats, [Some(Format::Nifti1), custom, custom]);
}

#[test]
fn labels_and_other_types_pass_through_a_format_of_the_programs_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toy");
    let labels = LabelMap::from_fn(*image().geometry(), |[x, y, _]| (x * y) as u16);
    write_labels_with(&path, &labels, &writing()).unwrap();
    let read_back: LabelMap = read_labels_with(&path, &reading()).unwrap();
    assert_eq!(read_back, labels);
    let real = image().map(|v| f32::from(v) + 0.5);
    let refused = write_with(&path, &real, &writing()).unwrap_err();
    assert!(matches!(refused, Error::Value { .. }), "{refused}");
    let rounded = WriteOptions {
        voxel_type: Some(VoxelType::I16),
        round: true,
        ..writing()
    };
    write_with(&path, &real, &rounded).unwrap();
}

#[test]
fn limits_warnings_and_errors_are_those_of_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toy");
    write_with(&path, &image(), &writing()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    // Without the registry it is no image.
    assert!(matches!(read(&path), Err(Error::NotAnImage { .. })));
    let strict = ReadOptions {
        on_warning: OnWarning::Refuse,
        ..reading()
    };
    let refused = read_as_with::<i16>(&path, &strict).unwrap_err();
    assert!(matches!(refused, Error::Warned { .. }), "{refused}");
    let small = ReadOptions {
        max_bytes: 100,
        ..reading()
    };
    let refused = read_as_with::<i16>(&path, &small).unwrap_err();
    assert!(matches!(refused, Error::TooLarge { .. }), "{refused}");
    let mut lies = whole.clone();
    lies[3..15].fill(0x7f);
    std::fs::write(&path, &lies).unwrap();
    let refused = read_as_with::<i16>(&path, &reading()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OutOfMemory, "{refused}");
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let refused = read_as_with::<i16>(&path, &reading()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    let message = refused.to_string();
    assert!(message.contains("a.toy: Toy: "), "{message}");

    // What the format refuses leaves the old file.
    let wide = Volume::filled(Geometry::axis_aligned([2; 3], [2.0; 3]).unwrap(), 1i16);
    let refused = write_with(&path, &wide, &writing()).unwrap_err();
    assert!(refused.to_string().contains("1 mm wide"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap().len(), whole.len() - 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
