//! What a server offers to whom.

use super::Callers;
use crate::classes::{READABLE_SYNTAXES, is_storage_class};
use crate::{AeTitle, Limits, ServerTls, Timeouts};

/// What a server offers to whom, and how much it takes.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The title under which it is called; others are rejected.
    pub title: AeTitle,
    /// Who may call. Default [`Callers::Any`].
    pub callers: Callers,
    /// How many associations may be open at once; more are rejected for the moment. Default 25.
    pub associations: usize,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// How much a peer may send.
    pub limits: Limits,
    /// Classes of objects that are taken.
    pub classes: StorageClasses,
    /// Transfer syntaxes of objects that are taken, the preferred one first. Default [`READABLE_SYNTAXES`].
    pub syntaxes: Vec<String>,
    /// TLS; without it data are sent in the clear.
    pub tls: Option<ServerTls>,
}

/// Classes of objects that a server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageClasses {
    /// All of the standard.
    All,
    /// All of the standard but these: such as [`LABEL_MAP_SEGMENTATION`](crate::LABEL_MAP_SEGMENTATION).
    AllBut(Vec<String>),
    /// These, which may be private ones.
    Only(Vec<String>),
}

impl StorageClasses {
    pub(crate) fn has(&self, class: &str) -> bool {
        let named = |list: &Vec<String>| list.iter().any(|one| one == class);
        match self {
            Self::All => is_storage_class(class),
            Self::AllBut(list) => is_storage_class(class) && !named(list),
            Self::Only(list) => named(list),
        }
    }
}

impl ServerOptions {
    /// The defaults under a title.
    pub fn new(title: AeTitle) -> Self {
        Self {
            title,
            callers: Callers::Any,
            associations: 25,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            classes: StorageClasses::All,
            syntaxes: READABLE_SYNTAXES.map(str::to_owned).to_vec(),
            tls: None,
        }
    }
}
