//! Segmentations: every voxel comes back where it was, whatever the source's orientation and the labels' order of axes.

use crate::made::{Made, orientations};
use crate::series::image;
use dicom_core::Tag;
use dicom_object::{DefaultDicomObject, InMemDicomObject, OpenFileOptions};
use std::path::Path;
use vesalius_dicom::{FrameRule, SegKind, SegSyntax, SegWriter, Segment, SegmentDescriptions};
use vesalius_io::{ReadOptions, list_series, read_labels, read_series};
use vesalius_volume::{Geometry, LabelMap, Volume};

pub fn open(path: &Path) -> DefaultDicomObject {
    OpenFileOptions::new().open_file(path).unwrap()
}

pub fn items(set: &InMemDicomObject, group: u16, element: u16) -> &[InMemDicomObject] {
    set.get(Tag(group, element)).unwrap().items().unwrap()
}

pub fn text(set: &InMemDicomObject, group: u16, element: u16) -> String {
    let value = set.get(Tag(group, element)).unwrap().to_str().unwrap();
    value.trim_end_matches([' ', '\0']).to_owned()
}

/// Labels 1, 2 and 3 at random; 2 lies on some slices only.
pub fn labels(grid: Geometry) -> LabelMap<u16> {
    let mut state = 1u32;
    LabelMap::from_fn(grid, |[_, _, z]| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match state >> 24 {
            0..60 => 1,
            60..100 if z % 2 == 1 || grid.size()[2] == 1 => 2,
            100..120 => 3,
            _ => 0,
        }
    })
}

pub fn three() -> [Segment; 3] {
    [
        Segment::named(1, "liver"),
        Segment::named(2, "kidney_left"),
        Segment::named(3, "something else"),
    ]
}

/// Whether the file's labels are these at the same places, and no others.
pub fn assert_same(labels: &LabelMap<u16>, file: &Path, what: &str) {
    let back: LabelMap<u16> = read_labels(file).unwrap();
    for offset in 0..labels.data().len() {
        let index = labels.geometry().index(offset);
        let world = labels.geometry().index_to_world(index.map(|v| v as f64));
        let other = back.geometry().world_to_index(world).map(f64::round);
        let inside = (0..3).all(|i| other[i] >= 0.0 && other[i] < back.geometry().size()[i] as f64);
        let found = if inside {
            back.get(other.map(|v| v as usize))
        } else {
            0
        };
        assert_eq!(found, labels.data()[offset], "{what}: voxel {index:?}");
    }
    let count = |map: &LabelMap<u16>| map.data().iter().filter(|v| **v > 0).count();
    assert_eq!(count(&back), count(labels), "{what}");
}

#[test]
fn labels_come_back_from_any_orientation_and_any_order_of_axes() {
    for (name, made) in orientations() {
        let folder = tempfile::tempdir().unwrap();
        let series = made.series(folder.path());
        let grid = *image(&series).geometry();
        for (number, (order, turned)) in [
            ([0, 1, 2], [false; 3]),
            ([2, 0, 1], [true, false, true]),
            ([1, 0, 2], [false, true, true]),
            ([0, 2, 1], [true, true, true]),
        ]
        .into_iter()
        .enumerate()
        {
            let labels = labels(grid.permuted(order).flipped(turned));
            let file = folder.path().join(format!("seg{number}"));
            let writer = SegWriter::new(&series).unwrap().segments(three());
            writer.write(&labels, &file).unwrap();
            assert_same(&labels, &file, name);
        }
    }
}

