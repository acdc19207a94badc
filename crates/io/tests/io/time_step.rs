//! The time from volume to volume of a DICOM series, as `pixdim[4]` of the NIfTI file.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use std::path::Path;
use vesalius_io::{
    ConvertOptions, FourthAxis, ReadOptions, VolumeChoice, convert, probe, probe_with,
};

type Change<'a> = (u32, &'a [u8; 2], &'a str);

fn all() -> ReadOptions {
    ReadOptions {
        volume: VolumeChoice::All,
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::new()
    }
}

/// Volumes of two slices that each have these elements, and `common` too.
fn volumes(folder: &Path, common: &[Change], each: &[Vec<Change>]) {
    for (number, own) in each.iter().enumerate() {
        let changes: Vec<(u32, &[u8; 2], &[u8])> = common
            .iter()
            .chain(own)
            .map(|(tag, kind, value)| (*tag, *kind, value.as_bytes()))
            .collect();
        for z in [0.0, 3.0] {
            let name = format!("{number}-{z}");
            save(folder, &name, &slice(z, [number as i16; 6], &changes));
        }
    }
}

/// `pixdim[4]` and the units of the NIfTI file of all volumes.
fn written(folder: &Path) -> (f64, i32) {
    let target = folder.with_extension("nii");
    let options = ConvertOptions {
        read: all(),
        ..ConvertOptions::default()
    };
    convert(folder, &target, &options).unwrap();
    let fields = probe_with(&target, &all()).unwrap().nifti.unwrap();
    std::fs::remove_file(&target).unwrap();
    (fields.steps[0], fields.units)
}

fn step(common: &[Change], each: &[Vec<Change>]) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    volumes(folder.path(), common, each);
    let (step, units) = written(folder.path());
    assert_eq!(units, 10, "mm and s");
    // The header holds single precision.
    (step * 1e6).round() / 1e6
}

const TR: u32 = 0x0018_0080;
const TIME: u32 = 0x0008_0032;
const TRIGGER: u32 = 0x0018_1060;

fn each<'a>(tag: u32, kind: &'a [u8; 2], values: &[&'a str]) -> Vec<Vec<Change<'a>>> {
    values
        .iter()
        .map(|value| vec![(tag, kind, *value)])
        .collect()
}

#[test]
fn repetition_time_is_the_step_where_no_times_differ() {
    let positions = each(0x0020_0100, b"IS", &["1", "2", "3"]);
    assert_eq!(step(&[(TR, b"DS", "2500")], &positions), 2.5);
    // No step is known, which is not one second.
    assert_eq!(step(&[], &positions), 0.0);
    // TemporalResolution is the time between temporal positions.
    let resolution: [Change; 2] = [(TR, b"DS", "5"), (0x0020_0110, b"DS", "8000")];
    assert_eq!(step(&resolution, &positions), 8.0);
}

#[test]
fn even_times_are_the_step_before_repetition_time() {
    // A volume of a 3-D sequence takes many repetitions.
    let tr: [Change; 1] = [(TR, b"DS", "5")];
    let times = each(TIME, b"TM", &["101200.00", "101208.00", "101216.02"]);
    assert_eq!(step(&tr, &times), 8.01);
    assert_eq!(step(&[], &times), 8.01);
    let midnight = [
        ["20260131", "235958"],
        ["20260201", "000000"],
        ["20260201", "000002"],
    ];
    let midnight =
        midnight.map(|[date, time]| vec![(0x0008_0022, b"DA", date), (TIME, b"TM", time)]);
    assert_eq!(step(&[], &midnight), 2.0);
    let triggers = each(TRIGGER, b"DS", &["0", "40", "80"]);
    assert_eq!(step(&tr, &triggers), 0.04);
    let references = each(0x0054_1300, b"DS", &["15000", "45000", "75000"]);
    assert_eq!(step(&[], &references), 30.0);
}

#[test]
fn times_that_show_repetition_time_but_for_rounding_are_that() {
    let times = each(
        TIME,
        b"TM",
        &["101200.0", "101202.4", "101204.9", "101207.4"],
    );
    assert_eq!(step(&[(TR, b"DS", "2450")], &times), 2.45);
}

#[test]
fn uneven_times_are_no_step() {
    let times = each(TIME, b"TM", &["101200", "101210", "101300", "101500"]);
    assert_eq!(step(&[(TR, b"DS", "5")], &times), 0.0);
    // But for a pause they are repetitions.
    let paused = each(
        TIME,
        b"TM",
        &["101200", "101202", "101204", "101300", "101302"],
    );
    assert_eq!(step(&[(TR, b"DS", "2000")], &paused), 2.0);
}

#[test]
fn repetition_time_that_the_times_contradict_is_no_step() {
    // Label and control of a three-dimensional acquisition, of two minutes each.
    let order = ["1", "2"].map(|acquisition| {
        ["101200", "101400", "101600"]
            .map(|time| vec![(0x0020_0012, b"IS", acquisition), (TIME, b"TM", time)])
    });
    assert_eq!(step(&[(TR, b"DS", "4250")], &order.concat()), 0.0);
    // Directions that were not acquired in the order of their b-values.
    let times = ["101204", "101200", "101202"];
    let mixed = ["0", "800", "1600"].iter().zip(times);
    let mixed =
        mixed.map(|(kernel, time)| vec![(0x0018_1210, b"SH", *kernel), (TIME, b"TM", time)]);
    assert_eq!(
        step(&[(TR, b"DS", "2000")], &mixed.collect::<Vec<_>>()),
        2.0
    );
}

#[test]
fn echoes_of_one_excitation_are_no_times() {
    let echoes = [["4.92", "101200.0000"], ["7.38", "101200.0025"]];
    let echoes = echoes.map(|[echo, time]| vec![(0x0018_0081, b"DS", echo), (TIME, b"TM", time)]);
    assert_eq!(step(&[(TR, b"DS", "600")], &echoes), 0.6);
}

#[test]
fn a_single_volume_has_its_repetition_time_too() {
    let folder = tempfile::tempdir().unwrap();
    let tr: [Change; 1] = [(TR, b"DS", "2300")];
    volumes(folder.path(), &tr, &[vec![]]);
    let (step, units) = written(folder.path());
    assert!((step - 2.3).abs() < 1e-6 && units == 10);
    let folder = tempfile::tempdir().unwrap();
    volumes(folder.path(), &[], &[vec![]]);
    assert!(probe(folder.path()).unwrap().nifti.is_none());
}

#[test]
fn the_shared_series_have_the_steps_of_dcm2niix() {
    for (case, wanted) in [("dicom/mosaic", 2.43537), ("dicom/dyn_time_only", 1.0)] {
        let Some(path) = shared(&format!("cases/images/{case}")) else {
            return;
        };
        let info = probe_with(&path, &all()).unwrap();
        assert_eq!(info.nifti.unwrap().steps[0], wanted, "{case}");
    }
}
