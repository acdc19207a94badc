//! User-defined networks, inferers, mergers and postprocessing steps, named in a model folder.

use super::*;
use crate::{
    CustomInferer, CustomMerger, CustomPostprocessing, MODEL_FILE, Merger, OpenOptions,
    PatchLocation, RegisterInference, VolumeMerger, convert_model, weights_path,
};
use burn::module::{Module, Param};
use serde::Deserialize;
use vesalius_control::Control;
use vesalius_networks::{BuiltNetwork, CustomNetwork, NetworkModule, RegisterNetwork};
use vesalius_registry::Registry;
use vesalius_tensor::{Fill, Scope};
use vesalius_volume::{ErrorKind, LabelMap};

/// The image times a number for each class.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scaled {
    sharpness: f32,
}
#[derive(Module, Debug)]
struct ScaledModule {
    factors: Param<Tensor<5>>,
    #[module(skip)]
    sharpness: f32,
}
impl NetworkModule for ScaledModule {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        vec![input * self.factors.val() * self.sharpness]
    }
}
impl CustomNetwork for Scaled {
    fn build(
        &self,
        _: usize,
        out_channels: usize,
        scope: &Scope,
    ) -> vesalius_networks::Result<BuiltNetwork> {
        let shape = [1, out_channels, 1, 1, 1];
        Ok(BuiltNetwork::new(ScaledModule {
            factors: scope.parameter("factors", shape, Fill::Constant(0.0)),
            sharpness: self.sharpness,
        }))
    }
}

/// The whole image at once.
#[derive(Deserialize)]
struct AtOnce;
impl CustomInferer for AtOnce {
    fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
        control: &Control,
    ) -> Result<Volume<f32>> {
        control.check()?;
        let output = network.forward(vesalius_tensor::tensor_from_volume(image, device))?;
        Ok(vesalius_tensor::volume_from_tensor(
            output,
            *image.geometry(),
        )?)
    }
}

/// The last patch that covers a voxel.
#[derive(Deserialize)]
struct Last;
struct LastMerger(Volume<f32>);
impl CustomMerger for Last {
    fn begin(&self, geometry: &Geometry) -> Result<Box<dyn VolumeMerger>> {
        let values = vec![0.0; 2 * geometry.voxel_count()];
        Ok(Box::new(LastMerger(Volume::new(*geometry, 2, values)?)))
    }
}
impl Merger for LastMerger {
    fn add(&mut self, place: &PatchLocation, values: &[f32]) -> Result<()> {
        let grid = *self.0.geometry();
        let [w, h, d] = place.output;
        for (at, value) in values.iter().enumerate() {
            let within = [at % w, at / w % h, at / (w * h) % d];
            let index: [usize; 3] = std::array::from_fn(|a| place.start[a] + within[a]);
            if (0..3).all(|a| index[a] < grid.size()[a]) {
                let channel = at / (w * h * d);
                self.0.data_mut()[channel * grid.voxel_count() + grid.offset(index)] = *value;
            }
        }
        Ok(())
    }
}
impl VolumeMerger for LastMerger {
    fn finish(self: Box<Self>) -> Result<Volume<f32>> {
        Ok(self.0)
    }
}