#[test]
fn each_frame_names_its_source_and_has_its_place_as_written_there() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made {
        heights: vec![22.5, 10.0, 17.5, 12.5, 20.0, 15.0],
        ..Made::default()
    };
    let series = made.series(folder.path());
    let labels = labels(*image(&series).geometry());
    let file = folder.path().join("seg");
    let written = SegWriter::new(&series)
        .unwrap()
        .segments(three())
        .write(&labels, &file)
        .unwrap();
    let set = open(&file);
    let referenced: Vec<String> = items(&items(&set, 0x0008, 0x1115)[0], 0x0008, 0x114A)
        .iter()
        .map(|item| text(item, 0x0008, 0x1155))
        .collect();
    let frames = items(&set, 0x5200, 0x9230);
    assert_eq!(frames.len(), written.frames);
    assert_eq!(text(&set, 0x0028, 0x0008), written.frames.to_string());
    for frame in frames {
        let derivation = &items(frame, 0x0008, 0x9124)[0];
        let source = text(&items(derivation, 0x0008, 0x2112)[0], 0x0008, 0x1155);
        assert!(
            referenced.contains(&source),
            "the referenced series is complete"
        );
        let index = (0..6).find(|&i| Made::instance(i) == source).unwrap();
        let position = text(&items(frame, 0x0020, 0x9113)[0], 0x0020, 0x0032);
        assert_eq!(position, made.position(index));
    }
    assert_eq!(text(&set, 0x0010, 0x0020), "P1");
    assert_eq!(text(&set, 0x0020, 0x0052), "1.2.3.9");
    let measures = items(&items(&set, 0x5200, 0x9229)[0], 0x0028, 0x9110);
    assert_eq!(text(&measures[0], 0x0028, 0x0030), "0.7\\0.8");
    assert_eq!(
        text(&measures[0], 0x0018, 0x0050),
        "2",
        "the thickness is the source's"
    );
    assert_eq!(
        text(&measures[0], 0x0018, 0x0088),
        "2.5",
        "the step is that of the positions"
    );
    assert!(text(&set, 0x0008, 0x0018).starts_with("2.25."));
}

#[test]
fn bits_run_on_between_frames_and_frames_without_a_voxel_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let labels = labels(*image(&series).geometry());
    let write = |name: &str, rule| {
        let file = folder.path().join(name);
        let writer = SegWriter::new(&series)
            .unwrap()
            .segments(three())
            .frames(rule);
        (writer.write(&labels, &file).unwrap().frames, file)
    };
    let (frames, file) = write("occupied", FrameRule::Occupied);
    // Label 2 is on every second of six slices.
    assert_eq!(frames, 6 + 3 + 6);
    let pixels = open(&file)
        .get(Tag(0x7FE0, 0x0010))
        .unwrap()
        .to_bytes()
        .unwrap()
        .into_owned();
    assert_eq!(
        pixels.len(),
        (frames * 35usize).div_ceil(8).next_multiple_of(2)
    );
    let (frames, file) = write("all", FrameRule::All);
    assert_eq!(frames, 18);
    assert_same(&labels, &file, "all frames");
}

#[test]
fn empty_segments_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let labels = LabelMap::<u16>::from_fn(*image(&series).geometry(), |[x, ..]| u16::from(x == 0));
    let file = folder.path().join("seg");
    SegWriter::new(&series)
        .unwrap()
        .segments(three())
        .write(&labels, &file)
        .unwrap();
    let list = list_series(&file).unwrap();
    let names: Vec<&str> = list.series[0]
        .labels
        .iter()
        .map(|label| label.name.as_str())
        .collect();
    assert_eq!(names, ["liver", "kidney_left", "something else"]);
}

#[test]
fn label_maps_and_deflated_files_come_back_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let low = labels(*image(&series).geometry());
    let high = low.map(|label| if label == 3 { 700 } else { label });
    let segments = |high: bool| {
        three().map(|mut s| {
            s.label = if high && s.label == 3 { 700 } else { s.label };
            s
        })
    };
    for (name, labels, wide) in [("8", &low, false), ("16", &high, true)] {
        let file = folder.path().join(name);
        let writer = SegWriter::new(&series)
            .unwrap()
            .segments(segments(wide))
            .kind(SegKind::LabelMap);
        let written = writer.write(labels, &file).unwrap();
        assert!(
            written
                .warnings
                .iter()
                .any(|w| matches!(w, vesalius_volume::Warning::FewReaders { .. }))
        );
        assert_same(labels, &file, name);
    }
    let file = folder.path().join("deflated");
    let writer = SegWriter::new(&series)
        .unwrap()
        .segments(three())
        .syntax(SegSyntax::Deflated);
    writer.write(&low, &file).unwrap();
    assert_same(&low, &file, "deflated");
}

