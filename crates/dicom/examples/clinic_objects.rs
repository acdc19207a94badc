//! Writes objects for the peers of `tests/parity/clinic.py`:
//!
//! - `clinic_objects series SOURCE VOLUME|- SCALE OUT`, where `-` stands for the source's own voxels, and SCALE multiplies
//!   them, so that they are no whole numbers;
//! - `clinic_objects seg SOURCE LABELS binary|labelmap|deflated|all|fractional|report OUT`, whose labels are named after
//!   organs in turn;
//! - `clinic_objects rtstruct SOURCE LABELS keyhole|nested|simple OUT`;
//! - `clinic_objects picture SOURCE LABELS OUT`, and the picture as `OUT.png`;
//! - `clinic_objects again SOURCE LABELS OUT`, which writes `OUT.seg`, `OUT.rs` and `OUT.sr` after earlier ones that they
//!   name;
//! - `clinic_objects check FILE SOURCE [SEG]`, which prints what it finds.

use std::error::Error;
use vesalius_dicom::{
    FrameRule, HoleRule, ObjectCheck, PictureWriter, Predecessor, ReportClass, ReportWriter,
    RgbPicture, RtStructWriter, SegKind, SegSyntax, SegWriter, Segment, SeriesWriter,
};
use vesalius_filters::{LabelMeasures, MeasureOptions, measure_labels};
use vesalius_io::{ReadOptions, list_series, read, read_labels, read_series};
use vesalius_view::{ResultSheet, Scene, SheetRow};
use vesalius_volume::{LabelMap, Volume};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["series", source, volume, scale, output] => series(source, volume, scale.parse()?, output),
        ["seg", source, labels, kind, output] => seg(source, labels, kind, output),
        ["rtstruct", source, labels, kind, output] => contours(source, labels, kind, output),
        ["picture", source, labels, output] => picture(source, labels, output),
        ["again", source, labels, output] => again(source, labels, output),
        ["check", file, source, ref related @ ..] => check(file, source, related),
        _ => Err("give: series SOURCE VOLUME|- SCALE OUT, or seg SOURCE LABELS KIND OUT".into()),
    }
}

fn seg(source: &str, labels: &str, kind: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let list = list_series(source)?;
    let series = list.series.first().ok_or("no series")?;
    let labels: LabelMap = read_labels(labels)?;
    let segments = named(&labels);
    let writer = SegWriter::new(series)?.segments(segments.clone());
    let before = memory("VmRSS")?;
    let written = match kind {
        "binary" => writer.write(&labels, output)?,
        "labelmap" => writer.kind(SegKind::LabelMap).write(&labels, output)?,
        "deflated" => writer.syntax(SegSyntax::Deflated).write(&labels, output)?,
        "all" => writer.frames(FrameRule::All).write(&labels, output)?,
        "report" => {
            let written = writer.write(&labels, output)?;
            let image = read_series::<f32>(series, &ReadOptions::default())?;
            let writer = ReportWriter::new(series, &written)?;
            let measured = writer.measure(&labels, Some(&image))?;
            writer.write(&measured, format!("{output}.sr.dcm"))?;
            let space = writer.class(ReportClass::Comprehensive3d);
            space.write(&measured, format!("{output}.sr3d.dcm"))?;
            written
        }
        "fractional" => {
            let channel = |segment: &Segment| {
                let part = |&v: &u16| {
                    if u32::from(v) == segment.label {
                        0.75
                    } else {
                        0.0
                    }
                };
                labels.data().iter().map(part).collect::<Vec<f32>>()
            };
            let data = segments.iter().flat_map(channel).collect();
            let volume = Volume::new(*labels.geometry(), segments.len(), data)?;
            writer.write_fractions(&volume, output)?
        }
        _ => return Err("the kind is binary, labelmap, deflated, all or fractional".into()),
    };
    println!("{} frames", written.frames);
    let (peak, whole) = (memory("VmHWM")?, labels.data().len() * 2);
    println!(
        "{before} MiB before writing, {peak} MiB at most, of which {} MiB are the label map",
        whole >> 20
    );
    written
        .warnings
        .iter()
        .for_each(|warning| println!("{warning}"));
    Ok(())
}

fn series(source: &str, volume: &str, scale: f32, output: &str) -> Result<(), Box<dyn Error>> {
    let list = list_series(source)?;
    let series = list.series.first().ok_or("no series")?;
    let volume = match volume {
        "-" => read_series::<f32>(series, &ReadOptions::default())?,
        path => read(path)?,
    };
    let volume = volume.map(|value| value * scale);
    let written = SeriesWriter::new(series)?.write(&volume, output)?;
    println!("{:?} error {}", written.scaling, written.largest_error);
    written
        .warnings
        .iter()
        .for_each(|warning| println!("{warning}"));
    Ok(())
}

