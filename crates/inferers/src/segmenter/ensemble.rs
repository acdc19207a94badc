//! An ensemble: the probabilities of several models combined run by run, whatever network, preprocessing and
//! inferer each has.

use super::{Image, Labelled, Models, NO_PROBABILITIES, SegmentRequest, Segmenter, held};
use crate::ensemble::{Mixture, shares};
use crate::probabilities::labels_from;
use crate::{Combination, Error, ModelDescription, PostprocessingStep, Result};
use std::borrow::Cow;
use std::path::Path;
use vesalius_volume::{ErrorKind, Warning};

/// A model of an ensemble and its share of the result.
#[derive(Debug)]
pub(super) struct WeightedModel {
    pub segmenter: Segmenter,
    pub share: f32,
}

impl Segmenter {
    /// An ensemble of models, each with its name and weight (`None`: all weigh the same). The labels' postprocessing
    /// is the models' own where all have the same; otherwise there is none, and [`Segmenter::warnings`] has a warning.
    ///
    /// # Errors
    /// No model, models with other labels or channels, weights that are not one each, negative or all
    /// zero.
    pub fn together(
        models: Vec<(String, Self)>,
        weights: Option<&[f64]>,
        combination: Combination,
    ) -> Result<Self> {
        let equal = vec![1.0; models.len()];
        let weights = weights.unwrap_or(&equal);
        let Some((name, first)) = models.first() else {
            return Err(Error::BadValue {
                key: "models",
                found: "none".to_owned(),
                expected: "at least one",
            });
        };
        for (other_name, other) in &models[1..] {
            check_alike((name, &first.model), (other_name, &other.model))?;
        }
        let mut model = first.model.clone();
        // Each of the models uses its own coarser model.
        model.region = None;
        let rest = &models[1..];
        let named = models.iter().map(|(name, one)| (name.as_str(), &one.model));
        let (postprocessing, dropped) = common_postprocessing(named);
        model.postprocessing = postprocessing;
        model.companions = rest.iter().map(|(name, _)| name.clone()).collect();
        model.combination = combination;
        model.weights = weights.to_vec();
        let models = models.into_iter().map(|(_, model)| model).collect();
        let mut together = Self::of_parts(model, models)?;
        together.warnings.extend(dropped);
        Ok(together)
    }

    /// An ensemble by its description, of the models that it names.
    pub(super) fn of_parts(model: ModelDescription, models: Vec<Self>) -> Result<Self> {
        let weights = match model.weights.is_empty() {
            // A fold counts as much as any other.
            true => models
                .iter()
                .map(|part| part.model.members.len() as f64)
                .collect(),
            false => model.weights.clone(),
        };
        let shares = shares(&weights, models.len())?;
        let warnings = models.iter().flat_map(|model| model.warnings.clone());
        let warnings = warnings.collect();
        let parts = models.into_iter().zip(shares);
        let parts = parts.map(|(segmenter, share)| WeightedModel { segmenter, share });
        Ok(Self {
            models: Models::Several(parts.collect()),
            model,
            region: None,
            warnings,
            unpacked: None,
        })
    }
}

/// The postprocessing that models have in common; where they differ, none and a warning.
pub(crate) fn common_postprocessing<'a>(
    models: impl Iterator<Item = (&'a str, &'a ModelDescription)> + Clone,
) -> (Vec<PostprocessingStep>, Option<Warning>) {
    let mut steps = models.clone().map(|(_, model)| &model.postprocessing);
    let first = steps.next().cloned().unwrap_or_default();
    if steps.all(|other| *other == first) {
        return (first, None);
    }
    let models = models.map(|(name, _)| name.to_owned()).collect();
    (Vec::new(), Some(Warning::PostprocessingDropped { models }))
}

/// Checks that two models have the same labels and channels.
pub(crate) fn check_alike(
    (name, model): (&str, &ModelDescription),
    (other_name, other): (&str, &ModelDescription),
) -> Result<()> {
    let bad = |reason: String| {
        Err(Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: other_name.into(),
            reason,
        })
    };
    if model.labels != other.labels {
        return bad(format!(
            "has the labels {:?}, but {name} has {:?}; models that answer together share labels and their order",
            other.labels.channel_names(),
            model.labels.channel_names()
        ));
    }
    // What a single channel is called does not matter.
    let several = model.channels.len() > 1 && model.channels != other.channels;
    if several || model.channels.len() != other.channels.len() {
        return bad(format!(
            "takes the channels {}, but {name} takes {}; models that answer together take the same, in one order",
            other.channels.join(", "),
            model.channels.join(", ")
        ));
    }
    Ok(())
}

/// The combined result of all parts, before postprocessing.
pub(super) fn label(
    model: &ModelDescription,
    parts: &[WeightedModel],
    image: Image,
    request: &SegmentRequest,
) -> Result<Labelled> {
    let limit = request.options.max_memory;
    let sum_bytes = 4 * (image.geometry().voxel_count() * model.labels.channels()) as u64;
    // A result and the sum are in memory together; with less than this the sum is in a scratch file.
    let sum_aside = limit.is_some_and(|limit| request.beside + 4 * sum_bytes > limit);
    let scratch = request.options.scratch_folder();
    let folder: Option<&Path> = sum_aside.then_some(scratch.as_path());
    let mut mixture: Option<Mixture> = None;
    let mut image = Some(image);
    // Models of weight 0 are not run.
    let parts: Vec<&WeightedModel> = parts.iter().filter(|part| part.share > 0.0).collect();
    for (number, part) in (1..).zip(&parts) {
        let kept = match number == parts.len() {
            // The last part alone takes it.
            true => None,
            false => image.as_ref(),
        };
        let request = SegmentRequest {
            probabilities: true,
            beside: request.beside + if sum_aside { 0 } else { sum_bytes } + kept.map_or(0, held),
            ..*request
        };
        let answer = match kept {
            Some(kept) => part.segmenter.label(Cow::Borrowed(kept), &request)?,
            None => {
                let taken = image
                    .take()
                    .ok_or(Error::Internal("an image was taken twice"))?;
                part.segmenter.label(taken, &request)?
            }
        };
        let answer = answer.probabilities.ok_or(NO_PROBABILITIES)?;
        let mixed = match &mut mixture {
            Some(mixture) => mixture,
            None => mixture.insert(Mixture::new(&answer, model.combination, folder)?),
        };
        mixed.add(&answer, part.share)?;
    }
    // `shares` refuses weights of which none counts.
    let sum = mixture.ok_or(Error::Internal("an ensemble without a part that counts"))?;
    let sum = sum.finish()?;
    let labels_aside = sum_aside && model.postprocessing.is_empty();
    Ok(Labelled {
        labels: labels_from(
            &sum,
            model.inverse.presence(),
            labels_aside.then_some(scratch.as_path()),
        )?,
        probabilities: request.probabilities.then_some(sum),
    })
}
