//! Modalities of one study on one grid: made files, and the real series next to the repository where they are.

use std::path::Path;
use vesalius::io::{list_series, read, write};
use vesalius::prelude::*;
use vesalius::study::{ChannelSource, Error, read_channels, read_subject};

#[test]
fn images_are_brought_to_the_grid_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let grid = Geometry::axis_aligned([6, 5, 4], [1.0; 3]).unwrap();
    // The sum of the world coordinates: linear interpolation gives it exactly on any grid.
    let ramp = |grid: Geometry| {
        Volume::from_fn(grid, move |index| {
            let world = grid.index_to_world(index.map(|i| i as f64));
            world.iter().sum::<f64>() as f32
        })
    };
    write(path("first.nii"), &ramp(grid)).unwrap();
    let fine = Geometry::axis_aligned([24, 20, 16], [0.25; 3]).unwrap();
    write(path("fine.nii"), &ramp(fine)).unwrap();
    let modalities =
        ["first.nii", "first.nii", "fine.nii"].map(|name| ChannelSource::new(path(name)));
    let subject = read_subject("made", &modalities).unwrap();
    assert_eq!(subject.name(), "made");
    assert_eq!(subject.geometry(), &grid);
    let image = subject.image();
    assert_eq!(image.channels(), 3);
    assert_eq!(image.channel(0), image.channel(1));
    for (a, b) in image.channel(0).iter().zip(image.channel(2)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
    let far = fine.region([400, 0, 0], [4, 4, 4]).unwrap();
    write(path("far.nii"), &ramp(far)).unwrap();
    let apart = [
        ChannelSource::new(path("first.nii")),
        ChannelSource::new(path("far.nii")),
    ];
    let error = read_channels(&apart).unwrap_err();
    assert!(
        matches!(error, Error::Apart { .. }) && error.to_string().contains("far.nii"),
        "{error}"
    );
    assert!(matches!(read_channels(&[]).unwrap_err(), Error::NoImage));
}

#[test]
fn a_real_study_becomes_one_subject() {
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/dicom");
    if !study.is_dir() {
        assert!(
            std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none(),
            "../shared is required, but not there"
        );
        println!("skipped: real study (../shared not found)");
        return;
    }
    // Number, description and UID name a series equally well.
    let list = list_series(&study).unwrap().series;
    assert_eq!(list.len(), 4);
    let t2 = list.iter().find(|s| s.description == "T2_reg").unwrap();
    let modalities = [
        ChannelSource::series(&study, "12"),
        ChannelSource::series(&study, "FLAIR_reg"),
        ChannelSource::series(&study, t2.uid.clone()),
    ];
    let subject = read_subject("study", &modalities).unwrap();
    let t1 = read(study.join("12-T1post-05670")).unwrap();
    assert_eq!(subject.geometry(), t1.geometry());
    assert_eq!(subject.image().channels(), 3);
    assert_eq!(subject.image().channel(0), t1.data());
    // Registered series overlap: most voxels of the head have a value in every channel.
    for channel in 1..3 {
        let filled = subject
            .image()
            .channel(channel)
            .iter()
            .filter(|v| **v > 0.0);
        let share = filled.count() as f64 / t1.data().len() as f64;
        assert!(share > 0.3, "channel {channel}: {share}");
    }
}
