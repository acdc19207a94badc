//! MONAI's steps after the network as a label scheme, an inverse and post-processing steps.

use super::{Refused, labels};
use crate::{Carried, Counted, Inverse, Neighbours, PostprocessingStep};
use vesalius_bundles::{BundleDescription, Placed, PostStep, Rule, ValueKind};
use vesalius_volume::LabelScheme;

/// What becomes of the network's output.
pub(super) struct AfterNetwork {
    pub labels: LabelScheme,
    pub inverse: Inverse,
    pub postprocessing: Vec<PostprocessingStep>,
}

pub(super) fn way(described: &BundleDescription, channels: usize) -> Result<AfterNetwork, Refused> {
    let is_moved = described
        .preprocessing
        .iter()
        .any(|placed| placed.step.is_spatial());
    let mut reading = Reading {
        names: &described.outputs,
        channels,
        first_input: described.inputs.first().map(String::as_str),
        first: 0,
        is_sigmoid: false,
        carried: None,
        decided: None,
        before: Vec::new(),
        after: Vec::new(),
    };
    for placed in &described.postprocessing {
        let refused = |reason: String| format!("`{}`: {reason}", placed.id);
        reading.take(placed).map_err(refused)?;
    }
    reading.finish(is_moved)
}

/// The labels that have been decided.
enum Decided {
    /// The network's channel with the greatest value.
    Classes,
    /// The same, as a channel of 0 and 1 each.
    OneHot,
    /// Channels that are on, from a probability on.
    Masks { at_least: Option<f32> },
    /// Masks painted by rules, the strongest first.
    Painted {
        at_least: Option<f32>,
        rules: Vec<Rule>,
    },
}

/// The chain as far as it has been read.
struct Reading<'a> {
    /// Names of the network's output channels, and how many there are.
    names: &'a [String],
    channels: usize,
    first_input: Option<&'a str>,
    /// The first channel that was kept.
    first: usize,
    is_sigmoid: bool,
    /// What was taken back.
    carried: Option<Carried>,
    decided: Option<Decided>,
    /// Steps on labels before and after that.
    before: Vec<PostprocessingStep>,
    after: Vec<PostprocessingStep>,
}

fn unsupported<T>(what: &str) -> Result<T, Refused> {
    Err(format!("{what} is not supported"))
}