/// Labels become another.
#[derive(Deserialize)]
struct Renamed {
    to: u16,
}
impl CustomPostprocessing for Renamed {
    fn apply(&self, labels: LabelMap) -> Result<LabelMap> {
        Ok(labels.map(|label| if label == 0 { 0 } else { self.to }))
    }
    fn check(&self) -> Result<()> {
        match self.to {
            0 => Err(Error::custom("`to` of `renamed` is 0")),
            _ => Ok(()),
        }
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry
        .network::<Scaled>("scaled")
        .inferer::<AtOnce>("at_once")
        .merger::<Last>("last")
        .postprocessing::<Renamed>("renamed");
    registry
}

/// A folder whose network labels bright voxels as organ.
fn written(path: &Path, inferer: &str, to: u16) {
    let text = format!(
        "channels: [c]\nlabels: {CLASSES}\ninferer: {inferer}\n\
         network: {{custom: {{name: scaled, sharpness: 2}}}}\n\
         postprocessing: [{{custom: {{name: renamed, to: {to}}}}}]\nmembers: [m]\n"
    );
    let weights = weights_path(path, "m");
    std::fs::create_dir_all(weights.parent().unwrap()).unwrap();
    std::fs::write(path.join(MODEL_FILE), text).unwrap();
    let mut stored = Weights::default();
    stored
        .insert("factors".to_owned(), vec![1, 2, 1, 1, 1], vec![-1.0, 1.0])
        .unwrap();
    std::fs::write(weights, stored.to_safetensors().unwrap()).unwrap();
}

#[test]
fn a_model_folder_names_types_of_the_users_own() {
    let place = tempfile::tempdir().unwrap();
    let options = OpenOptions::new().registry(registry());
    for (number, inferer) in [
        WINDOWS,
        "{custom: at_once}",
        "{patches: {patch_size: [8, 8, 8], overlap: 0.5, merger: {custom: last}}}",
        "{multi_scale: {scales: [1], inferer: {custom: at_once}}}",
    ]
    .into_iter()
    .enumerate()
    {
        let path = place.path().join(format!("{number}"));
        written(&path, inferer, 3);
        // It can be described, but not opened without the types.
        let described = crate::describe_model(&path).unwrap();
        assert_eq!(described, ModelDescription::read(&path).unwrap());
        let refused = Segmenter::open(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
        let text = refused.to_string();
        assert!(
            text.contains("network is registered as `scaled`") && text.contains("`Registry`"),
            "{text}"
        );

        let copied = place.path().join(format!("{number}_copied"));
        convert_model(&path, &copied, &options).unwrap();
        for path in [path, copied] {
            let segmenter = Segmenter::open_with(&path, &options).unwrap();
            let labels = segmenter.segment(&image()).unwrap().into_labels().unwrap();
            let grid = *labels.geometry();
            for (voxel, &label) in labels.data().iter().enumerate() {
                let bright = is_foreground(grid.index(voxel));
                assert_eq!(label, if bright { 3 } else { 0 }, "{inferer} {voxel}");
            }
        }
    }
    let path = place.path().join("wrong");
    written(&path, WINDOWS, 0);
    let text = Segmenter::open_with(&path, &options)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("`to` of `renamed` is 0") && text.contains(MODEL_FILE),
        "{text}"
    );
}

#[test]
fn what_a_network_of_ones_own_refuses_is_an_error_with_its_cause() {
    let refusing =
        |_: Tensor<5>| Err::<Tensor<5>, _>(vesalius_networks::Error::custom("no battery"));
    let networks: Vec<Box<dyn PatchNetwork + Send + Sync>> = vec![Box::new(refusing)];
    let segmenter =
        Segmenter::with_networks(model(CLASSES, "[]", WINDOWS), networks, &Device::flex()).unwrap();
    let refused = segmenter.segment(&image()).unwrap_err();
    assert_eq!(refused.to_string(), "no battery");
    assert_eq!(refused.kind(), ErrorKind::BadInput);
}

#[test]
fn members_whose_outputs_differ_are_refused() {
    let one = |patch: Tensor<5>| Tensor::cat(vec![patch; 3], 1);
    let networks: Vec<Box<dyn PatchNetwork + Send + Sync>> = vec![Box::new(organ), Box::new(one)];
    let description = model(CLASSES, "[]", WINDOWS);
    let segmenter = Segmenter::with_networks(description, networks, &Device::flex()).unwrap();
    let text = segmenter.segment(&image()).unwrap_err().to_string();
    assert!(
        text.contains("network 2") && text.contains("[1, 3, 8, 8, 8]"),
        "{text}"
    );
}
