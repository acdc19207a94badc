//! `vesalius evaluate interactive`: a model that takes clicks, scored with simulated ones.

use super::Result;
use crate::input::Reading;
use crate::interrupt::followed;
use crate::output::{JsonOutput, table};
use crate::warnings;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vesalius::inferers::{InteractiveSegmenter, OpenOptions, SegmentOptions, Segmenter};
use vesalius::interactive::{ClickScore, simulate_clicks};
use vesalius::io::{read_labels_with, strip_extension};
use vesalius::planning::read_image_with;
use vesalius::predict::find_cases_of;
use vesalius::tensor::parse_device;

/// Clicks of a case; each takes a segmentation.
const MOST: usize = 1000;

/// Arguments of `vesalius evaluate interactive`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A model that takes clicks, such as a bundle of DeepEdit
    #[arg(long, value_name = "FOLDER")]
    model: PathBuf,
    /// An image, a folder or a list of images, as of `predict`
    #[arg(long)]
    input: PathBuf,
    /// The reference of the image, or a folder of references with the names of the cases
    #[arg(long)]
    reference: PathBuf,
    /// After how many clicks the result is scored; 0 is scored always
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "1,3,5,10",
        allow_hyphen_values = true
    )]
    clicks: Vec<usize>,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    json: JsonOutput,
}

/// The scores of a case.
#[derive(Serialize)]
struct Case {
    case: String,
    scores: Vec<ClickScore>,
}

impl Case {
    /// The mean Dice after so many clicks; where nothing was left to click, the last one.
    fn after(&self, clicks: usize) -> f64 {
        let reached = self.scores.iter().take_while(|s| s.clicks <= clicks);
        reached.last().map_or(0.0, |score| score.mean)
    }
}

/// Scores each case, prints a line for each and the mean.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut counts = arguments.clicks.clone();
    counts.push(0);
    counts.sort_unstable();
    counts.dedup();
    // There is one at least.
    let most = counts.last().copied().unwrap_or(0);
    if most > MOST {
        return Err(format!("--clicks {most}: at most {MOST} clicks are simulated").into());
    }
    let device = parse_device(&arguments.device)?;
    let options = OpenOptions::new().device(device).control(followed());
    let segmenter = Arc::new(Segmenter::open_with(&arguments.model, &options)?);
    warnings::tell_about("model", segmenter.warnings());
    let found = find_cases_of(&arguments.input, segmenter.model())?;
    for left_out in &found.left_out {
        note!("left out: {left_out}");
    }
    let mut cases = Vec::new();
    for (number, case) in (1..).zip(&found.cases) {
        let reference = reference_of(&arguments.reference, &case.name, found.cases.len())?;
        let read = arguments.reading.options().control(followed());
        let channels = segmenter.model().channels.len();
        let image = read_image_with(&case.files, channels, &read)?;
        let reference = read_labels_with::<u16>(&reference, &read)?;
        let each = SegmentOptions::new().control(followed());
        let mut session = InteractiveSegmenter::with_options(segmenter.clone(), image, each)?;
        let scheme = &segmenter.model().labels;
        let scores = simulate_clicks(&mut session, scheme, &reference, most, &followed())?;
        let case = Case {
            case: case.name.clone(),
            scores,
        };
        note!(
            "[{number}/{}] {}: Dice {:.4} after {most} clicks",
            found.cases.len(),
            case.case,
            case.after(most)
        );
        cases.push(case);
    }
    if !arguments.json.replaces_table() {
        print(&cases, &counts);
    }
    arguments.json.write(&cases)
}

fn print(cases: &[Case], counts: &[usize]) {
    let heads: Vec<String> = counts.iter().map(|n| format!("Dice, {n} clicks")).collect();
    let mut header = vec!["case"];
    header.extend(heads.iter().map(String::as_str));
    let row = |name: &str, value: &dyn Fn(usize) -> f64| {
        let values = counts.iter().map(|n| format!("{:.4}", value(*n)));
        std::iter::once(name.to_owned()).chain(values).collect()
    };
    let mut rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| row(&case.case, &|n| case.after(n)))
        .collect();
    if cases.len() > 1 {
        let mean = |n| cases.iter().map(|c| c.after(n)).sum::<f64>() / cases.len() as f64;
        rows.push(row("mean", &mean));
    }
    out!("{}", table(&header, rows));
}

/// The reference of a case: the file, or the one of its name in the folder.
fn reference_of(reference: &Path, case: &str, cases: usize) -> Result<PathBuf> {
    if !reference.is_dir() {
        if cases == 1 || !reference.exists() {
            return Ok(reference.to_owned());
        }
        let path = reference.display();
        return Err(
            format!("--reference {path}: is one file for {cases} cases; name a folder").into(),
        );
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(reference)? {
        let path = entry?.path();
        if vesalius::io::is_image(&path) && strip_extension(&path) == case {
            files.push(path);
        }
    }
    files.sort();
    match files.into_iter().next() {
        Some(file) => Ok(file),
        None => {
            let path = reference.display();
            Err(format!("--reference {path}: holds no image that is called {case}").into())
        }
    }
}
