//! Which prediction belongs to which reference: two files, or two folders by file name without endings.

use super::{Error, Lone};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_io::{is_image_with, strip_extension_with};
use vesalius_registry::Registry;

/// A reference and the prediction that belongs to it.
pub(super) struct Pair {
    pub name: String,
    pub reference: PathBuf,
    pub prediction: Option<PathBuf>,
}

impl Pair {
    /// The reference, and the prediction where there is one.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> + Clone {
        std::iter::once(&*self.reference).chain(self.prediction.as_deref())
    }
}

/// The references with their predictions, and what has no counterpart.
pub(super) struct Pairs {
    pub list: Vec<Pair>,
    pub lone: Lone,
}

/// # Errors
/// A path that cannot be read or holds no image, a file paired with a folder, no name that is in both folders.
pub(super) fn pair(
    prediction: &Path,
    reference: &Path,
    registry: &Registry,
) -> Result<Pairs, Error> {
    let bad = |path: &Path, reason: String| Error::Path {
        path: path.to_path_buf(),
        reason,
    };
    for path in [prediction, reference] {
        if !path.exists() {
            return Err(bad(path, "does not exist".to_owned()));
        }
    }
    if prediction.is_file() && reference.is_file() {
        let pair = Pair {
            name: strip_extension_with(reference, registry),
            reference: reference.to_path_buf(),
            prediction: Some(prediction.to_path_buf()),
        };
        return Ok(Pairs {
            list: vec![pair],
            lone: Lone::default(),
        });
    }
    if prediction.is_file() != reference.is_file() {
        let [one, other] = match prediction.is_file() {
            true => ["file", "folder"],
            false => ["folder", "file"],
        };
        let reference = reference.display();
        let reason = format!(
            "is a {one}, but the reference {reference} is a {other}; give two files or two folders"
        );
        return Err(bad(prediction, reason));
    }
    let mut predictions = images_in(prediction, registry)?;
    let references = images_in(reference, registry)?;
    let found: Vec<String> = predictions.keys().cloned().collect();
    let list: Vec<Pair> = references
        .into_iter()
        .map(|(name, path)| Pair {
            prediction: predictions.remove(&name),
            name,
            reference: path,
        })
        .collect();
    let alone = list.iter().filter(|pair| pair.prediction.is_none());
    let lone = Lone {
        references: alone.map(|pair| pair.name.clone()).collect(),
        predictions: predictions.into_keys().collect(),
    };
    if lone.references.len() == list.len() {
        return Err(bad(
            prediction,
            format!(
                "none of its {} images ({}) has the name of one of the {} references in {} ({})",
                found.len(),
                some(&found),
                list.len(),
                reference.display(),
                some(&lone.references)
            ),
        ));
    }
    Ok(Pairs { list, lone })
}

/// The first names of a list.
fn some(names: &[String]) -> String {
    let first = names[..names.len().min(3)].join(", ");
    match names.len() > 3 {
        true => format!("{first}, …"),
        false => first,
    }
}

/// A reference, or all of a folder, without predictions.
pub(super) fn references(path: &Path, registry: &Registry) -> Result<Vec<Pair>, Error> {
    let images = match path.is_file() {
        true => {
            let name = strip_extension_with(path, registry);
            BTreeMap::from([(name, path.to_path_buf())])
        }
        false => images_in(path, registry)?,
    };
    let alone = |(name, reference)| Pair {
        name,
        reference,
        prediction: None,
    };
    Ok(images.into_iter().map(alone).collect())
}

fn images_in(folder: &Path, registry: &Registry) -> Result<BTreeMap<String, PathBuf>, Error> {
    let bad = |reason: String| Error::Path {
        path: folder.to_path_buf(),
        reason,
    };
    let unread = |e: std::io::Error| bad(format!("cannot be read: {e}"));
    let mut images: BTreeMap<String, PathBuf> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let name = strip_extension_with(&path, registry);
        if path.is_symlink() && !path.exists() && is_image_with(&path, registry) {
            return Err(Error::Path {
                path,
                reason: "is a link that leads nowhere; mend or remove it".to_owned(),
            });
        }
        // Probabilities are next to the label maps that were made of them.
        if !path.is_file() || !is_image_with(&path, registry) || name.ends_with("_probabilities") {
            continue;
        }
        if let Some(other) = images.insert(name, path.clone()) {
            return Err(bad(format!(
                "holds two files of one case: {} and {}",
                other.display(),
                path.display()
            )));
        }
    }
    if images.is_empty() {
        return Err(bad("holds no image that can be read".to_owned()));
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_io::{FormatError, FormatImage, FormatSource, ImageFormat, RegisterImageFormat};

    #[derive(serde::Deserialize)]
    struct Own;

    impl ImageFormat for Own {
        fn name(&self) -> &str {
            "Own"
        }
        fn endings(&self) -> &[&str] {
            &[".own"]
        }
        fn recognises(&self, _: &[u8], name: &Path) -> bool {
            name.extension().is_some_and(|ending| ending == "own")
        }
        fn read(&self, _: &FormatSource) -> Result<FormatImage, FormatError> {
            Err("is not read here".into())
        }
    }

    #[test]
    fn files_of_a_format_of_the_programs_own_are_paired_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["reference", "prediction"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        std::fs::write(at("reference/a.own"), "").unwrap();
        std::fs::write(at("prediction/a.nii.gz"), "").unwrap();
        let mut registry = Registry::default();
        let (prediction, reference) = (at("prediction"), at("reference"));
        assert!(pair(&prediction, &reference, &registry).is_err());
        registry.image_format::<Own>("own");
        let pairs = pair(&prediction, &reference, &registry).unwrap();
        assert!(pairs.lone.is_empty() && pairs.list.len() == 1);
        assert_eq!(pairs.list[0].name, "a");
    }
}
