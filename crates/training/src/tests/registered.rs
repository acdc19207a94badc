//! User-defined types by name and by value.

use super::{CONFIG, config, options, run};
use crate::{
    CustomOptimizer, CustomSchedule, OptimizerConfig, RegisterOptimizer, RegisterSchedule,
    Schedule, TrainingConfig,
};
use burn::optim::{ModuleOptimizer, SgdConfig};
use serde::Deserialize;
use vesalius_control::Control;
use vesalius_inferers::{CustomInferer, Inferer, RegisterInference, Simple};
use vesalius_losses::{Loss, LossConfig, RegisterLoss};
use vesalius_networks::PatchNetwork;
use vesalius_registry::Registry;
use vesalius_tensor::{Device, Int, Logits, Tensor};
use vesalius_transforms::{
    Chain, Context, CustomTransform, RegisterTransform, Step, Transform, TransformRng,
};
use vesalius_volume::Volume;

/// The mean of the squared logits, times a factor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Magnitude {
    factor: f32,
}

impl Loss for Magnitude {
    fn forward(&self, logits: &Logits, _: &Tensor<5, Int>) -> vesalius_losses::Result<Tensor<1>> {
        Ok(logits.values().square().mean() * self.factor)
    }
}

/// Adds a number to every voxel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lift {
    by: f32,
}

impl CustomTransform for Lift {
    fn sample(
        &self,
        _: &Context<'_>,
        _: &mut TransformRng,
    ) -> vesalius_transforms::Result<Vec<Step>> {
        let by = self.by;
        Ok(vec![Step::voxels(
            "lift",
            Default::default(),
            move |image, _| {
                image.data_mut().iter_mut().for_each(|value| *value += by);
                Ok(())
            },
        )])
    }
}

/// Half the rate from a step on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Halved {
    from: u64,
}

impl CustomSchedule for Halved {
    fn factor(&self, step: u64, _: Option<u64>) -> f64 {
        if step < self.from { 1.0 } else { 0.5 }
    }
}

/// Plain gradient descent.
#[derive(Deserialize)]
struct Plain;

impl CustomOptimizer for Plain {
    fn learning_rate(&self) -> f64 {
        0.125
    }

    fn init(&self) -> ModuleOptimizer {
        SgdConfig::new().init()
    }
}

/// The network over the whole volume at once.
#[derive(Deserialize)]
struct AtOnce;

impl CustomInferer for AtOnce {
    fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
        control: &Control,
    ) -> vesalius_inferers::Result<Volume<f32>> {
        Inferer::Simple(Simple {}).run_controlled(image, network, device, control)
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry
        .inferer::<AtOnce>("at_once")
        .loss::<Magnitude>("magnitude")
        .transform::<Lift>("lift")
        .schedule::<Halved>("halved")
        .optimizer::<Plain>("plain");
    registry
}

const OWN: &str = "augmentation:\n  - flip: {}\n  - lift: {by: 0.5}\nloss: {custom: {name: magnitude, factor: 2}}\nschedule: {custom: {name: halved, from: 2}}\noptimizer: {custom: plain}\ninferer: {custom: at_once}\n";

#[test]
fn types_of_the_users_own_train_alike_by_name_and_by_value() {
    let by_name = TrainingConfig::parse_with(&format!("{CONFIG}{OWN}"), &registry()).unwrap();
    let by_value = config("")
        .augmentation(Chain(vec![
            Transform::Flip(Default::default()),
            Transform::custom("lift", Lift { by: 0.5 }),
        ]))
        .loss(LossConfig::custom("magnitude", Magnitude { factor: 2.0 }))
        .schedule(Schedule::custom("halved", Halved { from: 2 }))
        .optimizer(OptimizerConfig::custom("plain", Plain))
        .inferer(Inferer::custom("at_once", AtOnce));
    let folder = tempfile::tempdir().unwrap();
    let trained = |name: &str, config: &TrainingConfig| {
        let (report, rates) = run(config, &options(&folder.path().join(name)));
        assert_eq!(rates, [0.125, 0.125, 0.0625, 0.0625]);
        report.unwrap().losses
    };
    let losses = trained("name", &by_name);
    assert!(losses.len() == 4 && losses[3] < losses[0], "{losses:?}");
    assert_eq!(losses, trained("value", &by_value));
    assert_ne!(losses, {
        let (report, _) = run(&config(""), &options(&folder.path().join("built in")));
        report.unwrap().losses
    });
    // The config that the run wrote is read again with the same registry, and the run continues.
    let written = folder.path().join("name/model/training.yaml");
    let read = TrainingConfig::read_with(&written, &registry()).unwrap();
    assert_eq!(read, by_name.as_run(&super::data(), None));
    let (resumed, _) = run(&read, &options(&folder.path().join("name")));
    assert!(resumed.unwrap().losses.is_empty());
}

#[test]
fn names_without_a_registry_and_wrong_names_are_refused_with_the_remedy() {
    for (text, remedy) in [
        ("loss: {custom: magnitude}\n", "`Registry`"),
        (
            "schedule: {custom: {name: halved, from: 2}}\n",
            "`Registry`",
        ),
        ("optimizer: {custom: plain}\n", "`Registry`"),
        ("inferer: {custom: at_once}\n", "`Registry`"),
        ("augmentation: [{custom: lift}]\n", "`Registry`"),
        ("augmentation: [{lift: {by: 1}}]\n", "lift"),
    ] {
        let text = format!("{CONFIG}{text}");
        let message = TrainingConfig::parse(&text).unwrap_err().to_string();
        assert!(message.contains(remedy), "{message}");
    }
    for (text, expected) in [
        ("loss: {custom: magnitudo}\n", "did you mean `magnitude`"),
        ("schedule: {custom: {name: halved, form: 2}}\n", "form"),
        (
            "augmentation: [{lift: {by: 1}}, {flip: {axs: [x]}}]\n",
            "augmentation",
        ),
        ("augmentation: [{lift: {bye: 1}}]\n", "bye"),
        ("augmentations: []\n", "line"),
    ] {
        let text = format!("{CONFIG}{text}");
        let message = TrainingConfig::parse_with(&text, &registry());
        let message = message.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
