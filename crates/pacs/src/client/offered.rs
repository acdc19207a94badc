//! Which classes and transfer syntaxes are proposed for files, and which context a file goes through.

use crate::association::{Association, Proposal};
use crate::classes::UNCOMPRESSED;
use crate::data_set::{Header, open};
use crate::{Error, InstanceReference, Result, is_uid};
use dicom_dictionary_std::tags;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// A file that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub path: PathBuf,
    pub reference: InstanceReference,
    pub syntax: String,
}

impl Outgoing {
    /// Reads what is needed of a file. The identifiers are those of the data set, which receivers compare.
    pub fn open(path: &Path) -> Result<Self> {
        let (meta, file, _) = open(path)?;
        let chosen = [tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID];
        let header = Header::read(BufReader::new(file), &meta.syntax, &chosen)
            .map_err(|error| Error::file(path, error.to_string()))?;
        let [class, instance] = chosen.map(|tag| header.text(tag).unwrap_or_default());
        if !is_uid(&class) || !is_uid(&instance) {
            let problem = "it has no valid SOPClassUID or SOPInstanceUID, and cannot be sent";
            return Err(Error::file(path, problem));
        }
        Ok(Self {
            path: path.to_owned(),
            reference: InstanceReference { class, instance },
            syntax: meta.syntax,
        })
    }

    /// Class and transfer syntax.
    fn key(&self) -> (&str, &str) {
        (&self.reference.class, &self.syntax)
    }

    fn proposals(&self) -> Vec<Proposal> {
        let class = &self.reference.class;
        let mut proposals = vec![Proposal::user(class, &[&self.syntax])];
        // One transfer syntax each, so that the peer cannot choose the other one where it takes both.
        let others = UNCOMPRESSED.iter().filter(|one| **one != self.syntax);
        if UNCOMPRESSED.contains(&self.syntax.as_str()) {
            proposals.extend(others.map(|other| Proposal::user(class, &[other])));
        }
        proposals
    }

    /// The context for the file: its number, and the transfer syntax to convert to if there is one.
    pub fn context(&self, association: &Association) -> Option<(u8, Option<String>)> {
        let of_class = || {
            let contexts = association.contexts.iter();
            contexts.filter(|one| one.class == self.reference.class)
        };
        if let Some(same) = of_class().find(|one| one.syntax == self.syntax) {
            return Some((same.id, None));
        }
        let is_plain = |syntax: &str| UNCOMPRESSED.contains(&syntax);
        let other = of_class().find(|one| is_plain(&one.syntax) && is_plain(&self.syntax))?;
        Some((other.id, Some(other.syntax.clone())))
    }
}

/// Files by association: each association proposes only what its files need, and at most 128 contexts.
pub(super) fn associations(files: Vec<Outgoing>) -> Vec<(Vec<Proposal>, Vec<Outgoing>)> {
    let mut all: Vec<(Vec<Proposal>, Vec<Outgoing>)> = Vec::new();
    for file in files {
        let known = all
            .iter()
            .position(|(_, files)| files.iter().any(|other| other.key() == file.key()));
        if let Some(index) = known {
            all[index].1.push(file);
            continue;
        }
        let proposals = file.proposals();
        let has_room = |used: &[Proposal]| used.len() + proposals.len() <= 128;
        match all.iter_mut().find(|(used, _)| has_room(used)) {
            Some((used, files)) => {
                used.extend(proposals);
                files.push(file);
            }
            None => all.push((proposals, vec![file])),
        }
    }
    for (proposals, _) in &mut all {
        let mut seen = Vec::new();
        proposals.retain(|one| {
            let is_new = !seen.contains(one);
            seen.extend(is_new.then(|| one.clone()));
            is_new
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN};

    fn file(class: &str, syntax: &str) -> Outgoing {
        Outgoing {
            path: PathBuf::new(),
            reference: InstanceReference {
                class: class.to_owned(),
                instance: "1.2".into(),
            },
            syntax: syntax.to_owned(),
        }
    }

    #[test]
    fn each_association_proposes_only_what_its_files_need_and_at_most_128_contexts() {
        let files = (0..200).map(|k| file(&format!("1.2.{}", k % 100), EXPLICIT_LITTLE_ENDIAN));
        let all = associations(files.collect());
        assert_eq!(all.len(), 2, "100 classes with 2 contexts each");
        assert_eq!(all.iter().map(|(_, files)| files.len()).sum::<usize>(), 200);
        assert!(all.iter().all(|(proposals, _)| proposals.len() <= 128));
        let two = [EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN].map(|one| file("1.2", one));
        assert_eq!(associations(two.to_vec())[0].0.len(), 2);
        let compressed = associations(vec![file("1.2", "1.2.840.10008.1.2.4.90")]);
        assert_eq!(compressed[0].0.len(), 1, "no conversion is offered");
    }
}
