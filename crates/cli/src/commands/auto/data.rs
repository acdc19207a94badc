//! Which dataset: the flags that name one, whatever form it has.

use super::Result;
use std::path::PathBuf;
use vesalius::planning::{Datalist, DatalistOptions};

/// The flags that name a dataset.
#[derive(clap::Args)]
pub struct DataArguments {
    /// The dataset: a folder with a dataset.json (Decathlon, Auto3DSeg or nnU-Net raw), that file, or a CSV table
    #[arg(long, required_unless_present_any = ["images", "input"])]
    data: Option<PathBuf>,
    /// The folder that the list's paths start from [default: the list's own]
    #[arg(long, requires = "data")]
    dataroot: Option<PathBuf>,
    /// A folder of images, in place of --data
    #[arg(long, requires = "labels", conflicts_with = "data")]
    images: Option<PathBuf>,
    /// The folder of labels of the same names
    #[arg(long, requires = "images")]
    labels: Option<PathBuf>,
}

impl DataArguments {
    /// Reads the list; files that are absent are left to the check.
    pub fn read(&self) -> Result<Datalist> {
        if let (Some(images), Some(labels)) = (&self.images, &self.labels) {
            return Ok(Datalist::from_folders(images, labels)?);
        }
        let options = DatalistOptions {
            root: self.dataroot.clone(),
            require_files: false,
            ..DatalistOptions::default()
        };
        // clap requires one of both.
        let data = self.data.as_deref().unwrap_or(".".as_ref());
        Ok(Datalist::read_with(data, &options)?)
    }
}
