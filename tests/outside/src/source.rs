//! A source of cases that are made on request.

use std::sync::Arc;
use vesalius::prelude::*;
use vesalius::training::synthetic::Spheres;
use vesalius::training::{Case, CaseHandle, CaseSource, Error, Result};

/// Volumes with bright spheres, made again for every call.
#[derive(Debug)]
pub struct MadeCases {
    names: Vec<String>,
    labels: LabelScheme,
}

impl MadeCases {
    /// So many cases.
    pub fn new(count: usize, labels: LabelScheme) -> Arc<dyn CaseSource> {
        let names = (0..count).map(|number| format!("made_{number}")).collect();
        Arc::new(Self { names, labels })
    }
}

impl CaseSource for MadeCases {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn get(&self, index: usize) -> Result<CaseHandle> {
        if index >= self.names.len() {
            return Err(Error::custom(format!("there is no case {index}")));
        }
        let spheres = Spheres {
            size: [20, 24],
            classes: 1,
            ..Spheres::default()
        };
        let subject = spheres.subject(7, index as u64)?;
        let case = Case::new(subject, &self.labels, &Default::default())?;
        Ok(CaseHandle::Whole(Arc::new(case)))
    }
}