#[test]
fn probabilities_come_back_to_a_half_of_a_255th() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let grid = *image(&series).geometry();
    let first = Volume::from_fn(grid, |[x, y, z]| {
        ((x + 2 * y + 3 * z) as f32 * 0.37).sin().abs()
    });
    let both = Volume::stack(&[first.clone(), first.map(|p| 1.0 - p)]).unwrap();
    let file = folder.path().join("seg");
    let segments = [Segment::named(1, "liver"), Segment::named(2, "spleen")];
    SegWriter::new(&series)
        .unwrap()
        .segments(segments)
        .write_fractions(&both, &file)
        .unwrap();
    for (channel, part) in ["SegmentNumber 1", "SegmentNumber 2"]
        .into_iter()
        .enumerate()
    {
        let list = list_series(&file).unwrap();
        let mut options = ReadOptions::new();
        options.series = Some(format!("{}/{part}", list.series[0].uid));
        let back: Volume<f32> = vesalius_io::read_with(&file, &options).unwrap();
        for (a, b) in back.data().iter().zip(both.channel(channel)) {
            assert!((a - b).abs() <= 0.5 / 255.0 + 1e-6);
        }
    }
}

#[test]
fn segments_may_overlap_in_layers() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let grid = *image(&series).geometry();
    let whole = LabelMap::<u8>::from_fn(grid, |[x, ..]| u8::from(x > 1));
    let core = LabelMap::<u8>::from_fn(grid, |[x, ..]| u8::from(x > 4));
    let segments = [
        Segment::named(1, "tumor"),
        Segment::named(1, "necrosis").in_layer(1),
    ];
    let file = folder.path().join("seg");
    let written = SegWriter::new(&series)
        .unwrap()
        .segments(segments)
        .write_layers(&[whole, core], &file)
        .unwrap();
    assert_eq!(
        written
            .segments
            .iter()
            .map(|(n, s)| (*n, s.name.as_str()))
            .collect::<Vec<_>>(),
        [(1, "tumor"), (2, "necrosis")]
    );
    assert_eq!(text(&open(&file), 0x0062, 0x0013), "UNDEFINED");
    let list = list_series(&file).unwrap();
    for (number, voxels) in [(1, 5 * 5 * 6), (2, 2 * 5 * 6)] {
        let mut options = ReadOptions::new();
        options.series = Some(format!("{}/SegmentNumber {number}", list.series[0].uid));
        let back: LabelMap<u16> = vesalius_io::read_labels_with(&file, &options).unwrap();
        assert_eq!(back.data().iter().filter(|v| **v > 0).count(), voxels);
    }
}

