//! `vesalius predict`: an image, a folder or a list of images through a trained model.

mod results;

use super::Result;
use crate::combination::CombinationOptions;
use crate::input::{READING, Reading};
use crate::interrupt::control;
use crate::output::JsonOutput;
use crate::{remedy, warnings};
use clap::ValueEnum;
use results::{Line, line, summarise, write_statistics};
use std::path::PathBuf;
use vesalius::inferers::{ByteSize, MemoryPlan, OpenOptions};
use vesalius::predict::{
    CaseResult, DicomObject, Error, FoundCases, Part, PredictEvent, PredictOptions,
    ProbabilityFiles, find_cases_of, open_models, predict_cases,
};
use vesalius::tensor::parse_device;

/// Arguments of `vesalius predict`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model folder: one of ours, or one that nnU-Net v2 trained, or one of its folds or checkpoints, a union of
    /// models, a MONAI bundle or its config, the folder around it, or a zip of it; several (`--model A --model B`) are an ensemble
    #[arg(long, required = true, value_name = "FOLDER")]
    model: Vec<PathBuf>,
    /// An image, a folder of images, a DICOM folder or an archive of one (.zip, .tar), a datalist (.json) or a list with one case a line (.txt)
    #[arg(long)]
    input: PathBuf,
    /// The folder to write segmentations to; for one image also a file name
    #[arg(long)]
    output: PathBuf,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Use these folds alone, such as 0,1,4, or all for nnU-Net's fold of all cases
    #[arg(long, value_delimiter = ',')]
    folds: Option<Vec<String>>,
    /// The checkpoint to use of each fold that nnU-Net trained, such as checkpoint_best.pth
    #[arg(long, value_name = "NAME")]
    checkpoint: Option<String>,
    /// Give an id of a MONAI bundle's config another value, in JSON or YAML or as an expression that begins with $, such as
    /// `inferer::overlap=0.5`; may be given several times
    #[arg(long, value_name = "ID=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    combination: CombinationOptions,
    /// Average over mirrored inputs along the axes that the model names, and over its own test-time
    /// transforms: on or off
    #[arg(long, value_name = "on|off")]
    tta: Option<Switch>,
    /// How far windows are apart, as a share of their size
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true)]
    step: Option<f64>,
    /// Windows that go through the network together
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    batch_size: Option<usize>,
    /// Stay under so much memory, such as 4GiB
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    max_memory: Option<ByteSize>,
    #[command(flatten)]
    reading: Reading,
    /// The DICOM series to segment: its UID, number or description, with /PART where it has parts; for a model of
    /// several channels one for each (`--series T1 --series FLAIR`), brought to the grid of the first
    #[arg(long, value_name = "SERIES", help_heading = READING)]
    series: Vec<String>,
    /// Also write the probabilities: NAME.npz with NAME.pkl as nnU-Net, NAME.probabilities.zip slab by
    /// slab, or NAME_probabilities.nii.gz
    #[arg(long, value_name = "FORM", num_args = 0..=1, default_missing_value = "nifti")]
    save_probabilities: Option<Form>,
    /// Also write DICOM objects beside the labels, for cases that are DICOM series: NAME_seg.dcm, NAME_rtstruct.dcm,
    /// NAME_sr.dcm (with NAME_seg.dcm, to which it refers), NAME_picture.dcm
    #[arg(long, value_name = "OBJECTS", value_enum, value_delimiter = ',')]
    save: Vec<Object>,
    /// Segment these labels alone, by name, such as liver,spleen; the members of a union whose labels are not needed do
    /// not run
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    only: Vec<String>,
    /// Also write a mask for each label: NAME/LABEL.nii.gz beside NAME.nii.gz
    #[arg(long)]
    separate: bool,
    /// Write volume, mean intensity of each label and the sides of the image that cut it off, of all cases, as JSON
    #[arg(long, value_name = "FILE")]
    statistics: Option<PathBuf>,
    /// Where an output of the network is not finite, name the first layer whose output is not
    #[arg(long)]
    check_layers: bool,
    /// Segment one of N parts of the cases, I from 0 to N-1; other parts may be written to the same folder at the same time. In a
    /// job array auto (Slurm) or auto/N (Slurm, Kubernetes) takes the job's own
    #[arg(long, value_name = "I/N")]
    part: Option<Part>,
    /// Stop at the first case that fails
    #[arg(long)]
    fail_fast: bool,
    /// Segment cases again whose result is there
    #[arg(long)]
    overwrite: bool,
    /// Succeed although cases of the input are not whole (channels that are missing or too many, files
    /// that are absent); they are named and left out in any case
    #[arg(long)]
    allow_missing: bool,
    #[command(flatten)]
    json: JsonOutput,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, ValueEnum)]
enum Object {
    /// A segmentation
    Seg,
    /// Contours
    Rtstruct,
    /// Measurements as a structured report
    Sr,
    /// A picture as a secondary capture
    Picture,
}

