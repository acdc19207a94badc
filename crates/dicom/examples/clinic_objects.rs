//! Writes objects for the peers of `tests/parity/clinic.py`: `clinic_objects series SOURCE VOLUME|- SCALE OUT`
//! and
//! `clinic_objects seg SOURCE LABELS binary|labelmap|deflated|all|fractional|report OUT`, whose labels are named after organs in turn.
//! `clinic_objects rtstruct SOURCE LABELS keyhole|nested OUT`.
//! `-` stands for the source's own voxels; SCALE multiplies them, so that they are no
//! whole numbers.

use std::error::Error;
use vesalius_dicom::{
    FrameRule, HoleRule, Intensity, Measurements, ReportWriter, RtStructWriter, SegKind, SegSyntax,
    SegWriter, Segment, SeriesWriter,
};
use vesalius_io::{ReadOptions, list_series, read, read_labels, read_series};
use vesalius_volume::{LabelMap, Volume};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["series", source, volume, scale, output] => series(source, volume, scale.parse()?, output),
        ["seg", source, labels, kind, output] => seg(source, labels, kind, output),
        ["rtstruct", source, labels, kind, output] => contours(source, labels, kind, output),
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
            let volume =
                |label: u32| labels.counts()[&label] as f64 * labels.geometry().voxel_volume();
            let measured = written
                .segments
                .iter()
                .map(|(number, segment)| Measurements {
                    segment: *number,
                    volume: Some(volume(segment.label)),
                    intensity: Some(Intensity {
                        mean: 1.5,
                        deviation: 0.25,
                        median: 1.0,
                        minimum: -3.0,
                        maximum: 1.0 / 3.0,
                    }),
                    diameter: Some(12.5),
                });
            let measured: Vec<Measurements> = measured.collect();
            ReportWriter::new(series, &written)?.write(&measured, format!("{output}.sr.dcm"))?;
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
        .holes(holes);
    let written = writer.write(&labels, output)?;
    println!("{} structures", written.contours.len());
    Ok(())
}

/// The memory that the process holds or has held at most, in MiB.
fn memory(of: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(of));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.ok_or("no such line")?.parse::<u64>()? / 1024)
}
