//! A bundle on disk: its files, config and metadata.

use crate::description::BundleDescription;
use crate::read::{TextFormat, parse};
use crate::source::{CONFIGS, Source, bad, inside};
use crate::{Config, Result};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vesalius_volume::ErrorKind;

/// The endings of the inference config, and its name.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];
/// The id of the bundle's folder in its config.
const ROOT: &str = "bundle_root";

/// How a bundle is opened.
///
/// ```no_run
/// use vesalius_bundles::{Bundle, BundleOptions};
///
/// let options = BundleOptions::default().config("configs/inference.json").config("configs/low_memory.json");
/// let bundle = Bundle::open_with("spleen_ct_segmentation".as_ref(), &options)?;
/// # Ok::<(), vesalius_bundles::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct BundleOptions {
    configs: Vec<String>,
}

impl BundleOptions {
    /// Names a config by its path in the bundle, in place of `configs/inference.json` or `.yaml`. Several are merged in their
    /// order, as [`Config::merge`] says.
    #[must_use]
    pub fn config(mut self, path: impl Into<String>) -> Self {
        self.configs.push(path.into());
        self
    }
}

/// A MONAI bundle, in a folder or a zip archive. No code of it is run.
///
/// ```
/// use vesalius_bundles::{Bundle, InfererSpec};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir(folder.path().join("configs"))?;
/// let config = r#"{
///     "bundle_root": ".",
///     "network_def": {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2},
///     "preprocessing": {"_target_": "Compose", "transforms": [{"_target_": "LoadImaged", "keys": "image"}]},
///     "inferer": {"_target_": "SlidingWindowInferer", "roi_size": 96},
///     "postprocessing": {"_target_": "Compose", "transforms": [
///         {"_target_": "AsDiscreted", "keys": "pred", "argmax": true}]},
///     "loader": {"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'",
///         "load_dict": {"model": "@network_def"}}
/// }"#;
/// std::fs::write(folder.path().join("configs/inference.json"), config)?;
///
/// let mut bundle = Bundle::open(folder.path())?;
/// bundle.config_mut().set_text("inferer::overlap", "0.5")?;
/// let description = bundle.describe()?;
/// assert_eq!(description.network.class, "UNet");
/// assert_eq!(description.weights.path, "models/model.pt");
/// assert!(matches!(description.inferer, InfererSpec::SlidingWindow(window) if window.overlap == [0.5; 3]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bundle {
    source: Arc<Source>,
    config: Config,
    metadata: Value,
}