impl From<Object> for DicomObject {
    fn from(object: Object) -> Self {
        match object {
            Object::Seg => Self::Seg,
            Object::Rtstruct => Self::RtStruct,
            Object::Sr => Self::Report,
            Object::Picture => Self::Picture,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Npz,
    Slabs,
    Nifti,
}

impl From<Form> for ProbabilityFiles {
    fn from(form: Form) -> Self {
        match form {
            Form::Npz => Self::Npz,
            Form::Slabs => Self::Slabs,
            Form::Nifti => Self::Nifti,
        }
    }
}

/// `ID=VALUE`.
fn setting(text: &str) -> std::result::Result<(String, String), String> {
    let found = text.split_once('=').filter(|(id, _)| !id.is_empty());
    let (id, value) = found.ok_or("ID=VALUE is expected, such as inferer::overlap=0.5")?;
    Ok((id.to_owned(), value.to_owned()))
}

/// Segments every case; fails at the end when one could not be.
pub fn run(arguments: &Arguments) -> Result<()> {
    let device = parse_device(&arguments.device)?;
    let mut open = OpenOptions::new().device(device).control(control());
    open.folds.clone_from(&arguments.folds);
    open.checkpoint.clone_from(&arguments.checkpoint);
    open.mirror = arguments.tta.map(|switch| switch == Switch::On);
    open.step = arguments.step;
    open.batch_size = arguments.batch_size;
    open.settings.clone_from(&arguments.set);
    let combination = &arguments.combination;
    let weights = combination.weights(arguments.model.len(), "models")?;
    let by = combination.combination();
    let mut segmenter = open_models(&arguments.model, &weights, by, &open)?;
    if !arguments.only.is_empty() {
        segmenter = segmenter.only(&arguments.only)?;
    }
    warnings::tell_about("model", segmenter.warnings());
    let found = find_cases_of(&arguments.input, segmenter.model())?;
    tell_left_out(&found);
    let cases = match arguments.part {
        None => found.cases,
        Some(part) => part.of(found.cases).collect(),
    };
    if cases.is_empty() {
        note!(
            "no case is of part {}",
            arguments
                .part
                .map(|part| part.to_string())
                .unwrap_or_default()
        );
        return arguments.json.write(&Vec::<Line>::new());
    }
    let options = PredictOptions {
        save_probabilities: arguments.save_probabilities.map(Into::into),
        objects: arguments.save.iter().copied().map(Into::into).collect(),
        separate: arguments.separate,
        max_memory: arguments.max_memory.map(|bytes| bytes.0),
        fail_fast: arguments.fail_fast,
        part: arguments.part,
        overwrite: arguments.overwrite,
        check_layers: arguments.check_layers,
        series: arguments.series.clone(),
        read: arguments.reading.options(),
    };
    let total = cases.len();
    let mut told = Plans::default();
    let observer = move |progress: &PredictEvent| tell(progress, total, &mut told);
    let output = &arguments.output;
    let control = control();
    let results = match predict_cases(&segmenter, &cases, output, &options, &control, observer) {
        // Those that were done are reported like all others.
        Err(Error::Cancelled { results, .. }) => results,
        results => results?,
    };
    if !arguments.json.replaces_table() {
        summarise(&results, total, arguments);
    }
    if let Some(path) = &arguments.statistics {
        write_statistics(path, &results)?;
    }
    let failed: Vec<&str> = results
        .iter()
        .filter(|result| result.outcome.is_err())
        .map(|result| result.name.as_str())
        .collect();
    let (count, failures, done) = (failed.len(), failed.join(", "), results.len());
    let lines: Vec<Line> = results.into_iter().map(line).collect();
    arguments.json.write(&lines)?;
    let mut problems = Vec::new();
    if count > 0 {
        problems.push(format!(
            "{count} of {total} cases could not be segmented: {failures}"
        ));
    }
    if done < total {
        problems.push(format!("stopped after {done} of {total} cases"));
    }
    if !found.left_out.is_empty() && !arguments.allow_missing {
        let names: Vec<&str> = found.left_out.iter().map(|c| c.name.as_str()).collect();
        let (count, names) = (names.len(), names.join(", "));
        let are = if count == 1 { "it is" } else { "they are" };
        problems.push(format!(
            "{count} of the input left out, as {are} not whole: {names} (--allow-missing accepts that)"
        ));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems.join("; ").into()),
    }
}

/// Names what will not be segmented, before anything is.
fn tell_left_out(found: &FoundCases) {
    for left_out in &found.left_out {
        note!("left out: {left_out}");
    }
    if !found.ignored.is_empty() {
        let names = found.ignored.iter().filter_map(|path| path.file_name());
        let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
        note!(
            "not images, passed over: {} ({})",
            names.join(", "),
            names.len()
        );
    }
}

/// The plans that were printed for a case.
#[derive(Default)]
struct Plans {
    case: String,
    models: Vec<String>,
}

impl Plans {
    /// The line for a plan: one for each model of a case, unless the same was printed for another.
    fn line(&mut self, case: &str, plan: &MemoryPlan) -> Option<String> {
        let plan = plan.to_string();
        if self.case != case {
            self.case = case.to_owned();
            self.models.clear();
        }
        if self.models.contains(&plan) {
            return None;
        }
        let line = match self.models.is_empty() {
            true => format!("{case}: {plan}"),
            false => format!("{case}, a further model: {plan}"),
        };
        self.models.push(plan);
        Some(line)
    }
}

fn tell(progress: &PredictEvent, total: usize, plans: &mut Plans) {
    match progress {
        PredictEvent::Planned { case, plan } => {
            if let Some(line) = plans.line(case, plan) {
                note!("{line}");
            }
        }
        PredictEvent::Done { done, result } => tell_result(*done, total, result),
        _ => {}
    }
}

fn tell_result(done: usize, total: usize, result: &CaseResult) {
    warnings::tell_about(&result.name, &result.warnings);
    match &result.outcome {
        Ok(path) if result.was_there => note!(
            "[{done}/{total}] {}: {} is there already (--overwrite makes it again)",
            result.name,
            path.display()
        ),
        Ok(path) => note!(
            "[{done}/{total}] {}: {} ({:.2} s)",
            result.name,
            path.display(),
            result.seconds
        ),
        Err(error) => {
            note!("[{done}/{total}] {}: error: {error}", result.name);
            remedy::tell(result.refused.as_ref(), "predict");
        }
    }
}
