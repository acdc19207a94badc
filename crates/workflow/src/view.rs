//! A picture of an image file, with labels drawn over it: what `vesalius view` draws.

use crate::kind::{Notice, Reader};
use crate::label_names::label_names;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_io::{FourthAxis, ReadOptions, probe_with, read_label_names, write_bytes_atomically};
use vesalius_view::{Animation, Montage, Overlay, Plane, Scene, Slicing, ThreePlanes, Window};
use vesalius_volume::{ErrorKind, Volume};

/// Why nothing was drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file name that no picture has.
    #[error("{}: a picture is written as .png or .gif; give the file one of these endings", .0.display())]
    Ending(PathBuf),
    /// An option with a value that it cannot have.
    #[error("`{option}` is {found}, expected {expected}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// A slice that the image does not have.
    #[error("`at` is {slice}: the image has {count} {plane} slices, counted from 1")]
    NoSlice {
        /// The slice.
        slice: usize,
        /// How many there are.
        count: usize,
        /// Of which plane.
        plane: &'static str,
    },
    /// A window that nothing can be drawn with.
    #[error("`window`: {0}")]
    Window(vesalius_view::Error),
    /// An animation of three planes.
    #[error("a .gif shows the slices of one plane; choose `Shown::Slices`, or write a .png")]
    AnimatedPlanes,
    /// Slices named for a picture of three planes.
    #[error(
        "`Shown::ThreePlanes` shows one point; name it with `through` instead of `at` or `slices`"
    )]
    SlicesOfPlanes,
    /// A point named for a picture of slices.
    #[error("`through` is for `Shown::ThreePlanes`; name slices with `at`")]
    PointOfSlices,
    /// A file that cannot be read or written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// A picture that cannot be drawn.
    #[error("{0}")]
    View(#[from] vesalius_view::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Ending(_)
            | Self::BadOption { .. }
            | Self::NoSlice { .. }
            | Self::AnimatedPlanes
            | Self::SlicesOfPlanes
            | Self::PointOfSlices => ErrorKind::BadInput,
            Self::Window(error) | Self::View(error) => error.kind(),
            Self::Io(error) => error.kind(),
        }
    }
}

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shown {
    /// Slices of one plane.
    Slices(Plane),
    /// One point in all three planes.
    ThreePlanes,
}

/// What is drawn, and how.
#[derive(Debug, Clone)]
pub struct ViewOptions {
    /// Labels on the image's grid, drawn over it.
    pub labels: Option<PathBuf>,
    /// A second set of labels, drawn next to the first.
    pub prediction: Option<PathBuf>,
    /// Names of the labels for the legend: an ITK-SNAP label file, or a label map with names in it; `None` uses those
    /// in the label maps' headers, in `NAME.label`, or in a record or dataset.json next to them.
    pub names: Option<PathBuf>,
    /// What the picture shows.
    pub shown: Shown,
    /// How many slices, spread over those that hold labels; `None` for 4, of an animation up to 80.
    pub slices: Option<usize>,
    /// Exactly these slices, counted from 1 towards right, anterior or superior.
    pub at: Vec<usize>,
    /// The voxel that three planes go through, `[x, y, z]` from 0; `None` for the middle of the labels.
    pub through: Option<[usize; 3]>,
    /// From the image's values to grey.
    pub window: Window,
    /// How labels are drawn over the image.
    pub overlay: Overlay,
    /// Pixels of a slice's longer side.
    pub tile: usize,
    /// Slices in a row.
    pub columns: usize,
    /// A line above it all.
    pub title: String,
    /// The channel of the image, from 0.
    pub channel: usize,
    /// How the files are read; a fourth axis of the image becomes channels.
    pub reading: ReadOptions,
}

impl Default for ViewOptions {
    fn default() -> Self {
        Self {
            labels: None,
            prediction: None,
            names: None,
            shown: Shown::Slices(Plane::Axial),
            slices: None,
            at: Vec::new(),
            through: None,
            window: Window::default(),
            overlay: Overlay::default(),
            tile: 320,
            columns: 1,
            title: String::new(),
            channel: 0,
            reading: ReadOptions::default(),
        }
    }
}

/// Draws an image file into a picture file: .png, or .gif for an animation through the slices. `notice` is
/// called with what reading decided.
///
/// # Errors
/// [`Error`]: a file that cannot be read or written, options that contradict each other, a slice or channel
/// that the image does not have.
pub fn view_file(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ViewOptions,
    notice: &mut dyn FnMut(&Notice),
) -> Result<(), Error> {
    let (input, output) = (input.as_ref(), output.as_ref());
    let animated = is_animated(output)?;
    options.check(animated)?;
    let mut reader = Reader {
        options: &options.reading,
        notice,
    };
    let mut reading = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..options.reading.clone()
    };
    // A picture shows what is meant: low values are bright in MONOCHROME1.
    reading.dicom.invert = true;
    let image: Volume<f32> = reader.image_with(input, &reading)?;
    let plane = options.plane();
    let count = Slicing::new(image.geometry(), plane).count();
    if let Some(&slice) = options.at.iter().find(|&&slice| slice > count) {
        let plane = plane.name();
        return Err(Error::NoSlice {
            slice,
            count,
            plane,
        });
    }
    let mut labels = |path: &Option<PathBuf>| match path {
        Some(path) => reader.labels(path).map(Some),
        None => Ok(None),
    };
    let (reference, prediction) = (labels(&options.labels)?, labels(&options.prediction)?);
    let names = names(options)?;
    let scene = Scene {
        channel: options.channel,
        reference: reference.as_ref(),
        prediction: prediction.as_ref(),
        names: names.into_iter().collect(),
        ..Scene::of(&image)
    };
    Ok(write_bytes_atomically(
        output,
        &options.draw(&scene, animated)?,
    )?)
}