impl Reading<'_> {
    fn take(&mut self, placed: &Placed<PostStep>) -> Result<(), Refused> {
        let id = &placed.id;
        match &placed.step {
            PostStep::Softmax => {}
            PostStep::Sigmoid => self.is_sigmoid = true,
            PostStep::Argmax => self.argmax()?,
            PostStep::OneHot { classes } => match self.decided {
                Some(Decided::Classes) if *classes == self.channels => {
                    self.decided = Some(Decided::OneHot);
                }
                _ => return unsupported("this `to_onehot`"),
            },
            PostStep::Threshold { at } => self.threshold(Some(*at as f32))?,
            PostStep::Round => self.threshold(None)?,
            PostStep::Invert {
                of,
                is_nearest,
                like,
            } => self.invert(*of, *is_nearest, like)?,
            PostStep::SelectChannels { from } => match self.decided {
                Some(Decided::Masks { .. } | Decided::OneHot) => self.first += from,
                _ => return unsupported("a choice of channels before they are 0 and 1"),
            },
            PostStep::Paint { rules, otherwise } => self.paint(id, rules, *otherwise)?,
            PostStep::KeepLargest {
                labels,
                independent,
                connectivity,
                components,
            } => self.on_labels(PostprocessingStep::KeepPieces {
                labels: labels::values(id, labels.as_deref())?,
                union: !independent,
                neighbours: neighbours(*connectivity),
                count: *components,
            })?,
            PostStep::RemoveSmall {
                min_size,
                connectivity,
                independent_channels,
                by_measure,
            } => self.on_labels(PostprocessingStep::RemovePieces {
                labels: Vec::new(),
                counted: match independent_channels {
                    true => Counted::Labels,
                    false => Counted::Union,
                },
                neighbours: neighbours(*connectivity),
                voxels: min_size.ceil().max(0.0) as usize,
                cubic_millimetres: by_measure.then_some(*min_size),
            })?,
            PostStep::FillHoles {
                labels,
                connectivity,
            } => self.on_labels(PostprocessingStep::FillEnclosed {
                labels: labels::values(id, labels.as_deref())?,
                neighbours: neighbours(*connectivity),
            })?,
            PostStep::MapLabels { pairs } => {
                let number = |label| labels::value(id, label);
                let pairs = pairs
                    .iter()
                    .map(|&(from, to)| Ok([number(from)?, number(to)?]));
                let pairs = pairs.collect::<Result<_, Refused>>()?;
                self.on_labels(PostprocessingStep::Renumber { pairs })?;
            }
            PostStep::KeepLabels { labels } => {
                let labels = labels::values(id, Some(labels))?;
                self.on_labels(PostprocessingStep::KeepLabels { labels })?;
            }
            _ => return unsupported("this step"),
        }
        Ok(())
    }

    fn argmax(&mut self) -> Result<(), Refused> {
        if self.decided.is_some() {
            return unsupported("`argmax` of what is 0 and 1 already");
        }
        // Each sigmoid rises with its logit, so that the greatest is the same as long as nothing is interpolated.
        if self.is_sigmoid && matches!(self.carried, Some(Carried::Probabilities | Carried::Logits))
        {
            return unsupported("`argmax` of sigmoids that were interpolated");
        }
        self.decided = Some(Decided::Classes);
        Ok(())
    }

    fn threshold(&mut self, at_least: Option<f32>) -> Result<(), Refused> {
        match self.decided {
            // Labels stay as they are when they are rounded.
            Some(_) if at_least.is_none() => Ok(()),
            Some(Decided::Masks { .. }) if at_least.is_some_and(|at| at > 0.0 && at <= 1.0) => {
                Ok(())
            }
            None if self.is_sigmoid => {
                self.decided = Some(Decided::Masks { at_least });
                Ok(())
            }
            Some(_) => unsupported("a threshold of labels"),
            None => unsupported("a threshold of what is no sigmoid"),
        }
    }

    fn invert(&mut self, of: ValueKind, is_nearest: bool, like: &str) -> Result<(), Refused> {
        if self.first_input.is_some_and(|first| first != like) {
            let first = self.first_input.unwrap_or_default();
            return unsupported(&format!(
                "the grid of `{like}`; the result has that of the first input, `{first}`, so that another one"
            ));
        }
        let is_discrete = matches!(of, ValueKind::Masks | ValueKind::Labels);
        // The nearest voxel is the same before a decision and after it.
        self.carried = Some(match of {
            _ if is_nearest || is_discrete => Carried::Labels,
            ValueKind::Logits => Carried::Logits,
            _ => Carried::Probabilities,
        });
        Ok(())
    }

    fn paint(&mut self, id: &str, rules: &[Rule], otherwise: i64) -> Result<(), Refused> {
        if otherwise != 0 {
            return unsupported(&format!(
                "label {otherwise} where no channel is on; 0 is expected, so that it"
            ));
        }
        let rules: Vec<Rule> = rules
            .iter()
            .map(|rule| Rule {
                channel: rule.channel + self.first,
                label: rule.label,
            })
            .collect();
        if let Some(rule) = rules.iter().find(|rule| rule.channel >= self.channels) {
            let channels = self.channels;
            return Err(format!("channel {} of {channels} is painted", rule.channel));
        }
        match &self.decided {
            Some(Decided::OneHot) => self.renumber(id, &rules),
            Some(Decided::Masks { at_least }) => {
                let at_least = *at_least;
                self.decided = Some(Decided::Painted { at_least, rules });
                Ok(())
            }
            _ => unsupported("painting of what is not 0 and 1"),
        }
    }

    /// Exclusive channels that are painted: a label is the first rule's of its channel.
    fn renumber(&mut self, id: &str, rules: &[Rule]) -> Result<(), Refused> {
        let of = |channel: usize| rules.iter().find(|rule| rule.channel == channel);
        let mut pairs = Vec::new();
        for channel in 0..self.channels {
            let to = of(channel).map_or(Ok(0), |rule| labels::value(id, rule.label))?;
            let from = labels::value(id, channel as i64)?;
            pairs.push([from, to]);
        }
        self.decided = Some(Decided::Classes);
        self.on_labels(PostprocessingStep::Renumber { pairs })
    }

    /// A step on labels, on the grid that they are on.
    fn on_labels(&mut self, step: PostprocessingStep) -> Result<(), Refused> {
        let is_one_mask =
            matches!(self.decided, Some(Decided::Masks { .. })) && self.channels == self.first + 1;
        match self.decided {
            Some(Decided::Masks { .. }) if !is_one_mask => {
                unsupported("a step on several masks that may overlap")
            }
            None => unsupported("a step on labels before there are any"),
            Some(_) => {
                match self.carried {
                    Some(_) => self.after.push(step),
                    None => self.before.push(step),
                }
                Ok(())
            }
        }
    }

    fn finish(mut self, is_moved: bool) -> Result<AfterNetwork, Refused> {
        let of = match (is_moved, self.carried) {
            (true, Some(carried)) => carried,
            // MONAI leaves the result on the network's grid; here it has the file's.
            (true, None) => Carried::Labels,
            // There is one grid.
            (false, _) => Carried::Logits,
        };
        if of != Carried::Labels {
            self.after.splice(0..0, std::mem::take(&mut self.before));
        }
        let mut inverse = Inverse {
            of,
            postprocessing: self.before,
            ..Inverse::default()
        };
        let (at_least, rules) = match self.decided {
            Some(Decided::Classes | Decided::OneHot) => {
                return Ok(AfterNetwork {
                    labels: labels::exclusive(self.names, self.channels)?,
                    inverse,
                    postprocessing: self.after,
                });
            }
            Some(Decided::Painted { at_least, rules }) => (at_least, rules),
            Some(Decided::Masks { at_least }) => {
                let rule = |(channel, label)| Rule { channel, label };
                let mut rules: Vec<Rule> = (self.first..self.channels).zip(1..).map(rule).collect();
                // Later channels paint over earlier ones.
                rules.reverse();
                (at_least, rules)
            }
            None => return unsupported("`postprocessing` without labels"),
        };
        inverse.at_least = at_least;
        let mut painted = Vec::new();
        // The strongest paints last.
        for rule in rules.iter().rev() {
            if inverse.channels.contains(&rule.channel) {
                return unsupported("a channel that is painted twice");
            }
            let name = self.names.get(rule.channel).cloned();
            let name = name.unwrap_or_else(|| format!("channel {}", rule.channel));
            painted.push((name, labels::value("postprocessing", rule.label)?));
            inverse.channels.push(rule.channel);
        }
        if inverse.channels.iter().copied().eq(0..self.channels) {
            inverse.channels.clear();
        }
        Ok(AfterNetwork {
            labels: labels::regions(painted)?,
            inverse,
            postprocessing: self.after,
        })
    }
}

fn neighbours(connectivity: Option<u8>) -> Neighbours {
    match connectivity {
        Some(1) => Neighbours::Faces,
        Some(2) => Neighbours::Edges,
        _ => Neighbours::Corners,
    }
}
