//! What every planner starts from, gathered once.

use super::PlanOptions;
use crate::{Analyzed, Modality, Result, WorkFolder};
use vesalius_networks::NetworkConfig;
use vesalius_planning::nnunet::{
    Configuration, DatasetJson, Fingerprint, LabelValues, Ordered, Plans,
};
use vesalius_transforms::{
    Axis, ForegroundIntensity, NnUnetNormalization, NnUnetScheme, Orient, Transform,
};
use vesalius_volume::{LabelScheme, Orientation};

/// What every planner starts from.
pub(super) struct Task<'a> {
    pub work: &'a WorkFolder,
    pub analyzed: &'a Analyzed,
    pub options: &'a PlanOptions,
    pub scheme: LabelScheme,
    /// How each channel was made.
    pub modalities: Vec<Modality>,
    /// How many algorithms share the minutes.
    pub algorithms: usize,
}

impl<'a> Task<'a> {
    pub fn of(
        work: &'a WorkFolder,
        analyzed: &'a Analyzed,
        options: &'a PlanOptions,
        algorithms: usize,
    ) -> Result<Self> {
        let extra = &work.input().extra_modalities;
        let channels = work.list().channels.len();
        let own = channels.saturating_sub(extra.len());
        let modalities = (0..channels).map(|channel| match channel < own {
            true => work.input().modality,
            false => extra[channel - own].modality,
        });
        Ok(Self {
            work,
            analyzed,
            options,
            scheme: work.label_scheme()?,
            modalities: modalities.collect(),
            algorithms,
        })
    }

    pub fn fingerprint(&self) -> &Fingerprint {
        &self.analyzed.fingerprint
    }

    /// Minutes of training for one run.
    pub fn minutes_a_run(&self) -> Option<f64> {
        let runs = self.algorithms * self.work.list().folds().len();
        Some(self.options.minutes? / runs.max(1) as f64)
    }

    /// A network with the dataset's channels.
    pub fn with_channels(&self, network: NetworkConfig) -> NetworkConfig {
        network.with_channels(self.modalities.len(), self.scheme.channels())
    }

    /// The dataset in nnU-Net's form. Its planner recognises CT by the channel's name.
    pub fn dataset_json(&self) -> DatasetJson {
        let list = self.work.list();
        let name = |channel: usize| match self.modalities[channel] {
            Modality::Ct => "CT".to_owned(),
            Modality::Mri if list.channels[channel].eq_ignore_ascii_case("ct") => "MRI".to_owned(),
            Modality::Mri => list.channels[channel].clone(),
        };
        let mut labels = vec![("background".to_owned(), LabelValues::One(0))];
        let mut order = None;
        match &self.scheme {
            LabelScheme::Exclusive { classes, .. } => labels.extend(
                classes
                    .iter()
                    .filter(|class| class.value != 0)
                    .map(|class| (class.name.clone(), LabelValues::One(class.value))),
            ),
            LabelScheme::Regions { regions, .. } => {
                labels.extend(regions.iter().map(|region| {
                    let values = LabelValues::Several(region.labels.clone());
                    (region.name.clone(), values)
                }));
                order = Some(regions.iter().map(|region| region.paint).collect());
            }
        }
        if let Some(ignore) = self.scheme.ignore() {
            labels.push(("ignore".to_owned(), LabelValues::One(ignore)));
        }
        DatasetJson {
            channel_names: (0..self.modalities.len())
                .map(|channel| (channel.to_string(), name(channel)))
                .collect(),
            labels: Ordered(labels),
            regions_class_order: order,
            num_training: Some(list.cases.len()),
            file_ending: Some(".nii.gz".to_owned()),
            ..DatasetJson::default()
        }
    }

    /// nnU-Net's normalisation as a transform.
    pub fn normalization(&self, plans: &Plans, of: &Configuration) -> Result<Transform> {
        let schemes = of.normalization_schemes.as_deref().unwrap_or_default();
        let masks = of.use_mask_for_norm.as_deref().unwrap_or_default();
        let properties = &plans.foreground_intensity_properties_per_channel;
        let channels = schemes.iter().enumerate().map(|(channel, name)| {
            let mask = masks.get(channel).copied().unwrap_or(false);
            let intensity = properties
                .get(&channel.to_string())
                .map(|p| ForegroundIntensity {
                    mean: p.mean,
                    standard_deviation: p.std,
                    percentile_00_5: p.percentile_00_5,
                    percentile_99_5: p.percentile_99_5,
                });
            let scheme = NnUnetScheme::named(name, intensity)?;
            Ok(if mask { scheme.within_mask() } else { scheme })
        });
        let channels = channels.collect::<Result<Vec<_>>>()?;
        Ok(Transform::NnUnetNormalization(NnUnetNormalization {
            channels,
        }))
    }

    /// Orients all cases to RAS where their axes differ; the sentence gives the reason.
    pub fn orientation(&self) -> (Option<Transform>, String) {
        let mut found: Vec<&str> = self
            .analyzed
            .report
            .facts
            .iter()
            .map(|case| case.orientation.as_str())
            .collect();
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [] | [_] => (
                None,
                format!(
                    "all cases have the axes {}, so none is turned",
                    found.join("")
                ),
            ),
            _ => (
                Some(Transform::Orient(Orient {
                    to: "RAS".to_owned(),
                })),
                format!(
                    "the cases' axes differ ({}), so all are turned to RAS",
                    found.join(", ")
                ),
            ),
        }
    }

    /// The axis from left to right, when mirroring it makes another plausible patient: unless a label is of
    /// one side.
    pub fn mirror(&self) -> (Vec<Axis>, String) {
        let sided = self.scheme.foreground().into_iter().find(|(name, _)| {
            let name = name.to_lowercase();
            ["left", "right"].iter().any(|side| name.contains(side))
        });
        if let Some((name, _)) = sided {
            let reason = format!(
                "nothing is mirrored: `{name}` is of one side, which a mirror would exchange"
            );
            return (Vec::new(), reason);
        }
        let first = self.analyzed.report.facts.first();
        let orientation = match (self.orientation().0, first) {
            (None, Some(case)) => case.orientation.as_str(),
            _ => "RAS",
        };
        let across = orientation
            .parse::<Orientation>()
            .map(|_| orientation.chars().position(|c| matches!(c, 'L' | 'R')));
        let axis = match across {
            Ok(Some(1)) => Axis::Y,
            Ok(Some(2)) => Axis::Z,
            _ => Axis::X,
        };
        let reason = "only left and right are mirrored: a body looks alike from both sides, while front, back, head and feet stay told apart".to_owned();
        (vec![axis], reason)
    }
}
