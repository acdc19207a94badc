//! Series whose frames share places, or differ in orientation: each volume is a part with a name of its own.

use crate::dicom_writer::{element, save, sequence, slice};
use crate::shared::shared;
use std::collections::BTreeSet;
use std::path::Path;
use vesalius_io::{
    Error, ReadOptions, Series, VolumeChoice, list_series, probe_with, read_as, read_as_with,
};
use vesalius_volume::{Volume, Warning};

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

/// Three slices of each variant; a variant's voxels hold its number.
fn series_of(folder: &Path, variants: &[Vec<Change>]) {
    for (i, changes) in variants.iter().enumerate() {
        for z in [0.0, 3.0, 6.0] {
            save(
                folder,
                &format!("{i:03}-{z}"),
                &slice(z, [i as i16; 6], changes),
            );
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let list = list_series(folder).unwrap();
    let parts: Vec<Series> = list.series;
    assert!(parts.iter().all(|part| part.problem.is_none()), "{parts:?}");
    parts
        .into_iter()
        .map(|part| part.part.unwrap_or_default())
        .collect()
}

fn part(folder: &Path, volume: &str) -> Volume<i16> {
    let volume = VolumeChoice::from(volume);
    let options = ReadOptions {
        volume,
        ..ReadOptions::new()
    };
    read_as_with(folder, &options).unwrap()
}

#[test]
fn every_attribute_that_frames_at_one_place_differ_in_names_parts() {
    let numbers = |tag: u32, kind: &'static [u8; 2]| [(tag, kind, &b"1"[..]), (tag, kind, b"2")];
    let text = |tag: u32, kind: &'static [u8; 2], a: &'static [u8], b: &'static [u8]| {
        [(tag, kind, a), (tag, kind, b)]
    };
    let cases: [([Change; 2], [&str; 2]); 16] = [
        (numbers(0x0018_0086, b"IS"), ["echo 1", "echo 2"]),
        (
            text(0x0018_0081, b"DS", b"5.2", b"9.1"),
            ["echo 1", "echo 2"],
        ),
        (
            text(0x0018_1210, b"SH", b"B30f", b"Br40f\\3"),
            ["kernel B30f", "kernel Br40f 3"],
        ),
        (
            text(
                0x0008_0008,
                b"CS",
                b"ORIGINAL\\PRIMARY\\M",
                b"ORIGINAL\\PRIMARY\\P",
            ),
            ["type M", "type P"],
        ),
        (
            text(0x0018_0082, b"DS", b"900", b"1500"),
            ["inversion 900", "inversion 1500"],
        ),
        (
            text(0x0018_1314, b"DS", b"4", b"18"),
            ["flip angle 4", "flip angle 18"],
        ),
        (text(0x0018_0060, b"DS", b"80", b"140"), ["kV 80", "kV 140"]),
        (
            text(0x0018_0024, b"SH", b"*ep_b0", b"*ep_b800#1"),
            ["sequence *ep_b0", "sequence *ep_b800#1"],
        ),
        (
            numbers(0x0020_0012, b"IS"),
            ["acquisition 1", "acquisition 2"],
        ),
        (numbers(0x0020_0100, b"IS"), ["time 1", "time 2"]),
        (
            text(0x0018_1060, b"DS", b"0", b"35.5"),
            ["trigger 1", "trigger 2"],
        ),
        (
            text(0x0054_1300, b"DS", b"0", b"60000"),
            ["time 1", "time 2"],
        ),
        (
            text(0x0008_0032, b"TM", b"101200", b"101300"),
            ["time 1", "time 2"],
        ),
        (
            text(0x0008_002A, b"DT", b"20260131235900", b"20260201000100"),
            ["time 1", "time 2"],
        ),
        (
            text(0x0008_0033, b"TM", b"101200", b"101300"),
            ["time 1", "time 2"],
        ),
        (numbers(0x0020_9056, b"SH"), ["stack 1", "stack 2"]),
    ];
    for ([first, second], expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        // What comes second in the order of keys comes first in the folder.
        series_of(at, &[vec![second], vec![first]]);
        let mut found = names(at);
        if first.0 == 0x0008_0008
            || first.0 == 0x0018_1210
            || first.0 == 0x0018_0024
            || first.0 == 0x0020_9056
        {
            // Texts have no order but that in which they appear.
            found.reverse();
        }
        assert_eq!(found, expected, "{:08X}", first.0);
        assert_eq!(part(at, expected[0]).data(), [1; 18], "{:08X}", first.0);
        assert_eq!(part(at, &expected[1].to_uppercase()).data(), [0; 18]);
    }
}

#[test]
fn a_part_is_asked_for_by_name_or_number_and_another_one_is_refused_with_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let time = |value: &'static [u8]| vec![(0x0020_0100, b"IS", value)];
    series_of(at, &[time(b"1"), time(b"2"), time(b"10")]);
    assert_eq!(names(at), ["time 1", "time 2", "time 10"]);
    for (name, value) in [("time 10", 2), ("3", 2), ("2", 1), (" TIME 2 ", 1)] {
        assert_eq!(part(at, name).data(), [value; 18], "{name}");
        let series = Some(format!("thorax/{name}"));
        let options = ReadOptions {
            series,
            ..ReadOptions::new()
        };
        assert_eq!(
            read_as_with::<i16>(at, &options).unwrap().data(),
            [value; 18]
        );
    }
    let options = |volume: &str| ReadOptions {
        volume: volume.into(),
        ..ReadOptions::new()
    };
    for wrong in ["4", "0", "time 3", ""] {
        let error = probe_with(at, &options(wrong)).unwrap_err();
        assert!(matches!(error, Error::NoSuchVolume { .. }), "{error}");
        assert!(error.to_string().contains("time 10"), "{error}");
    }
    let error = read_as::<i16>(at).unwrap_err();
    assert!(matches!(error, Error::SeveralVolumes { .. }), "{error}");
    assert!(error.to_string().contains("ReadOptions::volume"), "{error}");
    let list = list_series(at).unwrap().series;
    let key = &list[2].keys[0];
    assert_eq!(
        (key.keyword.as_str(), key.value.as_str()),
        ("TemporalPositionIdentifier", "10")
    );
    assert_eq!(key.numbers(), Some(vec![10.0]));
}

