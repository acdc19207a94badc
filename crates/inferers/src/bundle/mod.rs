//! A MONAI bundle as a model: its description in our own words, the file of its weights, and what was assumed.
//!
//! `vesalius-bundles` reads the config; here its network, steps and inferer become those of a [`ModelDescription`].

mod files;
mod inferer;
mod labels;
mod postprocessing;
mod preprocessing;

use crate::{AxisOrder, Error, ModelDescription, OpenOptions, Provenance, Result};
use std::path::{Path, PathBuf};
use vesalius_bundles::{Bundle, BundleDescription, BundleOptions, WeightsSpec};
use vesalius_networks::NetworkConfig;
use vesalius_volume::{ErrorKind, Warning};

/// What a bundle is.
#[derive(Debug)]
pub(crate) struct BundleModel {
    pub description: ModelDescription,
    pub weights: PathBuf,
    /// How the file of weights is read.
    pub entry: WeightsSpec,
    /// What was assumed, chosen or left out.
    pub warnings: Vec<Warning>,
}

/// The name of a bundle's only member.
const MEMBER: &str = "model";

/// A step that there is no word for here: what it is, and what is missing.
pub(crate) type Refused = String;

impl BundleModel {
    /// The bundle in a folder; `config` is its config where the path names one.
    ///
    /// # Errors
    /// [`Error::Bundle`] for a config that cannot be understood, [`Error::ModelFolder`] for what is understood and cannot be
    /// done here, in one sentence with its id.
    pub fn read(folder: &Path, config: Option<&str>, options: &OpenOptions) -> Result<Self> {
        let of_bundle = |source| of_bundle(folder, source);
        let opening = match config {
            Some(config) => BundleOptions::default().config(config),
            None => BundleOptions::default(),
        };
        let mut bundle = Bundle::open_with(folder, &opening).map_err(of_bundle)?;
        for (id, text) in &options.settings {
            bundle.config_mut().set_text(id, text).map_err(of_bundle)?;
        }
        let described = bundle.describe().map_err(of_bundle)?;
        let description = model(&described, &bundle, folder)
            .map_err(|reason| Error::of_folder(ErrorKind::Unsupported, folder, reason))?;
        let notes = described.notes.iter().map(|note| Warning::OfBundle {
            note: note.to_string(),
        });
        Ok(Self {
            description,
            weights: folder.join(&described.weights.path),
            warnings: notes.collect(),
            entry: described.weights,
        })
    }

    /// Why the file of weights is not there, with the files that are there instead.
    pub fn without_weights(file: &Path, entry: &WeightsSpec) -> Error {
        // The file's path ends with the entry's.
        let parts = Path::new(&entry.path).components().count();
        let folder = file.ancestors().nth(parts).unwrap_or(file);
        let found = Bundle::open(folder).and_then(|bundle| bundle.file(&entry.path));
        match found {
            Err(source) => of_bundle(folder, source),
            Ok(_) => Error::of_folder(ErrorKind::NotFound, file, "is missing"),
        }
    }
}

/// An error of reading a bundle; one of its files is named by its own path.
fn of_bundle(folder: &Path, source: vesalius_bundles::Error) -> Error {
    match source {
        vesalius_bundles::Error::Bundle { kind, path, reason } => {
            Error::ModelFolder { path, reason, kind }
        }
        other => Error::Bundle {
            path: folder.to_path_buf(),
            source: Box::new(other),
        },
    }
}

/// A bundle in our own words.
fn model(
    described: &BundleDescription,
    bundle: &Bundle,
    folder: &Path,
) -> std::result::Result<ModelDescription, Refused> {
    let spec = &described.network;
    let of_network = |error: vesalius_networks::Error| format!("`{}`: {error}", spec.id);
    let of_file = |reason| format!("`{}`: {reason}", spec.id);
    let arguments = files::filled(&spec.as_config(), bundle).map_err(of_file)?;
    let network = NetworkConfig::from_monai_or_nnunet(&arguments).map_err(of_network)?;
    let preprocessing = preprocessing::chain(described)?;
    let way = postprocessing::way(described, network.architecture().out_channels())?;
    let inferer = inferer::inferer(&described.inferer, network.architecture())?;
    let about = &described.about;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let made_by = match &about.monai_version {
        Some(version) => format!("MONAI {version}"),
        None => "MONAI".to_owned(),
    };
    let clicks = preprocessing::clicks(described);
    let mut builder = ModelDescription::builder(way.labels, network);
    if let Some(clicks) = clicks {
        builder = builder.clicks(clicks);
    }
    builder
        .channels(described.channels.iter().cloned())
        .preprocessing(preprocessing)
        .axis_order(AxisOrder::Xyz)
        .inferer(inferer)
        .inverse(way.inverse)
        .postprocessing(way.postprocessing)
        .members([MEMBER])
        .provenance(Provenance {
            made_by,
            name: about.name.clone().unwrap_or_else(|| name.into_owned()),
            ..Provenance::default()
        })
        .build()
        .map_err(|error| error.to_string())
}
