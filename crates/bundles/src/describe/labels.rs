//! Names of channels and labels from a bundle's metadata.

use super::{IMAGE, PREDICTION};
use crate::component::Work;
use crate::description::{About, Label, NetworkSpec, Placed};
use crate::note::Note;
use crate::post_step::PostStep;
use crate::step::Step;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn about(metadata: &Value) -> About {
    let text = |key: &str| metadata.get(key)?.as_str().map(str::to_owned);
    let modality = metadata.pointer("/network_data_format/inputs/image/modality");
    About {
        name: text("name"),
        version: text("version"),
        monai_version: text("monai_version"),
        modality: modality.and_then(Value::as_str).map(str::to_owned),
    }
}

/// The names in a mapping from channels' numbers.
fn names(metadata: &Value, side: &str, key: &str) -> BTreeMap<usize, String> {
    let format = metadata.pointer(&format!("/network_data_format/{side}/{key}"));
    let found = ["channel_def", "label_def"]
        .iter()
        .find_map(|name| format?.get(*name)?.as_object());
    found
        .into_iter()
        .flatten()
        .filter_map(|(channel, name)| Some((channel.parse().ok()?, name.as_str()?.to_owned())))
        .collect()
}

fn numbered(names: &BTreeMap<usize, String>, count: usize) -> Vec<String> {
    let name = |channel: usize| {
        let known = names.get(&channel).cloned();
        known.unwrap_or_else(|| format!("channel {channel}"))
    };
    (0..count).map(name).collect()
}

/// Names of the input channels: the inputs' own keys where there are several.
pub(super) fn inputs(
    work: &Work<'_>,
    metadata: &Value,
    network: &NetworkSpec,
    inputs: &[String],
    steps: &[Placed<Step>],
) -> Vec<String> {
    let of_clicks: usize = steps
        .iter()
        .map(|placed| match &placed.step {
            Step::Clicks { labels, .. } => labels.len(),
            _ => 0,
        })
        .sum();
    let all = network.size(&["in_channels", "in_channel"]);
    let count = all.map(|count| count.saturating_sub(of_clicks));
    if inputs.len() > 1 && count.is_none_or(|count| count == inputs.len()) {
        return inputs.to_vec();
    }
    let names = names(metadata, "inputs", IMAGE);
    named(work, "inputs", &names, count)
}

/// Names of the output channels.
pub(super) fn outputs(work: &Work<'_>, metadata: &Value, network: &NetworkSpec) -> Vec<String> {
    let names = names(metadata, "outputs", PREDICTION);
    named(
        work,
        "outputs",
        &names,
        network.size(&["out_channels", "num_classes"]),
    )
}

fn named(
    work: &Work<'_>,
    of: &str,
    names: &BTreeMap<usize, String>,
    count: Option<usize>,
) -> Vec<String> {
    let channels = count.unwrap_or(names.len().max(1));
    let is_complete = names.len() == channels && names.keys().all(|channel| *channel < channels);
    if !is_complete {
        work.note(Note::ChannelNames {
            of: of.to_owned(),
            channels,
            names: names.len(),
        });
    }
    // A network of more channels than any has would make a list as long as its number.
    numbered(names, channels.min(crate::limits::LONGEST_LIST))
}

/// The values of the result, each with the channel that it comes from.
pub(super) fn of_result(outputs: &[String], steps: &[Placed<PostStep>]) -> Vec<Label> {
    let name = |channel: usize| outputs.get(channel).cloned();
    let mut first = 0;
    let mut labels: Vec<Label> = Vec::new();
    for placed in steps {
        match &placed.step {
            PostStep::SelectChannels { from } => first += from,
            PostStep::Argmax => {
                labels = (first + 1..outputs.len())
                    .filter_map(|channel| label(channel - first, channel, name(channel)?))
                    .collect();
            }
            PostStep::Paint { rules, .. } => {
                labels = rules
                    .iter()
                    .filter_map(|rule| {
                        let channel = rule.channel + first;
                        Some(Label {
                            value: rule.label,
                            name: name(channel)?,
                            channel,
                        })
                    })
                    .collect();
                labels.sort_by_key(|label| label.value);
            }
            PostStep::MapLabels { pairs } => {
                for label in &mut labels {
                    if let Some((_, to)) = pairs.iter().find(|(from, _)| *from == label.value) {
                        label.value = *to;
                    }
                }
            }
            PostStep::KeepLabels { labels: kept } => {
                labels.retain(|label| kept.contains(&label.value));
            }
            _ => {}
        }
    }
    if labels.is_empty()
        && !steps
            .iter()
            .any(|placed| matches!(placed.step, PostStep::Argmax))
    {
        // Masks, a channel each.
        labels = (first..outputs.len())
            .filter_map(|channel| label(channel - first + 1, channel, name(channel)?))
            .collect();
    }
    labels
}

fn label(value: usize, channel: usize, name: String) -> Option<Label> {
    Some(Label {
        value: i64::try_from(value).ok()?,
        name,
        channel,
    })
}