#[test]
fn several_keys_together_separate_what_none_does_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut variants = Vec::new();
    for kind in [&b"ORIGINAL\\PRIMARY\\M"[..], b"ORIGINAL\\PRIMARY\\P"] {
        for echo in [&b"4.9"[..], b"7.4"] {
            variants.push(vec![(0x0008_0008, b"CS", kind), (0x0018_0081, b"DS", echo)]);
        }
    }
    series_of(at, &variants);
    assert_eq!(
        names(at),
        [
            "type M, echo 1",
            "type M, echo 2",
            "type P, echo 1",
            "type P, echo 2"
        ]
    );
    assert_eq!(part(at, "type P, echo 1").data(), [2; 18]);
}

#[test]
fn diffusion_is_named_by_b_value_and_direction_and_repeats_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let b = [0f64, 800.0].map(f64::to_le_bytes);
    let direction = |d: [f64; 3]| d.map(f64::to_le_bytes).concat();
    let directions = [direction([1.0, 0.0, 0.0]), direction([0.0, -0.6, 0.8])];
    let times = [&b"101200"[..], b"101201", b"101202", b"101203"];
    let numbers = [&b"1"[..], b"2", b"3", b"4"];
    let of = |i: usize| {
        vec![
            (0x0008_0032, b"TM", times[i]),
            (0x0020_0013, b"IS", numbers[i]),
        ]
    };
    let weighted = |i: usize, d: usize| {
        let mut changes: Vec<Change> = of(i);
        changes.push((0x0018_9087, b"FD", &b[1]));
        changes.push((0x0018_9089, b"FD", &directions[d]));
        changes
    };
    let plain = |i: usize| {
        let mut changes: Vec<Change> = of(i);
        changes.push((0x0018_9087, b"FD", &b[0]));
        changes
    };
    series_of(at, &[plain(0), weighted(1, 1), weighted(2, 0)]);
    assert_eq!(names(at), ["b 0", "b 800 direction 1", "b 800 direction 2"]);
    let list = list_series(at).unwrap().series;
    let of_key = |part: &Series, keyword: &str| {
        let key = part.keys.iter().find(|key| key.keyword == keyword);
        key.and_then(|key| key.numbers())
    };
    let towards = "DiffusionGradientOrientation";
    assert_eq!(of_key(&list[1], towards), Some(vec![0.0, -0.6, 0.8]));
    assert_eq!(of_key(&list[1], "DiffusionBValue"), Some(vec![800.0]));
    assert_eq!(of_key(&list[0], towards), None);
    // A second volume without weighting.
    series_of(at, &[plain(0), weighted(1, 1), weighted(2, 0), plain(3)]);
    assert_eq!(names(at), ["time 1", "time 2", "time 3", "time 4"]);
}

