//! What is read of one case: its image, the state of its files, and the series that DICOM objects of it belong to.

use super::case::{Run, of_case, of_io, of_volume};
use super::file_state::FileState;
use super::targets::Failure;
use super::{InputCase, channels};
use crate::study::{self, read_channels};
use std::path::{Path, PathBuf};
use vesalius_io::{ReadOptions, Series};
use vesalius_planning::read_image_with;
use vesalius_volume::{ErrorKind, Volume};

/// Images below this size are read whatever the limit, so that the error can name the smallest limit that works.
const READ_ANYWAY: u64 = 256 << 20;

/// An image, its files as they were before they were read, and the series that DICOM objects of the case belong to,
/// where they are asked for.
pub(super) type Input = (Volume<f32>, Vec<FileState>, Option<Series>);

impl Run<'_> {
    pub(super) fn read(&self, case: &InputCase) -> Result<Input, Failure> {
        let state = |file: &PathBuf| {
            let state = FileState::of(file);
            state.map_err(|source| {
                of_io(vesalius_io::Error::Read {
                    path: file.clone(),
                    source,
                })
            })
        };
        let states = case.files.iter().map(state).collect::<Result<_, _>>()?;
        let channels = self.segmenter.model().channels.len();
        let mut options = self.options.read.clone();
        if let Some(limit) = self.options.max_memory {
            options.max_bytes = options.max_bytes.min(limit.max(READ_ANYWAY));
        }
        if let [name] = &self.options.series[..] {
            options.series = Some(name.clone());
        }
        let source = self.source(case, &options)?;
        if let [study] = &case.files[..]
            && let Some(image) = self.read_series(study, &options)?
        {
            return Ok((image, states, source));
        }
        let pictures = self.segmenter.model().nnunet.as_ref();
        let pictures = pictures.is_some_and(|pipeline| pipeline.takes_pictures());
        let image = match (self.options.max_memory, &case.files[..]) {
            (_, files)
                if pictures && !files.is_empty() && files.iter().all(vesalius_io::is_picture) =>
            {
                read_pictures(files)
            }
            (Some(_), [file]) if channels == 1 => read_lean(file, &options),
            (_, files) => read_image_with(files, channels, &options).map_err(Failure::Image),
        };
        Ok((image?, states, source))
    }

    /// The series that DICOM objects of a case belong to, where they are asked for.
    #[cfg(feature = "dicom")]
    fn source(&self, case: &InputCase, read: &ReadOptions) -> Result<Option<Series>, Failure> {
        if self.options.objects.is_empty() {
            return Ok(None);
        }
        let model = self.segmenter.model();
        let source = super::objects::source(case, model, self.options, read);
        let source = source.map_err(|reason| Failure::Case(reason.into(), ErrorKind::BadInput))?;
        Ok(Some(source))
    }

    #[cfg(not(feature = "dicom"))]
    fn source(&self, _: &InputCase, _: &ReadOptions) -> Result<Option<Series>, Failure> {
        Ok(None)
    }

    /// The channels of a study that holds several series; `None` where the options of reading decide.
    fn read_series(
        &self,
        study: &Path,
        read: &ReadOptions,
    ) -> Result<Option<Volume<f32>>, Failure> {
        let of_image = |error: vesalius_io::Error| Failure::Image(error.into());
        let model = self.segmenter.model();
        let chosen =
            channels::choose(study, model, &self.options.series, read).map_err(of_image)?;
        let Some((modalities, told)) = chosen else {
            return Ok(None);
        };
        let image = read_channels(&modalities).map_err(|error| match error {
            study::Error::Io(error) => of_image(error),
            error => of_case(error.kind(), error),
        })?;
        let warnings = [told, image.warnings().to_vec()].concat();
        Ok(Some(image.with_warnings(warnings)))
    }
}

/// Pictures whose channels follow each other.
fn read_pictures(files: &[PathBuf]) -> Result<Volume<f32>, Failure> {
    let parts = files.iter().map(vesalius_io::read_picture);
    let parts: Vec<Volume<f32>> = parts.collect::<Result<_, _>>().map_err(of_io)?;
    let grid = *parts[0].geometry();
    for part in &parts[1..] {
        let same = grid.check_same(part.geometry(), "the pictures of a case");
        same.map_err(of_volume)?;
    }
    let channels = parts.iter().map(Volume::channels).sum();
    let data = parts.into_iter().flat_map(Volume::into_data).collect();
    Volume::new(grid, channels, data).map_err(of_volume)
}

/// Reads an image without holding its file in memory too, where its format allows.
fn read_lean(file: &Path, options: &ReadOptions) -> Result<Volume<f32>, Failure> {
    let of_image = |error: vesalius_io::Error| Failure::Image(error.into());
    let whole = || vesalius_io::read_with(file, options).map_err(of_image);
    // A folder is a DICOM series.
    if file.is_dir() {
        return whole();
    }
    match vesalius_io::open_with(file, options) {
        Ok(opened) => opened.read_lean().map_err(of_image),
        // DICOM files cannot be opened in parts; other files fail again, with the same error.
        Err(_) => whole(),
    }
}