fn named(labels: &LabelMap) -> Vec<Segment> {
    let names = ["liver", "kidney_left", "my own structure", "pancreas_tumor"];
    let values = labels.counts().into_keys().filter(|&label| label > 0);
    let named = values.map(|label| Segment::named(label, names[label as usize % names.len()]));
    named.collect()
}

fn contours(source: &str, labels: &str, kind: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let list = list_series(source)?;
    let series = list.series.first().ok_or("no series")?;
    let labels: LabelMap = read_labels(labels)?;
    let holes = if kind == "nested" {
        HoleRule::Nested
    } else {
        HoleRule::Keyhole
    };
    let writer = RtStructWriter::new(series)?
        .segments(named(&labels))
        .holes(holes)
        .simplify(if kind == "simple" { 0.6 } else { 0.0 });
    let written = writer.write(&labels, output)?;
    for change in &written.simplified {
        println!(
            "dice {} points {} of {}",
            change.dice, change.points, change.points_before
        );
    }
    println!("{} structures", written.contours.len());
    Ok(())
}

/// Three planes with outlines, slices, the volumes, and what made it.
fn picture(source: &str, labels: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let list = list_series(source)?;
    let series = list.series.first().ok_or("no series")?;
    let image = read_series::<f32>(series, &ReadOptions::default())?;
    // NIfTI rounds places.
    let labels = read_labels(labels)?.with_geometry(*image.geometry())?;
    let segments = named(&labels);
    let measured = measure_labels(&labels, Some(&image), MeasureOptions::default())?;
    let row = |found: &LabelMeasures| SheetRow {
        label: found.label,
        values: vec![
            format!("{:.2}", found.millilitres()),
            format!("{:.1}", found.slice_diameter.length),
            format!("{:.1}", found.diameter.length),
        ],
    };
    let scene = Scene {
        prediction: Some(&labels),
        names: segments.iter().map(|s| (s.label, s.name.clone())).collect(),
        colours: segments.iter().map(|s| (s.label, s.color)).collect(),
        ..Scene::of(&image)
    };
    let sheet = ResultSheet {
        title: "Segmentation".to_owned(),
        columns: ["volume, ml", "axial, mm", "3-D, mm"]
            .map(str::to_owned)
            .to_vec(),
        rows: measured.iter().map(row).collect(),
        ..ResultSheet::default()
    };
    let picture = sheet.draw(&scene)?;
    std::fs::write(format!("{output}.png"), picture.png()?)?;
    let size = [picture.width(), picture.height()];
    let rgb = RgbPicture::new(size, picture.pixels().as_flattened())?;
    PictureWriter::new(series)?.write(rgb, output)?;
    Ok(())
}

/// Objects that replace earlier ones.
fn again(source: &str, labels: &str, output: &str) -> Result<(), Box<dyn Error>> {
    let list = list_series(source)?;
    let series = list.series.first().ok_or("no series")?;
    let labels: LabelMap = read_labels(labels)?;
    let at = |name: &str| format!("{output}.{name}");
    let seg = SegWriter::new(series)?.segments(named(&labels));
    seg.write(&labels, at("seg1"))?;
    let seg = seg.predecessor(Predecessor::open(at("seg1"))?);
    let written = seg.write(&labels, at("seg"))?;
    let contours = RtStructWriter::new(series)?.segments(named(&labels));
    contours.write(&labels, at("rs1"))?;
    let contours = contours.predecessor(Predecessor::open(at("rs1"))?);
    contours.write(&labels, at("rs"))?;
    let report = ReportWriter::new(series, &written)?;
    let measured = report.measure::<_, f32>(&labels, None)?;
    report.write(&measured, at("sr1"))?;
    let report = report.predecessor(Predecessor::open(at("sr1"))?);
    report.write(&measured, at("sr"))?;
    Ok(())
}

fn check(file: &str, source: &str, related: &[&str]) -> Result<(), Box<dyn Error>> {
    let list = list_series(source)?;
    let series = list.series.first().ok_or("no series")?;
    let mut check = ObjectCheck::default().source(series)?;
    for path in related {
        check = check.related(path)?;
    }
    check
        .check(file)?
        .iter()
        .for_each(|finding| println!("{finding}"));
    Ok(())
}

/// The memory that the process holds or has held at most, in MiB.
fn memory(of: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(of));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.ok_or("no such line")?.parse::<u64>()? / 1024)
}
