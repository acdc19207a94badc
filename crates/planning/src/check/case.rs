//! The check of one case.

use super::{CaseFacts, Problem, ProblemKind, Seen, Severity};
use crate::{CaseFiles, LoadedCase, read_image_and_warnings};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use vesalius_io::{ReadOptions, RefusedImage};
use vesalius_volume::{FileWarning, LabelMap, LabelScheme, Volume};

/// A case as far as it can be used.
#[derive(Default)]
pub(crate) struct Looked {
    /// Its voxels, where nothing is wrong with how they are stored.
    pub loaded: Option<LoadedCase>,
    /// What there is to report of it.
    pub seen: Seen,
    /// A failure of the machine while it was read, which is independent of the case.
    pub failure: Option<crate::Error>,
}

/// Reads a case and reports its facts and problems; that reading was cancelled is a failure, not a problem.
pub(crate) fn look(
    files: &CaseFiles,
    channels: usize,
    scheme: Option<&LabelScheme>,
    options: &ReadOptions,
) -> Looked {
    let name = files.name.as_str();
    let mut problems = missing(files);
    if !problems.is_empty() {
        return Looked {
            seen: Seen {
                problems,
                ..Seen::default()
            },
            ..Looked::default()
        };
    }
    let error =
        |kind, message: String| Problem::error(kind, &[name], format!("case {name}: {message}"));
    let mut failure = None;
    let mut warnings = vec![];
    let image = match read_image_and_warnings(&files.images, channels, options) {
        Ok((image, told)) => {
            warnings.extend(told);
            Some(image)
        }
        Err(crate::Error::Volume(e)) => {
            problems.push(error(ProblemKind::Geometry, e.to_string()));
            None
        }
        Err(e) => {
            problems.push(Problem {
                refused: RefusedImage::of(&e),
                ..error(ProblemKind::Unreadable, e.to_string())
            });
            failure = of_machine(e);
            None
        }
    };
    let labels = match vesalius_io::read_labels_with(&files.label, options) {
        Ok(labels) => {
            warnings.extend(FileWarning::all(&files.label, labels.warnings()));
            Some(labels)
        }
        Err(e) => {
            problems.push(Problem {
                refused: RefusedImage::of(&e),
                ..error(ProblemKind::Unreadable, e.to_string())
            });
            failure = failure.or(of_machine(e.into()));
            None
        }
    };
    if let Some(image) = &image {
        problems.extend(look_at_image(name, image, channels));
    }
    let (Some(image), Some(labels)) = (image, labels) else {
        return Looked {
            seen: Seen {
                facts: None,
                problems,
                warnings,
            },
            loaded: None,
            failure,
        };
    };
    if let Err(e) = image
        .geometry()
        .check_same(labels.geometry(), "image and labels")
    {
        problems.push(error(ProblemKind::Geometry, e.to_string()));
    }
    let usable = problems
        .iter()
        .all(|problem| problem.severity != Severity::Error);
    let counts: BTreeMap<u16, usize> = labels
        .counts()
        .into_iter()
        .filter_map(|(value, count)| Some((u16::try_from(value).ok()?, count)))
        .collect();
    problems.extend(look_at_labels(name, &counts, scheme));
    Looked {
        seen: Seen {
            facts: Some(facts(name, &image, &labels, counts)),
            problems,
            warnings,
        },
        loaded: usable.then(|| LoadedCase::of(files, image, labels)),
        failure,
    }
}

fn of_machine(error: crate::Error) -> Option<crate::Error> {
    let cancelled = matches!(error, crate::Error::Cancelled(_));
    (cancelled || vesalius_io::machine_failure(&error).is_some()).then_some(error)
}

fn missing(files: &CaseFiles) -> Vec<Problem> {
    let name = files.name.as_str();
    let absent = files
        .images
        .iter()
        .chain([&files.label])
        .filter(|file| !file.exists());
    let problem = |file: &std::path::PathBuf| {
        let message = format!("case {name}: {} does not exist", file.display());
        Problem::error(ProblemKind::Missing, &[name], message)
    };
    absent.map(problem).collect()
}