#[test]
fn frames_that_only_times_tell_apart_are_sorted_at_each_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // Slices are acquired one after the other, so that no two frames have the same time.
    for volume in 0..3 {
        for z in 0..4 {
            let time = format!("1012{:02}.{z}", 10 * volume + z);
            let changes: [Change; 1] = [(0x0008_0032, b"TM", time.as_bytes())];
            save(
                at,
                &format!("{}{z}", 9 - volume),
                &slice(f64::from(z), [volume as i16; 6], &changes),
            );
        }
    }
    assert_eq!(names(at), ["time 1", "time 2", "time 3"]);
    for volume in 0..3i16 {
        assert_eq!(
            part(at, &format!("time {}", volume + 1)).data(),
            [volume; 24]
        );
    }
    // The scan was stopped: the last volume lacks its last slice.
    std::fs::remove_file(at.join("73")).unwrap();
    assert_eq!(names(at), ["time 1", "time 2", "time 3"]);
    let cut = part(at, "time 3");
    assert_eq!(cut.geometry().size(), [3, 2, 3]);
    assert_eq!(
        cut.warnings(),
        [Warning::FewerSlices { slices: 3, most: 4 }]
    );
    assert!(part(at, "time 1").warnings().is_empty());
    assert_eq!(part(at, "time 2").data(), [1; 24]);
}

#[test]
fn what_only_instance_numbers_tell_apart_is_separated_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let number = |n: &'static [u8]| vec![(0x0020_0013, b"IS", n)];
    for (i, z) in [0.0, 3.0].into_iter().enumerate() {
        for (volume, changes) in [number(b"1"), number(b"5")].iter().enumerate() {
            save(
                at,
                &format!("{volume}{i}"),
                &slice(z, [volume as i16; 6], changes),
            );
        }
    }
    assert_eq!(names(at), ["volume 1", "volume 2"]);
    let second = part(at, "volume 2");
    assert_eq!(second.data(), [1; 12]);
    assert!(
        matches!(
            second.warnings(),
            [Warning::PartsByInstanceNumber {
                parts: 2,
                frames: 4
            }]
        ),
        "{:?}",
        second.warnings()
    );
    // One more at one place alone: which of the three is it?
    save(at, "more", &slice(0.0, [9; 6], &number(b"9")));
    let error = read_as::<i16>(at).unwrap_err().to_string();
    assert!(
        error.contains("1 frames") || error.contains("3 frames"),
        "{error}"
    );
    assert!(!error.contains("remove the copies"), "{error}");
}

