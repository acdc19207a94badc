//! Model folders as the engine of the server: each job is a `predict` of one case.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use vesalius::control::Control;
use vesalius::inferers::{OpenOptions, Segmenter, label_names};
use vesalius::predict::{PredictOptions, ProbabilityFiles, find_cases_of, predict_cases};
use vesalius::server::{
    Engine, EngineError, LABELS_FILE, LabelInfo, ModelInfo, PROBABILITIES_FILE, Task, Warm,
};
use vesalius::tensor::Device;

/// A model folder and the name that jobs choose it by.
#[derive(Debug, Clone)]
pub struct Named {
    name: String,
    folder: PathBuf,
}

impl Named {
    pub fn new(name: &str, folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
        }
    }
}

/// `FOLDER` or `NAME=FOLDER`.
impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((name, folder)) = text.split_once('=') {
            return match name.is_empty() || folder.is_empty() {
                true => {
                    Err("FOLDER or NAME=FOLDER is expected, such as liver=runs/liver".to_owned())
                }
                false => Ok(Self::new(name, Path::new(folder))),
            };
        }
        let folder = Path::new(text);
        // `.` and `..` have a name of their own only as whole paths.
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let name = whole.file_name().and_then(|name| name.to_str());
        name.map(|name| Self::new(name, folder))
            .ok_or("the folder has no name; give one as NAME=FOLDER".to_owned())
    }
}

/// How models run.
pub struct Settings {
    pub devices: Vec<Device>,
    pub max_memory: Option<u64>,
    /// Models that stay open on each device.
    pub keep: usize,
}

/// The models of the server.
pub struct Models {
    named: Vec<Named>,
    infos: Vec<ModelInfo>,
    settings: Settings,
    /// The open models of each device.
    open: Vec<Warm<Segmenter>>,
}

impl Models {
    /// Opens every model once, so that one that cannot be opened is known at the start.
    pub fn open(named: Vec<Named>, settings: Settings, control: &Control) -> super::Result<Self> {
        for (index, one) in named.iter().enumerate() {
            if named[..index].iter().any(|other| other.name == one.name) {
                return Err(format!(
                    "two models are called `{}`; give one another name, as NAME=FOLDER",
                    one.name
                )
                .into());
            }
        }
        let open = settings
            .devices
            .iter()
            .map(|_| Warm::new(settings.keep))
            .collect();
        let mut models = Self {
            named,
            infos: Vec::new(),
            settings,
            open,
        };
        for index in 0..models.named.len() {
            let segmenter = models.segmenter(&models.named[index], 0, control)?;
            crate::warnings::tell_about(&models.named[index].name, segmenter.warnings());
            models
                .infos
                .push(info(&models.named[index].name, &segmenter));
        }
        Ok(models)
    }

    fn segmenter(
        &self,
        named: &Named,
        device: usize,
        control: &Control,
    ) -> vesalius::inferers::Result<std::sync::Arc<Segmenter>> {
        self.open[device].get(&named.name, || {
            let options = OpenOptions::new()
                .device(self.settings.devices[device].clone())
                .control(control.clone());
            Segmenter::open_with(&named.folder, &options)
        })
    }
}

fn info(name: &str, segmenter: &Segmenter) -> ModelInfo {
    let model = segmenter.model();
    let named = label_names(&model.labels).into_iter();
    let labels = named.map(|label| LabelInfo {
        value: label.value,
        name: label.name,
        color: label.color,
    });
    let dataset = &model.provenance.dataset;
    ModelInfo {
        name: name.to_owned(),
        description: match dataset.is_empty() {
            true => String::new(),
            false => format!("Trained on {dataset}"),
        },
        version: model.provenance.made_by.clone(),
        channels: model.channels.iter().map(ToString::to_string).collect(),
        labels: labels.collect(),
    }
}

impl Engine for Models {
    fn models(&self) -> Vec<ModelInfo> {
        self.infos.clone()
    }

    fn devices(&self) -> usize {
        self.settings.devices.len()
    }

    fn run(&self, task: &Task) -> Result<(), EngineError> {
        let named = self.named.iter().find(|named| named.name == task.model);
        let named = named.ok_or("the model is no longer among those of the server")?;
        let segmenter = self.segmenter(named, task.device, task.control)?;
        let found = find_cases_of(task.input, segmenter.model())?;
        let [case] = &found.cases[..] else {
            return Err(format!(
                "the scan holds {} cases, and one is expected; send each by itself",
                found.cases.len()
            )
            .into());
        };
        let series = task.series.iter().flat_map(|names| names.split(','));
        let options = PredictOptions {
            save_probabilities: task.probabilities.then_some(ProbabilityFiles::Nifti),
            max_memory: self.settings.max_memory,
            series: series.map(|name| name.trim().to_owned()).collect(),
            ..PredictOptions::default()
        };
        let output = task.output.join(LABELS_FILE);
        let cases = std::slice::from_ref(case);
        let results = predict_cases(&segmenter, cases, &output, &options, task.control, |_| {})?;
        for result in results {
            result.outcome?;
        }
        let probabilities = task.output.join("labels_probabilities.nii.gz");
        if probabilities.is_file() {
            std::fs::rename(probabilities, task.output.join(PROBABILITIES_FILE))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_the_name_of_its_folder_or_a_given_one() {
        let given: Named = "liver=runs/first".parse().unwrap();
        assert_eq!(
            (given.name.as_str(), given.folder.as_path()),
            ("liver", Path::new("runs/first"))
        );
        let own: Named = "runs/first".parse().unwrap();
        assert_eq!(
            (own.name.as_str(), own.folder.as_path()),
            ("first", Path::new("runs/first"))
        );
        assert!("=runs".parse::<Named>().is_err() && "liver=".parse::<Named>().is_err());
    }
}
