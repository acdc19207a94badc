//! Which series of a DICOM study are the channels of a case.

use crate::study::ChannelSource;
use std::path::Path;
use vesalius_inferers::{InputRule, ModelDescription};
use vesalius_io::{Error, ReadOptions, Series, list_series_with};
use vesalius_volume::Warning;

/// The series of each channel, in order, and what was decided.
pub(super) type Chosen = (Vec<ChannelSource>, Vec<Warning>);

/// The series that are named, or those that the model's rules choose from a study. `None` where the options of reading
/// decide: for other files, for one name, for a study of one series.
///
/// # Errors
/// Another number of names than of channels; a rule that not exactly one series fits; a study that cannot be listed.
pub(super) fn choose(
    study: &Path,
    model: &ModelDescription,
    named: &[String],
    read: &ReadOptions,
) -> Result<Option<Chosen>, Error> {
    let channels = &model.channels;
    let modality = |name: &str| ChannelSource {
        path: study.to_owned(),
        options: ReadOptions {
            series: Some(name.to_owned()),
            ..read.clone()
        },
    };
    let one_image =
        study.is_file() && (vesalius_io::is_image(study) || vesalius_io::is_picture(study));
    if one_image || named.len() == 1 || read.series.is_some() {
        return Ok(None);
    }
    if !named.is_empty() {
        if named.len() != channels.len() {
            let (names, wanted) = (named.len(), channels.len());
            let found = format!(
                "{names} are named for {}, {}",
                vesalius_volume::counted(wanted, "channel"),
                channels.join(", ")
            );
            return Err(several(study, found));
        }
        let modalities = named.iter().map(|name| modality(name)).collect();
        return Ok(Some((modalities, Vec::new())));
    }
    // Another file is one series at most.
    if study.is_file() && !vesalius_io::is_archive(study) {
        return Ok(None);
    }
    let listed = list_series_with(study, read)?.series;
    let images: Vec<&Series> = listed.iter().filter(|one| is_image(one)).collect();
    let Some(rules) = rules(model).filter(|_| images.len() > 1) else {
        return Ok(None);
    };
    let mut chosen = Vec::new();
    let mut warnings = Vec::new();
    for (channel, rule) in channels.iter().zip(&rules) {
        let fitting: Vec<&&Series> = images
            .iter()
            .filter(|one| rule.fits(&one.modality, &one.description))
            .collect();
        let [one] = fitting[..] else {
            let found = match fitting.is_empty() {
                true => labels(images.iter().copied()),
                false => labels(fitting.into_iter().copied()),
            };
            return Err(several(
                study,
                format!("for channel {channel} ({rule}) {found}"),
            ));
        };
        let name = name_of(one);
        warnings.push(Warning::SeriesChosen {
            channel: channel.clone(),
            rule: rule.to_string(),
            series: one.label(),
        });
        chosen.push(modality(&name));
    }
    Ok(Some((chosen, warnings)))
}

/// A rule for each channel: the model's, or those that the names of its channels imply.
fn rules(model: &ModelDescription) -> Option<Vec<InputRule>> {
    match model.inputs.is_empty() {
        true => model
            .channels
            .iter()
            .map(|name| InputRule::of_channel(name))
            .collect(),
        false => Some(model.inputs.clone()),
    }
}

/// Whether a series may be an image to segment: no scout and no label map.
fn is_image(series: &Series) -> bool {
    series.labels.is_empty() && !series.is_localizer()
}

/// The name by which one volume is read again.
fn name_of(series: &Series) -> String {
    match &series.part {
        Some(part) => format!("{}/{part}", series.uid),
        None => series.uid.clone(),
    }
}

fn labels<'a>(series: impl Iterator<Item = &'a Series>) -> String {
    let labels: Vec<String> = series.map(Series::label).collect();
    labels.join("; ")
}

fn several(study: &Path, found: String) -> Error {
    Error::SeveralSeries {
        path: study.to_owned(),
        found,
    }
}
