//! Results of results: an earlier object is named by the one that replaces it, and a source of our own making is refused.

use crate::made::Made;
use crate::seg::{items, labels, open, text, three};
use crate::series::image;
use vesalius_dicom::{
    Error, Measurements, OwnResultRule, PictureWriter, Predecessor, ReportWriter, RtStructWriter,
    SegWriter, SeriesWriter, SourceOptions,
};
use vesalius_io::list_series;

#[test]
fn a_new_object_names_the_one_that_it_replaces_and_keeps_its_tracking() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let map = labels(*image(&series).geometry());
    let at = |name: &str| folder.path().join(name);
    let seg = SegWriter::new(&series).unwrap().segments(three());
    let first = seg.write(&map, at("seg1")).unwrap();
    let seg = seg.predecessor(Predecessor::open(first.path.as_ref().unwrap()).unwrap());
    let second = seg.write(&map, at("seg2")).unwrap();
    for ((_, a), (_, b)) in first.segments.iter().zip(&second.segments) {
        assert_eq!(a.tracking, b.tracking);
    }
    let set = open(second.path.as_ref().unwrap());
    let earlier = &items(&set, 0x0008, 0x114A)[0];
    assert_eq!(text(earlier, 0x0008, 0x1155), first.instance_uid);
    let series_of = &items(&set, 0x0008, 0x1115)[1];
    assert_eq!(text(series_of, 0x0020, 0x000E), first.series_uid);

    let contours = RtStructWriter::new(&series).unwrap().segments(three());
    let one = contours.write(&map, at("rs1")).unwrap();
    let contours = contours.predecessor(Predecessor::open(one.path.as_ref().unwrap()).unwrap());
    contours.write(&map, at("rs2")).unwrap();
    let earlier = &items(&open(&at("rs2")), 0x3006, 0x0018)[0].clone();
    assert_eq!(text(earlier, 0x0008, 0x1155), one.instance_uid);

    let report = ReportWriter::new(&series, &second).unwrap();
    let measured = [Measurements {
        volume: Some(2.0),
        ..Measurements::of(1)
    }];
    let one = report.write(&measured, at("sr1")).unwrap();
    let report = report.predecessor(Predecessor::open(one.path.as_ref().unwrap()).unwrap());
    report.write(&measured, at("sr2")).unwrap();
    let set = open(&at("sr2"));
    let study = &items(&set, 0x0040, 0xA360)[0];
    let earlier = &items(&items(study, 0x0008, 0x1115)[0], 0x0008, 0x1199)[0];
    assert_eq!(text(earlier, 0x0008, 0x1155), one.instance_uid);
}

#[test]
fn an_object_of_another_kind_or_patient_is_no_predecessor() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let map = labels(*image(&series).geometry());
    let seg = SegWriter::new(&series).unwrap().segments(three());
    let first = seg.write(&map, folder.path().join("seg")).unwrap();
    let earlier = Predecessor::open(first.path.as_ref().unwrap()).unwrap();
    assert_eq!(earlier.instance_uid(), first.instance_uid);
    let file = folder.path().join("new");
    let contours = RtStructWriter::new(&series).unwrap().segments(three());
    let refused = contours.predecessor(earlier.clone()).write(&map, &file);
    assert!(matches!(refused, Err(Error::Source { problem, .. }) if problem.contains("kind")));
    let other = tempfile::tempdir().unwrap();
    let other = Made {
        patient_of: |_| "P2",
        ..Made::default()
    }
    .series(other.path());
    let seg = SegWriter::new(&other).unwrap().segments(three());
    let refused = seg.predecessor(earlier).write(&map, &file);
    assert!(matches!(refused, Err(Error::Source { problem, .. }) if problem.contains("patient")));
    assert!(!file.exists());
}

#[test]
fn a_series_that_this_library_made_is_a_source_only_where_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let volume = image(&series);
    let derived = folder.path().join("derived");
    SeriesWriter::new(&series)
        .unwrap()
        .write(&volume, &derived)
        .unwrap();
    let derived = &list_series(&derived).unwrap().series[0];
    let map = labels(*volume.geometry());
    let seg = SegWriter::new(&series).unwrap().segments(three());
    let seg = seg.write(&map, folder.path().join("seg")).unwrap();
    let refused = [
        SegWriter::new(derived).err(),
        RtStructWriter::new(derived).err(),
        PictureWriter::new(derived).err(),
        ReportWriter::new(derived, &seg).err(),
    ];
    for error in refused {
        let error = error.unwrap();
        assert!(matches!(error, Error::OwnResult { .. }));
        assert!(error.to_string().contains("SourceOptions::own_results"));
    }
    let options = SourceOptions::default().own_results(OwnResultRule::Allow);
    let writer = SegWriter::with_options(derived, &options)
        .unwrap()
        .segments(three());
    writer.write(&map, folder.path().join("again")).unwrap();
    // Images may be derived from derived ones.
    assert!(SeriesWriter::new(derived).is_ok());
}