#[test]
fn orientations_sizes_and_spacings_of_one_series_are_parts() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let coronal: Change = (0x0020_0037, b"DS", b"1\\0\\0\\0\\0\\-1");
    let sagittal: Change = (0x0020_0037, b"DS", b"0\\1\\0\\0\\0\\-1");
    let turned: Change = (0x0020_0037, b"DS", b"0.8\\0.6\\0\\0\\0\\-1");
    let wide: [Change; 2] = [(0x0028_0010, b"US", &[3, 0]), (0x0028_0011, b"US", &[2, 0])];
    let fine: Change = (0x0028_0030, b"DS", b"0.5\\0.125");
    let of = |number: &'static [u8], changes: &[Change<'static>]| {
        let mut all = vec![(0x0020_0013, b"IS", number)];
        all.extend(changes);
        all
    };
    let variants = [
        of(b"3", &[sagittal]),
        of(b"1", &[]),
        of(b"2", &[coronal]),
        of(b"4", &[turned]),
        of(b"5", &wide),
        of(b"6", &[fine]),
    ];
    for (i, changes) in variants.iter().enumerate() {
        save(at, &i.to_string(), &slice(0.0, [i as i16; 6], changes));
    }
    assert_eq!(
        names(at),
        [
            "orientation 1 (axial), size 3x2, spacing 0.25x0.5",
            "orientation 2 (coronal), size 3x2, spacing 0.25x0.5",
            "orientation 3 (sagittal), size 3x2, spacing 0.25x0.5",
            "orientation 4 (oblique), size 3x2, spacing 0.25x0.5",
            "orientation 1 (axial), size 2x3, spacing 0.25x0.5",
            "orientation 1 (axial), size 3x2, spacing 0.125x0.5",
        ]
    );
    assert_eq!(part(at, "3").data(), [0; 6]);
    assert_eq!(
        part(at, "orientation 2 (coronal), size 3x2, spacing 0.25x0.5").data(),
        [2; 6]
    );
}

/// An enhanced file of frames with their heights, each with a functional group of its own.
fn enhanced(frames: &[(f64, Vec<u8>)]) -> Vec<u8> {
    let text = |tag: u32, value: &str| element(tag, b"DS", value.as_bytes());
    let item = |elements: &[u8]| {
        let mut bytes = vec![0xFE, 0xFF, 0, 0xE0];
        bytes.extend((elements.len() as u32).to_le_bytes());
        bytes.extend(elements);
        bytes
    };
    let own: Vec<u8> = frames
        .iter()
        .flat_map(|(z, more)| {
            let position = text(0x0020_0032, &format!("-10\\-20\\{z}"));
            item(&[sequence(0x0020_9113, &[position]), more.clone()].concat())
        })
        .collect();
    let pixels: Vec<u8> = (0..frames.len() as i16)
        .flat_map(|i| [i; 6])
        .flat_map(i16::to_le_bytes)
        .collect();
    let count = frames.len().to_string();
    slice(
        0.0,
        [0; 6],
        &[
            (0x0020_0032, b"DS", b""),
            (0x0028_0008, b"IS", count.as_bytes()),
            (
                0x5200_9229,
                b"SQ",
                &item(
                    &[
                        sequence(0x0020_9116, &[text(0x0020_0037, "1\\0\\0\\0\\1\\0")]),
                        sequence(0x0028_9110, &[text(0x0028_0030, "0.5\\0.25")]),
                    ]
                    .concat(),
                ),
            ),
            (0x5200_9230, b"SQ", &own),
            (0x7FE0_0010, b"OW", &pixels),
        ],
    )
}