impl Bundle {
    /// Opens a bundle with its `configs/inference.json` or `.yaml`.
    ///
    /// # Errors
    /// [`crate::Error::Bundle`] for a path that is no bundle, one without an inference config or with two, and a config that
    /// cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, &BundleOptions::default())
    }

    /// Opens a bundle.
    ///
    /// # Errors
    /// As [`Bundle::open`].
    pub fn open_with(path: &Path, options: &BundleOptions) -> Result<Self> {
        let source = Arc::new(Source::open(path)?);
        let configs = match options.configs.is_empty() {
            true => vec![inference(&source)?],
            false => options.configs.clone(),
        };
        let mut contents = Vec::new();
        for name in &configs {
            let name = inside(name).ok_or_else(|| {
                let reason = format!("the config `{name}` is not inside the bundle");
                bad(source.path(), ErrorKind::BadInput, reason)
            })?;
            contents.push(content(&source, &name)?);
        }
        let metadata_name = format!("{CONFIGS}/metadata.json");
        let metadata = match source.has(&metadata_name) {
            true => content(&source, &metadata_name)?,
            false => Value::Null,
        };
        let mut known = Map::new();
        known.insert("_meta_".to_owned(), metadata.clone());
        contents.insert(0, Value::Object(known));
        // A run gives the bundle's folder; what the config has is the author's.
        contents.push(serde_json::json!({ ROOT: "." }));
        let config = Config::of(contents, Some(Arc::clone(&source)))?;
        Ok(Self {
            source,
            config,
            metadata,
        })
    }

    /// Whether a path is a bundle: a folder with `configs` that holds an inference config or metadata, or an archive of one.
    pub fn is_at(path: &Path) -> bool {
        Source::open(path).is_ok_and(|source| {
            let names = source.names(CONFIGS);
            names
                .iter()
                .any(|name| name == "metadata.json" || is_inference(name))
        })
    }

    /// The folder or archive.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// The config.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The config, to set values in it before [`Bundle::describe`].
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    /// The content of `configs/metadata.json`; null where there is none.
    pub fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// What the bundle does. Only what the network, its input and its output depend on is looked up.
    ///
    /// # Errors
    /// The errors of [`crate::Error`] but the first two: an id that is missing or in a circle, an expression, class or argument
    /// that is not understood, a path out of the bundle.
    pub fn describe(&self) -> Result<BundleDescription> {
        self.config
            .describe(&self.metadata, &|name| self.source.has(name))
    }

    /// The path of a file of the bundle on disk; `None` in an archive.
    ///
    /// # Errors
    /// [`crate::Error::Bundle`] for a file that the bundle does not have, with those beside where it would be.
    pub fn file(&self, name: &str) -> Result<Option<PathBuf>> {
        let name = self.checked(name)?;
        match &*self.source {
            Source::Folder(folder) => Ok(Some(folder.join(name))),
            Source::Archive { .. } => Ok(None),
        }
    }

    /// A file's bytes, `most` at most.
    ///
    /// # Errors
    /// [`crate::Error::Bundle`] for a file that the bundle does not have, cannot be read or is larger.
    pub fn read(&self, name: &str, most: u64) -> Result<Vec<u8>> {
        let name = self.checked(name)?;
        self.source.bytes(&name, most)
    }

    fn checked(&self, name: &str) -> Result<String> {
        if let Some(inner) = inside(name).filter(|inner| self.source.has(inner)) {
            return Ok(inner);
        }
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = self.source.names(folder);
        let found = match beside.is_empty() {
            true => format!("`{folder}` has no files"),
            false => format!("`{folder}` has {}", beside.join(", ")),
        };
        let reason = format!(
            "has no file `{name}` ({found}); bundles of the zoo list theirs in `large_files.yml`, to be downloaded"
        );
        Err(bad(self.path(), ErrorKind::NotFound, reason))
    }
}

fn is_inference(name: &str) -> bool {
    ENDINGS
        .iter()
        .any(|ending| name.strip_suffix(ending) == Some("inference."))
}

/// The inference config, if there is one and no other.
fn inference(source: &Source) -> Result<String> {
    let names = source.names(CONFIGS);
    let found: Vec<&String> = names.iter().filter(|name| is_inference(name)).collect();
    match found[..] {
        [one] => Ok(format!("{CONFIGS}/{one}")),
        [first, second, ..] => {
            let reason = format!(
                "has two configs, `{CONFIGS}/{first}` and `{CONFIGS}/{second}`; name one of them"
            );
            Err(bad(source.path(), ErrorKind::BadInput, reason))
        }
        [] => {
            let configs = names
                .iter()
                .filter(|name| TextFormat::of_name(name).is_some());
            let configs: Vec<&str> = configs.map(String::as_str).collect();
            let reason = format!(
                "has no `{CONFIGS}/inference.json` or `.yaml` (its configs: {}); name one of them",
                match configs.is_empty() {
                    true => "none".to_owned(),
                    false => configs.join(", "),
                }
            );
            Err(bad(source.path(), ErrorKind::NotFound, reason))
        }
    }
}

/// The mapping in a file.
fn content(source: &Source, name: &str) -> Result<Value> {
    let wrong = |reason: String| {
        let reason = format!("`{name}` {reason}");
        bad(source.path(), ErrorKind::BadInput, reason)
    };
    let format = TextFormat::of_name(name)
        .ok_or_else(|| wrong("is neither JSON nor YAML by its name".to_owned()))?;
    let text = source.text(name)?;
    let value =
        parse(&text, format).map_err(|reason| wrong(format!("cannot be read: {reason}")))?;
    match value {
        Value::Object(_) => Ok(value),
        _ => Err(wrong("is no mapping of names to values".to_owned())),
    }
}
