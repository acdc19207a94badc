//! Every filter by name: its arguments with defaults, and one call that reads, filters and writes.
//!
//! [`filters`] lists them; the command's `filter` and a server's form are made from this list. Arguments are
//! checked here: a [`Values`] holds only what the filter's [`Argument`]s allow.
//!
//! ```
//! use vesalius_workflow::filter::{FilterJob, named};
//!
//! let gaussian = named("gaussian")?;
//! let values = gaussian.values([("sigma", "1.5")])?;
//! let job = FilterJob::new("scan.nii.gz", values).output("smooth.nii.gz");
//! # let _ = job;
//! # Ok::<(), vesalius_workflow::filter::Error>(())
//! ```
//!
//! The algorithms are `vesalius_filters`'.

mod argument;
mod components;
mod findings;
mod grid;
mod intensity;
mod morphology;
mod regions;
mod run;
mod smoothing;
mod values;

pub use crate::FileError as Error;
pub use argument::{Argument, ArgumentKind, Choice, Value, pair, triple};
pub use findings::{Component, Findings, Intensity, LabelMeasures, VoxelBox};
pub use run::FilterJob;
pub use values::Values;

use run::Run;

/// The result of this module's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A filter of image files.
#[derive(Debug)]
pub struct Filter {
    /// Its name, words joined by `-`.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Whether it writes a file.
    pub output: Output,
    /// How it is decided whether the input is an image or a label map.
    pub input: Input,
    /// Its arguments.
    pub arguments: &'static [Argument],
    /// Arguments of which exactly one must be given.
    pub one_of: &'static [&'static str],
    run: fn(&mut Run) -> Result<Findings>,
}

/// Whether a filter writes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It writes an image or a label map.
    File,
    /// It writes a surface, whose endings are no image's.
    Surface,
    /// It only measures.
    Findings,
}

/// How it is decided whether the input is an image or a label map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The filter takes only one of them, or an argument decides.
    ByFilter,
    /// [`FilterJob::kind`] decides.
    ByKind,
}

impl Filter {
    const fn new(
        name: &'static str,
        about: &'static str,
        arguments: &'static [Argument],
        run: fn(&mut Run) -> Result<Findings>,
    ) -> Self {
        Self {
            name,
            about,
            output: Output::File,
            input: Input::ByFilter,
            arguments,
            one_of: &[],
            run,
        }
    }

    const fn measures(mut self) -> Self {
        self.output = Output::Findings;
        self
    }

    const fn surface(mut self) -> Self {
        self.output = Output::Surface;
        self
    }

    const fn by_kind(mut self) -> Self {
        self.input = Input::ByKind;
        self
    }

    const fn one_of(mut self, names: &'static [&'static str]) -> Self {
        self.one_of = names;
        self
    }
}

const FAMILIES: [&[Filter]; 6] = [
    intensity::FILTERS,
    smoothing::FILTERS,
    morphology::FILTERS,
    components::FILTERS,
    regions::FILTERS,
    grid::FILTERS,
];

/// All filters, by family.
pub fn filters() -> impl Iterator<Item = &'static Filter> {
    FAMILIES.into_iter().flatten()
}

/// The filter of a name.
///
/// # Errors
/// [`Error::UnknownFilter`] with all names.
pub fn named(name: &str) -> Result<&'static Filter> {
    filters()
        .find(|filter| filter.name == name)
        .ok_or_else(|| Error::UnknownFilter(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_there_once_and_every_default_can_be_parsed() {
        let mut names = BTreeSet::new();
        for filter in filters() {
            assert!(names.insert(filter.name), "{} twice", filter.name);
            let mut arguments = BTreeSet::new();
            for argument in filter.arguments {
                let place = format!("{} {}", filter.name, argument.name);
                assert!(arguments.insert(argument.name), "{place} twice");
                if let Some(default) = argument.default {
                    assert!(argument.parse(default).is_ok(), "{place}: {default}");
                }
            }
            for name in filter.one_of {
                assert!(arguments.contains(name), "{} {name}", filter.name);
            }
        }
        assert_eq!(names.len(), 39);
    }

    #[test]
    fn what_a_filter_does_not_take_is_refused() {
        let says = |filter: &str, given: &[(&str, &str)], word: &str| {
            let filter = named(filter).unwrap();
            let error = filter.values(given.iter().copied()).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        };
        says("gaussian", &[], "`sigma`");
        says("gaussian", &[("sigma", "wide")], "`wide`");
        says("gaussian", &[("sigma", "1"), ("sigmas", "1")], "`sigmas`");
        says("gaussian", &[("sigma", "1"), ("sigma", "2")], "once");
        says("dilate", &[], "`radius` or `radius-mm`");
        let both = [("radius", "1"), ("radius-mm", "1")];
        says("dilate", &both, "`radius` or `radius-mm`");
        let mask = [("radius", "1"), ("label", "1"), ("binary", "true")];
        says("dilate", &mask, "together");
        assert!(named("gauss").unwrap_err().to_string().contains("gaussian"));
    }
}
