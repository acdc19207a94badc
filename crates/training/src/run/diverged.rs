//! What is kept of a step whose loss or gradients are not finite: its batches in a file, and the first layer
//! whose output was not finite on them.

use super::Run;
use crate::{Batch, Error, PatchSampler, Result};
use burn::module::Module;
use std::path::PathBuf;
use vesalius_networks::Weights;
use vesalius_tensor::{Tensor, tensor_from_values};

impl Run<'_> {
    /// The error of a step, with its batches saved if the error is about numbers that are not finite. Batches follow
    /// from the seed and the step, so that they are cut again and need not be kept during the step.
    pub(super) fn with_batch(&self, error: Error, sampler: &PatchSampler) -> Error {
        match error {
            Error::Diverged {
                step,
                loss,
                smoothed: None,
                cases,
                ..
            } => {
                let kept = self.keep_batches(step, sampler).ok();
                let (batch, layer) = kept.unwrap_or_default();
                Error::Diverged {
                    step,
                    loss,
                    smoothed: None,
                    cases,
                    batch,
                    layer,
                }
            }
            other => other,
        }
    }

    /// Writes the batches of a step; returns the file and the first layer whose output is not finite.
    fn keep_batches(
        &self,
        step: u64,
        sampler: &PatchSampler,
    ) -> Result<(Option<PathBuf>, Option<String>)> {
        let each = self.config.gradient_accumulation as u64;
        let mut sampler = sampler.clone();
        let (mut kept, mut layer) = (Weights::default(), None);
        for part in 0..each {
            let number = step.saturating_sub(1) * each + part;
            let batch = sampler.batch(number, self.config.batch_size)?;
            let [n, _, z, y, x] = batch.shape;
            let labels = batch.labels.iter().map(|&label| label as f32).collect();
            let name = |what: &str| match each {
                1 => what.to_owned(),
                _ => format!("{what}.{part}"),
            };
            let shape = batch.shape.to_vec();
            kept.insert(name("images"), shape, batch.images.clone())?;
            kept.insert(name("labels"), vec![n, 1, z, y, x], labels)?;
            if layer.is_none() {
                layer = self.first_not_finite(batch)?;
            }
        }
        let path = self
            .options
            .output
            .join(format!("diverged_step_{step:06}.safetensors"));
        vesalius_io::write_bytes_atomically(&path, &kept.to_safetensors()?)?;
        Ok((Some(path), layer))
    }

    fn first_not_finite(&self, batch: Batch) -> Result<Option<String>> {
        let [n, c, z, y, x] = batch.shape;
        let device = self.device().clone().inner();
        let network = self.network.valid();
        network.config().check_input(c, [x, y, z])?;
        let images: Tensor<5> = tensor_from_values(batch.images, n, c, [x, y, z], &device)?;
        Ok(network.first_not_finite(images))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Case, Event, FitOptions, MemoryCases, TrainingConfig, TrainingData};
    use burn::module::{ModuleMapper, Param, ParamId};
    use std::path::Path;
    use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};

    fn scheme() -> LabelScheme {
        LabelScheme::exclusive(&[("organ", 1)]).unwrap()
    }

    fn config(more: &str) -> TrainingConfig {
        let text = "name: t\npatch: {size: [8, 8, 8]}\nbatch_size: 2\nduration: {steps: 4}\nvalidation: {times: 1}\nnetwork:\n  unet: {channels: [2, 4], strides: [2]}\n";
        TrainingConfig::parse(&format!("{text}{more}")).unwrap()
    }

    /// Two cases; the image of the second is `value` in one half.
    fn data(value: f32) -> TrainingData {
        let grid = Geometry::axis_aligned([8; 3], [1.0; 3]).unwrap();
        let case = |name: &str, other: f32| {
            let labels = LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 4));
            let image = Volume::from_fn(grid, |[x, y, z]| match x {
                0..4 => (x + 2 * y + 3 * z) as f32 / 40.0,
                _ => other,
            });
            let subject = Subject::new(name, image, Some(labels)).unwrap();
            Case::new(subject, &scheme(), &Default::default()).unwrap()
        };
        TrainingData {
            dataset: "made".to_owned(),
            channels: vec!["CT".to_owned()],
            labels: scheme(),
            training: MemoryCases::shared([case("whole", 0.5), case("broken", value)]),
            validation: MemoryCases::shared([]),
            warnings: Vec::new(),
        }
    }

    /// Trains until the run ends with an error: the error, and the batches of the step that it names, drawn again.
    fn diverged(
        folder: &Path,
        config: &TrainingConfig,
        data: &TrainingData,
        change: impl FnOnce(&mut Run),
    ) -> (Error, Vec<Batch>) {
        let options = FitOptions {
            output: folder.to_owned(),
            ..FitOptions::default()
        };
        let mut sampler = PatchSampler::new(data.training.clone(), config, &data.labels).unwrap();
        let mut heard = |_: &Event| ();
        let mut run = Run::open(config, data, &options, &mut heard).unwrap();
        change(&mut run);
        let error = run.train(&sampler).unwrap_err();
        let Error::Diverged { step, .. } = error else {
            panic!("{error}");
        };
        let each = config.gradient_accumulation as u64;
        let numbers = (step - 1) * each..step * each;
        let batches = numbers.map(|n| sampler.batch(n, config.batch_size).unwrap());
        (error, batches.collect())
    }

    /// What the file keeps is these batches, under these names.
    fn assert_kept(error: &Error, batches: &[Batch], names: &[[&str; 2]]) {
        let Error::Diverged {
            batch: Some(path), ..
        } = error
        else {
            panic!("nothing is kept: {error}");
        };
        let kept = Weights::open(path).unwrap();
        assert_eq!(kept.len(), 2 * names.len());
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        for (batch, [images, labels]) in batches.iter().zip(names) {
            let [n, _, z, y, x] = batch.shape;
            let images = kept.get(images).unwrap();
            assert_eq!(images.shape(), batch.shape);
            assert_eq!(bits(images.values().unwrap()), bits(batch.images.clone()));
            let labels = kept.get(labels).unwrap();
            assert_eq!(labels.shape(), [n, 1, z, y, x]);
            let values = labels.values().unwrap();
            assert!(
                values
                    .iter()
                    .zip(&batch.labels)
                    .all(|(a, b)| *a == *b as f32)
            );
        }
    }

    /// The error names all that was found, and each thing once.
    fn assert_told(error: &Error, folder: &Path, cases: &str, layer: &str) {
        let text = error.to_string();
        let Error::Diverged { step, .. } = error else {
            panic!("{text}");
        };
        let file = folder.join(format!("diverged_step_{step:06}.safetensors"));
        for words in [
            format!("at step {step} on cases {cases};"),
            format!("not finite is {layer};"),
            format!("kept in {}", file.display()),
            "learning_rate".to_owned(),
        ] {
            assert_eq!(text.matches(&words).count(), 1, "{words}: {text}");
        }
    }

    /// Multiplies one parameter by infinity.
    struct Infinite(ParamId);

    impl ModuleMapper for Infinite {
        fn map_float<const D: usize>(
            &mut self,
            param: Param<burn::tensor::Tensor<D>>,
        ) -> Param<burn::tensor::Tensor<D>> {
            match param.id == self.0 {
                true => param.map(|values| values.abs().add_scalar(1.0).mul_scalar(f32::INFINITY)),
                false => param,
            }
        }
    }

    #[test]
    fn a_case_with_nan_is_kept_and_told_with_the_first_layer_that_it_reaches() {
        let (folder, config) = (tempfile::tempdir().unwrap(), config(""));
        let mut first = String::new();
        let (error, batches) = diverged(folder.path(), &config, &data(f32::NAN), |run| {
            first = run.network.parameters()[0].name.replace(".weight", "");
        });
        assert!(batches[0].images.iter().any(|value| value.is_nan()));
        assert_kept(&error, &batches, &[["images", "labels"]]);
        let mut cases = batches[0].cases.clone();
        cases.dedup();
        assert!(cases.contains(&"broken".to_owned()), "{error}");
        assert_told(&error, folder.path(), &cases.join(", "), &first);
    }

    #[test]
    fn a_layer_of_infinite_weights_is_named_on_cases_that_are_whole() {
        let (folder, config) = (tempfile::tempdir().unwrap(), config(""));
        let mut last = String::new();
        let (error, batches) = diverged(folder.path(), &config, &data(0.7), |run| {
            let named = run.network.parameters();
            let is_convolution = |name: &str| name.ends_with("conv.weight");
            let layer = named.iter().rfind(|named| is_convolution(&named.name));
            let layer = layer.unwrap();
            last = layer.name.replace(".weight", "");
            let id = layer.id;
            run.network = run.network.clone().map(&mut Infinite(id));
        });
        assert!(batches[0].images.iter().all(|value| value.is_finite()));
        assert_kept(&error, &batches, &[["images", "labels"]]);
        let mut cases = batches[0].cases.clone();
        cases.dedup();
        assert_told(&error, folder.path(), &cases.join(", "), &last);
    }

    #[test]
    fn every_batch_of_a_step_that_accumulates_gradients_is_kept_by_its_number() {
        let (folder, config) = (
            tempfile::tempdir().unwrap(),
            config("gradient_accumulation: 2\n"),
        );
        let (error, batches) = diverged(folder.path(), &config, &data(f32::NAN), |_| ());
        assert_eq!(batches.len(), 2);
        assert_ne!(batches[0], batches[1]);
        assert_kept(
            &error,
            &batches,
            &[["images.0", "labels.0"], ["images.1", "labels.1"]],
        );
        assert!(
            error
                .to_string()
                .contains("the first layer whose output is not finite is")
        );
    }

    #[test]
    fn a_folder_in_which_nothing_can_be_kept_leaves_the_error_as_it_is() {
        let (folder, config) = (tempfile::tempdir().unwrap(), config(""));
        let below = folder.path().join("run");
        let taken = below.join("diverged_step_000001.safetensors");
        let (error, _) = diverged(&below, &config, &data(f32::NAN), |_| {
            // A folder where the file would be.
            std::fs::create_dir_all(taken.join("full")).unwrap();
        });
        let text = error.to_string();
        assert!(
            text.contains("at step 1") && !text.contains("kept in"),
            "{text}"
        );
    }
}
