//! One error that holds those of all crates, and what sort of thing went wrong in any of them.

use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// The result of a program over these crates.
pub type Result<T> = std::result::Result<T, Error>;

/// Any error of these crates, for programs that hold one; `?` makes it of each. The cargo features decide which
/// variants there are.
///
/// ```
/// use vesalius_volume::{ErrorKind, Geometry, Volume};
///
/// fn volume() -> vesalius_workflow::Result<Volume<f32>> {
///     let grid = Geometry::axis_aligned([2, 2, 2], [1.0; 3])?;
///     Ok(Volume::new(grid, 1, vec![0.0; 7])?)
/// }
/// let error = volume().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::BadInput);
/// assert_eq!(format!("{error:?}"), error.to_string());
/// ```
///
/// Its debug form is the sentence too, so that `fn main() -> vesalius::Result<()>` ends with words for people:
/// `Error: scan.nii.gz: …`. [`Error::kind`] and [`std::error::Error::source`] are for programs.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
    /// A volume, a grid, labels.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// An image file.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// The system.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// A filter.
    #[error("{0}")]
    Filters(#[from] vesalius_filters::Error),
    /// A user-defined type.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// A filter or resampling over files.
    #[error("{0}")]
    File(#[from] crate::FileError),
    /// A DICOM object.
    #[cfg(feature = "dicom")]
    #[error("{0}")]
    Dicom(#[from] vesalius_dicom::Error),
    /// Where a result goes.
    #[error("{0}")]
    Output(#[from] crate::output::Error),
    /// Several images as one subject.
    #[error("{0}")]
    Study(#[from] crate::study::Error),
    /// A file of an affine transform.
    #[error("{0}")]
    TransformFile(#[from] crate::transform_file::Error),
    /// A tensor, a device.
    #[cfg(feature = "infer")]
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// A network and its weights.
    #[cfg(feature = "infer")]
    #[error("{0}")]
    Networks(#[from] vesalius_networks::Error),
    /// A model folder, a segmentation.
    #[cfg(feature = "infer")]
    #[error("{0}")]
    Inferers(#[source] Box<vesalius_inferers::Error>),
    /// A dataset, a plan.
    #[cfg(feature = "infer")]
    #[error("{0}")]
    Planning(#[from] vesalius_planning::Error),
    /// Segmentation of files.
    #[cfg(feature = "infer")]
    #[error("{0}")]
    Predict(#[from] crate::predict::Error),
    /// Networks and weights by themselves.
    #[cfg(feature = "infer")]
    #[error("{0}")]
    Model(#[source] Box<crate::model::Error>),
    /// A look at the machine.
    #[cfg(feature = "infer")]
    #[error("{0}")]
    Doctor(#[from] crate::doctor::Error),
    /// A transform.
    #[cfg(any(feature = "infer", feature = "view"))]
    #[error("{0}")]
    Transforms(#[from] vesalius_transforms::Error),
    /// A measure.
    #[cfg(feature = "evaluate")]
    #[error("{0}")]
    Metrics(#[from] vesalius_metrics::Error),
    /// Evaluation of files.
    #[cfg(feature = "evaluate")]
    #[error("{0}")]
    Evaluate(#[source] Box<crate::evaluate::Error>),
    /// A picture.
    #[cfg(feature = "view")]
    #[error("{0}")]
    View(#[from] vesalius_view::Error),
    /// A picture of a file.
    #[cfg(feature = "view")]
    #[error("{0}")]
    ViewFile(#[from] crate::view::Error),
    /// A chain of transforms over files.
    #[cfg(feature = "view")]
    #[error("{0}")]
    Transform(#[from] crate::transform::Error),
    /// A loss.
    #[cfg(feature = "train")]
    #[error("{0}")]
    Losses(#[from] vesalius_losses::Error),
    /// A training.
    #[cfg(feature = "train")]
    #[error("{0}")]
    Training(#[source] Box<vesalius_training::Error>),
    /// Training of files.
    #[cfg(feature = "train")]
    #[error("{0}")]
    Train(#[source] Box<crate::train::Error>),
    /// A work folder.
    #[cfg(feature = "auto")]
    #[error("{0}")]
    Auto(#[source] Box<vesalius_auto::Error>),
    /// The stages of a work folder.
    #[cfg(feature = "auto")]
    #[error("{0}")]
    AutoStage(#[source] Box<crate::auto::Error>),
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// Large errors are boxed, so that a result of this error is small.
macro_rules! boxed {
    ($($feature:literal $variant:ident($type:ty);)*) => {
        $(
            #[cfg(feature = $feature)]
            impl From<$type> for Error {
                fn from(error: $type) -> Self {
                    Self::$variant(Box::new(error))
                }
            }
        )*
    };
}

boxed! {
    "infer" Inferers(vesalius_inferers::Error);
    "infer" Model(crate::model::Error);
    "evaluate" Evaluate(crate::evaluate::Error);
    "train" Training(vesalius_training::Error);
    "train" Train(crate::train::Error);
    "auto" AutoStage(crate::auto::Error);
    "auto" Auto(vesalius_auto::Error);
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Volume(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::System(error) => ErrorKind::of_io(error),
            Self::Filters(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::File(error) => error.kind(),
            #[cfg(feature = "dicom")]
            Self::Dicom(error) => error.kind(),
            Self::Output(error) => error.kind(),
            Self::Study(error) => error.kind(),
            Self::TransformFile(error) => error.kind(),
            #[cfg(feature = "infer")]
            Self::Tensor(error) => error.kind(),
            #[cfg(feature = "infer")]
            Self::Networks(error) => error.kind(),
            #[cfg(feature = "infer")]
            Self::Inferers(error) => error.kind(),
            #[cfg(feature = "infer")]
            Self::Planning(error) => error.kind(),
            #[cfg(feature = "infer")]
            Self::Predict(error) => error.kind(),
            #[cfg(feature = "infer")]
            Self::Model(error) => error.kind(),
            #[cfg(feature = "infer")]
            Self::Doctor(error) => error.kind(),
            #[cfg(any(feature = "infer", feature = "view"))]
            Self::Transforms(error) => error.kind(),
            #[cfg(feature = "evaluate")]
            Self::Metrics(error) => error.kind(),
            #[cfg(feature = "evaluate")]
            Self::Evaluate(error) => error.kind(),
            #[cfg(feature = "view")]
            Self::View(error) => error.kind(),
            #[cfg(feature = "view")]
            Self::ViewFile(error) => error.kind(),
            #[cfg(feature = "view")]
            Self::Transform(error) => error.kind(),
            #[cfg(feature = "train")]
            Self::Losses(error) => error.kind(),
            #[cfg(feature = "train")]
            Self::Training(error) => error.kind(),
            #[cfg(feature = "train")]
            Self::Train(error) => error.kind(),
            #[cfg(feature = "auto")]
            Self::Auto(error) => error.kind(),
            #[cfg(feature = "auto")]
            Self::AutoStage(error) => error.kind(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_that_of_the_cause_however_deep() {
        let kind = |error: Error| error.kind();
        assert_eq!(kind(Cancelled.into()), ErrorKind::Cancelled);
        let missing = || vesalius_io::read("absent/scan.nii.gz").unwrap_err();
        assert_eq!(kind(missing().into()), ErrorKind::NotFound);
        let within = crate::study::Error::Io(missing());
        assert_eq!(within.kind(), ErrorKind::NotFound);
        assert_eq!(kind(within.into()), ErrorKind::NotFound);
        let empty = crate::study::read_channels(&[]).unwrap_err();
        assert_eq!(kind(empty.into()), ErrorKind::BadInput);
    }

    #[cfg(feature = "infer")]
    #[test]
    fn models_say_what_sort_of_thing_is_wrong() {
        let absent = vesalius_inferers::Segmenter::open("absent").unwrap_err();
        assert_eq!(Error::from(absent).kind(), ErrorKind::NotFound);
        let full = vesalius_tensor::Error::of_device("CUDA_ERROR_OUT_OF_MEMORY: out of memory");
        let full = vesalius_inferers::Error::from(full);
        assert_eq!(Error::from(full).kind(), ErrorKind::OutOfMemory);
        let cancelled = vesalius_networks::Error::from(Cancelled);
        let cancelled = vesalius_inferers::Error::from(cancelled);
        assert!(matches!(cancelled, vesalius_inferers::Error::Cancelled(_)));
        assert_eq!(Error::from(cancelled).kind(), ErrorKind::Cancelled);
    }
}
