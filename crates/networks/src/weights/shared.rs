//! Tensors that several names share, as modules of PyTorch that are held twice give them: found by where they are
//! stored, never by equal values, and written once.

use super::safetensors::Stored;
use super::view::View;
use super::{Source, StoredTensor, Weights};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Where a tensor's numbers are: two tensors with the same place are one.
#[derive(PartialEq, Eq, Hash)]
enum Place<'a> {
    Memory(usize),
    Safetensors(usize, u64),
    File(&'a str, &'a View),
    Archive(usize, &'a View),
}

fn address<T: ?Sized>(shared: &Arc<T>) -> usize {
    Arc::as_ptr(shared).cast::<()>() as usize
}

fn place(tensor: &StoredTensor) -> Option<Place<'_>> {
    Some(match &tensor.source {
        Source::Memory(values) => Place::Memory(address(values)),
        Source::Safetensors(stored) => {
            let Stored { file, start, .. } = &**stored;
            Place::Safetensors(address(file), *start)
        }
        Source::Pytorch(read) => {
            let (file, view) = read.place.as_ref()?;
            Place::File(file, view)
        }
        Source::Archived(tensor) => Place::Archive(address(&tensor.archive), &tensor.view),
    })
}

impl Weights {
    /// These weights, of which [`Weights::write_safetensors`] writes each tensor once: under the shortest of the
    /// names that share it, the others as the file's metadata, as Hugging Face's `safetensors.torch.save_model` does
    /// it. [`Weights::open`] finds every name again. Tensors that merely hold equal values are not shared.
    #[must_use]
    pub fn each_stored_once(mut self) -> Self {
        let mut names: HashMap<_, Vec<&String>> = HashMap::new();
        for (name, tensor) in &self.tensors {
            // Tensors without numbers all start at the same place.
            if let Some(place) = place(tensor).filter(|_| !tensor.shape.contains(&0)) {
                names.entry((place, &tensor.shape)).or_default().push(name);
            }
        }
        let mut shared = BTreeMap::new();
        for names in names.into_values() {
            let kept = names.iter().min_by_key(|name| (name.len(), name.as_str()));
            for name in names.iter().filter(|&name| Some(name) != kept) {
                let kept = kept.map_or_else(String::new, |&kept| kept.clone());
                shared.insert((*name).clone(), kept);
            }
        }
        self.shared = shared;
        self
    }

    /// How many names share the tensor of another, and are not stored themselves.
    pub fn shared_names(&self) -> usize {
        self.shared.len()
    }

    /// Whether a name shares the tensor of another and is not stored itself.
    pub fn is_shared(&self, name: &str) -> bool {
        self.shared.contains_key(name)
    }

    /// Adds the names that a file's metadata lists, each with the name of the tensor that it shares; other texts
    /// there are none of ours.
    pub(super) fn restore_shared(&mut self, texts: &HashMap<String, String>) {
        let mut shared = BTreeMap::new();
        for (name, kept) in texts {
            if self.tensors.contains_key(name) {
                continue;
            }
            if let Some(tensor) = self.tensors.get(kept) {
                shared.insert(name.clone(), (kept.clone(), tensor.clone()));
            }
        }
        for (name, (kept, tensor)) in shared {
            self.tensors.insert(name.clone(), tensor);
            self.shared.insert(name, kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two names of one tensor, and one of equal values that is another's.
    fn shared() -> Weights {
        let mut weights = Weights::default();
        let names = ["decoder.encoder.w", "encoder.w", "encoder.all_modules.0.w"];
        weights.insert_shared(names.map(str::to_owned), vec![2], vec![1.0, 2.0]);
        weights
            .insert("other".into(), vec![2], vec![1.0, 2.0])
            .unwrap();
        weights
    }

    #[test]
    fn a_shared_tensor_is_written_once_and_found_under_every_name() {
        let all = shared();
        let twice = all.to_safetensors().unwrap();
        let once = all.clone().each_stored_once();
        assert_eq!((once.len(), once.shared_names()), (4, 2));
        let bytes = once.to_safetensors().unwrap();
        let stored = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut names = stored.names();
        names.sort_unstable();
        assert_eq!(names, ["encoder.w", "other"]);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        std::fs::write(&path, &bytes).unwrap();
        let opened = Weights::open(&path).unwrap();
        for read in [
            Weights::from_safetensors("memory", &bytes).unwrap(),
            opened.clone(),
        ] {
            assert!(read.names().eq(all.names()));
            assert_eq!(read.shared_names(), 2);
            for (name, tensor) in all.iter() {
                let found = read.get(name).unwrap().values().unwrap();
                assert_eq!(found, tensor.values().unwrap(), "{name}");
            }
            assert_eq!(read.to_safetensors().unwrap(), bytes);
        }
        // Copied one by one, they are stored under each name again.
        let mut plain = Weights::default();
        for (name, tensor) in opened.iter() {
            plain.insert_stored([name.to_owned()], tensor);
        }
        assert_eq!(plain.to_safetensors().unwrap(), twice);
    }

    #[test]
    fn metadata_that_names_no_tensor_is_left_alone() {
        let mut weights = shared();
        let texts = [
            ("format", "pt"),
            ("other", "encoder.w"),
            ("third", "other"),
            ("fourth", "third"),
        ];
        let texts = texts.map(|(name, kept)| (name.to_owned(), kept.to_owned()));
        weights.restore_shared(&texts.into());
        assert_eq!(weights.len(), 5);
        assert!(weights.get("third").is_some() && weights.get("fourth").is_none());
    }
}
