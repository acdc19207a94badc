//! Datasets from the network.
//!
//! [`fetch`] downloads the archive of a [`Source`], checks it, unpacks it into a folder and looks whether the files that its
//! `dataset.json` names are there. A download that was interrupted continues where it ended. The folder appears under its
//! name when it is complete, and not before.
//!
//! The ten tasks of the Medical Segmentation Decathlon are known by name ([`TASKS`]); everything else is a URL. A proxy
//! is taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), certificates from the system.
//!
//! ```
//! use vesalius_fetch::{FetchOptions, Source, TASKS, fetch};
//!
//! // An archive of one case, at a `file://` URL as of a mirror on a shared disk.
//! let disk = tempfile::tempdir()?;
//! let path = disk.path().join("Task99_Liver.tar");
//! let mut archive = tar::Builder::new(std::fs::File::create(&path)?);
//! let list = br#"{"labels": {"0": "background", "1": "liver"}, "modality": {"0": "CT"},
//!     "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}]}"#;
//! for (name, bytes) in [("dataset.json", &list[..]), ("imagesTr/a.nii.gz", b"scan"), ("labelsTr/a.nii.gz", b"mask")] {
//!     let mut header = tar::Header::new_gnu();
//!     header.set_size(bytes.len() as u64);
//!     archive.append_data(&mut header, format!("Task99_Liver/{name}"), bytes)?;
//! }
//! archive.finish()?;
//!
//! let source = Source::url(&format!("file://{}", path.display()))?;
//! let fetched = fetch(&source, &FetchOptions::new(disk.path().join("data")))?;
//! assert_eq!(fetched.cases, Some(1));
//! assert!(fetched.folder.ends_with("Task99_Liver"));
//!
//! // A task by its name.
//! assert_eq!(Source::task("hippocampus")?.file_name(), "Task04_Hippocampus.tar");
//! assert_eq!(TASKS.len(), 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | what to fetch | [`Source`], [`Checksum`], [`Task`], [`TASKS`] |
//! | fetching | [`fetch`], [`FetchOptions`], [`Fetched`] |
//! | errors | [`Error`](enum@Error) |

#![forbid(unsafe_code)]

mod checksum;
mod dataset;
mod decathlon;
mod disk;
mod download;
mod error;
mod partial;
mod run;
mod source;
mod transfer;
mod unpack;

pub use checksum::Checksum;
pub use decathlon::{TASKS, Task};
pub use error::{Error, Result};
pub use run::{FetchOptions, Fetched, fetch};
pub use source::Source;