#[test]
fn frames_of_an_enhanced_file_are_separated_by_their_functional_groups() {
    let double = |tag: u32, value: f64| element(tag, b"FD", &value.to_le_bytes());
    let index = |value: u32| {
        sequence(
            0x0020_9111,
            &[element(0x0020_9128, b"UL", &value.to_le_bytes())],
        )
    };
    let echo = |value: f64| sequence(0x0018_9114, &[double(0x0018_9082, value)]);
    let kind = |value: &str| {
        sequence(
            0x0018_9226,
            &[element(0x0008_9007, b"CS", value.as_bytes())],
        )
    };
    let kernel = |value: &str| {
        sequence(
            0x0018_9314,
            &[element(0x0018_1210, b"SH", value.as_bytes())],
        )
    };
    let delay = |value: f64| sequence(0x0018_9118, &[double(0x0020_9153, value)]);
    let diffusion = |b: f64, direction: [f64; 3]| {
        let direction = direction.map(f64::to_le_bytes).concat();
        let orientation = sequence(0x0018_9076, &[element(0x0018_9089, b"FD", &direction)]);
        sequence(
            0x0018_9117,
            &[[double(0x0018_9087, b), orientation].concat()],
        )
    };
    let moment = |value: &str| {
        sequence(
            0x0020_9111,
            &[element(0x0018_9074, b"DT", value.as_bytes())],
        )
    };
    let component = |value: &str| {
        sequence(
            0x0018_9226,
            &[element(0x0008_9208, b"CS", value.as_bytes())],
        )
    };
    let cases: [([Vec<u8>; 2], [&str; 2]); 9] = [
        (
            [component("MAGNITUDE"), component("PHASE")],
            ["component MAGNITUDE", "component PHASE"],
        ),
        ([index(1), index(2)], ["time 1", "time 2"]),
        ([echo(2.3), echo(4.6)], ["echo 1", "echo 2"]),
        (
            [
                kind("ORIGINAL\\PRIMARY\\WATER"),
                kind("ORIGINAL\\PRIMARY\\FAT"),
            ],
            ["type WATER", "type FAT"],
        ),
        (
            [kernel("B30f"), kernel("B80f")],
            ["kernel B30f", "kernel B80f"],
        ),
        ([delay(10.0), delay(50.0)], ["trigger 1", "trigger 2"]),
        (
            [diffusion(0.0, [0.0; 3]), diffusion(800.0, [0.0, 1.0, 0.0])],
            ["b 0", "b 800"],
        ),
        (
            [
                diffusion(800.0, [0.0, 0.0, 1.0]),
                diffusion(800.0, [0.0, 1.0, 0.0]),
            ],
            ["b 800 direction 1", "b 800 direction 2"],
        ),
        (
            [moment("20260131101200"), moment("20260131101201")],
            ["time 1", "time 2"],
        ),
    ];
    for ([first, second], expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let frames: Vec<(f64, Vec<u8>)> = [&first, &second]
            .into_iter()
            .flat_map(|own| [0.0, 2.0, 4.0].map(|z| (z, own.clone())))
            .collect();
        let path = save(folder.path(), "e.dcm", &enhanced(&frames));
        let found = names(&path);
        // A b-value shared by all frames is no key, and a direction alone has no b before it.
        let expected = expected.map(|name| match name.strip_prefix("b 800 direction") {
            Some(number) => format!("direction{number}"),
            None => name.to_owned(),
        });
        assert_eq!(found, expected);
        let second = part(&path, &expected[1]);
        assert_eq!(second.data(), [[3; 6], [4; 6], [5; 6]].concat());
    }
}

#[test]
fn the_shared_series_have_parts_that_can_be_named() {
    for (case, expected) in [
        (
            "dicom/loc",
            &["orientation 1 (axial)", "orientation 2 (coronal)"][..],
        ),
        ("dicom/dyn_time_only", &["time 1", "time 2", "time 3"]),
        (
            "dicom/ct_two_kernels",
            &["kernel B30f", "kernel B80f", "kernel B60f"],
        ),
        ("dicom/dwi_std", &["b 0", "b 800", "b 1600"]),
        ("dicom/dixon", &["type WATER", "type FAT", "type IN_PHASE"]),
        (
            "enh/three_planes",
            &[
                "orientation 1 (axial)",
                "orientation 2 (coronal)",
                "orientation 3 (sagittal)",
            ],
        ),
        ("enh/dyn_pet", &["time 1", "time 2", "time 3"]),
    ] {
        let Some(path) = shared(&format!("cases/images/{case}")) else {
            return;
        };
        let found = names(&path);
        let mut sorted = found.clone();
        let mut wanted: Vec<String> = expected.iter().map(|&name| name.to_owned()).collect();
        if case.ends_with("kernels") || case.ends_with("dixon") {
            sorted.sort();
            wanted.sort();
        }
        assert_eq!(sorted, wanted, "{case}");
        for (number, name) in found.iter().enumerate() {
            let of = |volume: &str| {
                let volume = VolumeChoice::from(volume);
                let options = ReadOptions {
                    volume,
                    ..ReadOptions::new()
                };
                read_as_with::<f64>(&path, &options).unwrap()
            };
            assert!(of(name) == of(&(number + 1).to_string()), "{case}");
        }
        let mut files: Vec<_> = list_series(&path).unwrap().series;
        let frames: usize = files.iter().map(|part| part.size[2]).sum();
        let distinct: BTreeSet<_> = files.drain(..).flat_map(|part| part.files).collect();
        assert!(distinct.len() == 1 || distinct.len() == frames, "{case}");
    }
}