fn look_at_image(name: &str, image: &Volume<f32>, channels: usize) -> Vec<Problem> {
    let mut problems = vec![];
    if image.channels() != channels {
        problems.push(Problem::error(
            ProblemKind::Channels,
            &[name],
            format!(
                "case {name} has {}, the list names {channels}",
                vesalius_volume::counted(image.channels(), "channel")
            ),
        ));
    }
    for channel in 0..image.channels() {
        let values = image.channel(channel);
        let broken = values.iter().filter(|v| !v.is_finite()).count();
        if broken > 0 {
            let first = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
            problems.push(Problem::error(
                ProblemKind::NotFinite,
                &[name],
                format!(
                    "case {name}: NaN or infinity in {} of channel {channel}, the first at {:?}; repair the image", vesalius_volume::counted(broken, "voxel"), image.geometry().index(first)),
            ));
        } else if values.iter().all(|v| *v == values[0]) {
            problems.push(Problem::warning(
                ProblemKind::Constant,
                &[name],
                format!("case {name}: channel {channel} is {} everywhere", values[0]),
            ));
        }
    }
    problems
}

fn look_at_labels(
    name: &str,
    counts: &BTreeMap<u16, usize>,
    scheme: Option<&LabelScheme>,
) -> Vec<Problem> {
    let mut problems = vec![];
    if let Some(scheme) = scheme {
        let known = scheme.label_values();
        let is_known =
            |value: &u16| *value == 0 || known.contains(value) || scheme.ignore() == Some(*value);
        let strange = counts.iter().filter(|(value, _)| !is_known(value));
        let strange: Vec<String> = strange.map(|(v, n)| format!("{v} ({n} voxels)")).collect();
        if !strange.is_empty() {
            problems.push(Problem::error(
                ProblemKind::UnknownLabel,
                &[name],
                format!(
                    "case {name} has label values that the scheme does not: {}; the scheme has {known:?}",
                    strange.join(", ")
                ),
            ));
        }
    }
    let ignored = scheme.and_then(LabelScheme::ignore);
    if counts
        .keys()
        .all(|value| *value == 0 || Some(*value) == ignored)
    {
        problems.push(Problem::warning(
            ProblemKind::EmptyLabel,
            &[name],
            format!("case {name} has no labelled voxel"),
        ));
    }
    problems
}

fn facts(
    name: &str,
    image: &Volume<f32>,
    labels: &LabelMap,
    counts: BTreeMap<u16, usize>,
) -> CaseFacts {
    let mean = |values: &[f32]| {
        values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len().max(1) as f64
    };
    CaseFacts {
        name: name.to_owned(),
        size: labels.geometry().size(),
        spacing: image.geometry().spacing(),
        orientation: image.geometry().orientation().to_string(),
        labels: counts,
        mean_intensity: (0..image.channels())
            .map(|c| mean(image.channel(c)))
            .collect(),
        content: content(image),
    }
}

/// 128 bits of two keyed hashes.
fn content(image: &Volume<f32>) -> String {
    let mut hashes = [DefaultHasher::new(), DefaultHasher::new()];
    hashes[1].write_u8(1);
    for hash in &mut hashes {
        for size in image.geometry().size() {
            hash.write_usize(size);
        }
    }
    let (pairs, rest) = image.data().as_chunks::<2>();
    for hash in &mut hashes {
        for [a, b] in pairs {
            hash.write_u64(u64::from(a.to_bits()) << 32 | u64::from(b.to_bits()));
        }
        for value in rest {
            hash.write_u32(value.to_bits());
        }
    }
    let [a, b] = hashes.map(|hash| hash.finish());
    format!("{a:016x}{b:016x}")
}