/// Names by value: from the file that is given for them, else from the label maps or records next to them.
fn names(options: &ViewOptions) -> Result<BTreeMap<u32, String>, Error> {
    let Some(path) = &options.names else {
        let maps = [&options.labels, &options.prediction];
        let mut found = maps
            .into_iter()
            .flatten()
            .map(|map| label_names(map, &options.reading));
        return Ok(found.find(|names| !names.is_empty()).unwrap_or_default());
    };
    let within = match vesalius_io::is_image_with(path, &options.reading.registry) {
        true => probe_with(path, &options.reading)?.labels,
        false => read_label_names(path)?,
    };
    Ok(within.into_iter().map(|l| (l.value, l.name)).collect())
}

/// Refuses a name that no picture has, as [`view_file`] does.
///
/// # Errors
/// [`Error::Ending`].
pub fn check_name(output: &Path) -> Result<(), Error> {
    is_animated(output).map(|_| ())
}

/// Whether the ending of a picture's name is that of an animation.
fn is_animated(output: &Path) -> Result<bool, Error> {
    let ending = output.extension().and_then(|ending| ending.to_str());
    match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => Ok(false),
        "gif" => Ok(true),
        _ => Err(Error::Ending(output.to_owned())),
    }
}

impl ViewOptions {
    fn plane(&self) -> Plane {
        match self.shown {
            Shown::Slices(plane) => plane,
            Shown::ThreePlanes => Plane::Axial,
        }
    }

    /// Refuses options that contradict each other, which would be ignored otherwise.
    fn check(&self, animated: bool) -> Result<(), Error> {
        let bad = |option, found: String, expected| Error::BadOption {
            option,
            found,
            expected,
        };
        let counts = [
            ("tile", Some(self.tile)),
            ("slices", self.slices),
            ("columns", Some(self.columns)),
        ];
        for (option, value) in counts {
            if value == Some(0) {
                return Err(bad(option, "0".to_owned(), "1 or more"));
            }
        }
        self.window.check().map_err(Error::Window)?;
        if self.at.contains(&0) {
            return Err(bad("at", "0".to_owned(), "slices counted from 1"));
        }
        let opacity = self.overlay.opacity;
        if !(0.0..=1.0).contains(&opacity) {
            return Err(bad("opacity", opacity.to_string(), "0 to 1"));
        }
        let three = self.shown == Shown::ThreePlanes;
        if three && animated {
            return Err(Error::AnimatedPlanes);
        }
        if three && !(self.at.is_empty() && self.slices.is_none()) {
            return Err(Error::SlicesOfPlanes);
        }
        if self.through.is_some() && !three {
            return Err(Error::PointOfSlices);
        }
        Ok(())
    }

    fn draw(&self, scene: &Scene, animated: bool) -> Result<Vec<u8>, Error> {
        if self.shown == Shown::ThreePlanes {
            let planes = ThreePlanes {
                through: self.through,
                window: self.window,
                overlay: self.overlay,
                tile: self.tile,
                title: self.title.clone(),
            };
            return Ok(planes.draw(scene)?.png()?);
        }
        let montage = Montage {
            plane: self.plane(),
            slices: self.slices.unwrap_or(Montage::default().slices),
            at: self
                .at
                .iter()
                .map(|slice| slice.saturating_sub(1))
                .collect(),
            window: self.window,
            overlay: self.overlay,
            tile: self.tile,
            columns: self.columns,
            title: self.title.clone(),
        };
        if !animated {
            return Ok(montage.draw(scene)?.png()?);
        }
        let animation = Animation {
            frames: self.slices.unwrap_or(Animation::default().frames),
            frame: montage,
            ..Animation::default()
        };
        Ok(animation.gif(scene)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let three = || ViewOptions {
            shown: Shown::ThreePlanes,
            ..ViewOptions::default()
        };
        assert!(ViewOptions::default().check(true).is_ok() && three().check(false).is_ok());
        assert!(matches!(three().check(true), Err(Error::AnimatedPlanes)));
        let mut options = three();
        options.at = vec![3];
        assert!(matches!(options.check(false), Err(Error::SlicesOfPlanes)));
        options = ViewOptions::default();
        options.through = Some([0; 3]);
        assert!(matches!(options.check(false), Err(Error::PointOfSlices)));
        options = ViewOptions::default();
        options.overlay.opacity = 1.5;
        let refused = options.check(false).unwrap_err().to_string();
        assert!(refused.contains("`opacity` is 1.5"), "{refused}");
    }
}