#[test]
fn names_codes_and_colours_are_those_of_the_description() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let text_of = |label: u32, name: &str, color: &str| {
        format!(
            r#"{{"labelID": {label}, "SegmentLabel": "{name}", "SegmentAlgorithmType": "SEMIAUTOMATIC", "SegmentAlgorithmName": "mine",
        "SegmentedPropertyCategoryCodeSequence": {{"CodeValue": "123037004", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Anatomical Structure"}},
        "SegmentedPropertyTypeCodeSequence": {{"CodeValue": "5366008", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Hippocampus"}},
        "SegmentedPropertyTypeModifierCodeSequence": {{"CodeValue": "7771000", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Left"}},
        "recommendedDisplayRGBValue": {color}, "TrackingIdentifier": "t{label}", "TrackingUniqueIdentifier": "1.2.3.{label}"}}"#
        )
    };
    let items_text = [
        text_of(1, "H\u{fc}fte", "[168, 97, 76]"),
        text_of(2, "b", "[1, 2, 3]"),
        text_of(3, "c", "[255, 255, 255]"),
    ];
    let json = format!(
        r#"{{"SeriesDescription": "mine", "SeriesNumber": "302", "segmentAttributes": [[{}]]}}"#,
        items_text.join(",")
    );
    let file = folder.path().join("seg");
    let writer = SegWriter::new(&series)
        .unwrap()
        .described(SegmentDescriptions::parse(&json).unwrap());
    let written = writer
        .write(&labels(*image(&series).geometry()), &file)
        .unwrap();
    assert!(written.warnings.is_empty(), "{:?}", written.warnings);
    let found = &list_series(&file).unwrap().series[0];
    assert_eq!(
        (found.description.as_str(), found.number.as_deref()),
        ("mine", Some("302"))
    );
    assert_eq!(
        found.labels[0].name, "H\u{fc}fte",
        "in the source's character set"
    );
    assert_eq!(found.labels[0].color, [168, 97, 76]);
    let set = open(&file);
    let segment = &items(&set, 0x0062, 0x0002)[0];
    let kind = &items(segment, 0x0062, 0x000F)[0];
    assert_eq!(text(kind, 0x0008, 0x0100), "5366008");
    assert_eq!(
        text(&items(kind, 0x0062, 0x0011)[0], 0x0008, 0x0100),
        "7771000"
    );
    assert_eq!(
        (text(segment, 0x0062, 0x0020), text(segment, 0x0062, 0x0021)),
        ("t1".to_owned(), "1.2.3.1".to_owned())
    );
    assert_eq!(text(segment, 0x0062, 0x0008), "SEMIAUTOMATIC");
}

#[test]
fn frames_of_an_enhanced_source_are_named_by_number() {
    let enhanced = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../io/tests/data/enhanced/mr_implicit.dcm"
    );
    let list = list_series(enhanced).unwrap();
    let series = &list.series[0];
    let image = read_series::<f32>(series, &ReadOptions::default()).unwrap();
    let labels = labels(*image.geometry());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seg");
    SegWriter::new(series)
        .unwrap()
        .segments(three())
        .write(&labels, &file)
        .unwrap();
    assert_same(&labels, &file, "enhanced");
    // The positions of the source's frames, by their number.
    let source = open(Path::new(enhanced));
    let places: Vec<String> = items(&source, 0x5200, 0x9230)
        .iter()
        .map(|frame| text(&items(frame, 0x0020, 0x9113)[0], 0x0020, 0x0032))
        .collect();
    for frame in items(&open(&file), 0x5200, 0x9230) {
        let image = &items(&items(frame, 0x0008, 0x9124)[0], 0x0008, 0x2112)[0];
        let number: usize = text(image, 0x0008, 0x1160).parse().unwrap();
        assert_eq!(
            text(&items(frame, 0x0020, 0x9113)[0], 0x0020, 0x0032),
            places[number - 1]
        );
    }
}

#[test]
fn a_source_without_places_has_labels_by_the_order_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made {
        modality: "CR",
        placed: false,
        heights: vec![0.0],
        ..Made::default()
    };
    let series = made.assumed(folder.path());
    let grid = Geometry::axis_aligned([7, 5, 1], [1.0; 3]).unwrap();
    let labels = labels(grid);
    let file = folder.path().join("seg");
    SegWriter::new(&series)
        .unwrap()
        .segments(three())
        .write(&labels, &file)
        .unwrap();
    let set = open(&file);
    assert!(
        set.get(Tag(0x0020, 0x0052)).is_none(),
        "no frame of reference is invented"
    );
    for frame in items(&set, 0x5200, 0x9230) {
        assert!(frame.get(Tag(0x0020, 0x9113)).is_none());
    }
    let bytes = set
        .get(Tag(0x7FE0, 0x0010))
        .unwrap()
        .to_bytes()
        .unwrap()
        .into_owned();
    for label in 1..=3usize {
        for (i, &value) in labels.data().iter().enumerate() {
            let bit = (label - 1) * 35 + i;
            assert_eq!(
                bytes[bit / 8] >> (bit % 8) & 1 == 1,
                usize::from(value) == label
            );
        }
    }
}
