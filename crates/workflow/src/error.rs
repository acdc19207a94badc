//! One error that holds those of all crates, and what sort of thing went wrong in any of them.

use std::error::Error as StdError;
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
/// assert_eq!(volume().unwrap_err().kind(), ErrorKind::BadInput);
/// ```
#[derive(Debug, thiserror::Error)]
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
    /// A type of the user's own.
    #[error("{0}")]
    Registry(#[from] vesalius_registry::Error),
    /// A filter over files.
    #[error("{0}")]
    FilterFile(#[from] crate::filter::Error),
    /// Resampling of files.
    #[error("{0}")]
    Resample(#[from] crate::resample::FileError),
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

/// Large errors stand in a box, so that a result of this error is small.
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

/// The kind of the first error among one and its causes that has one; of others, that their input makes no sense.
pub(crate) fn kind_of(error: &(dyn StdError + 'static)) -> ErrorKind {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(kind) = known(error) {
            return kind;
        }
        cause = error.source();
    }
    ErrorKind::BadInput
}

/// The kind of one error, its causes left out.
fn known(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    macro_rules! of {
        ($($type:ty),* $(,)?) => {
            $(if let Some(error) = error.downcast_ref::<$type>() {
                return Some(error.kind());
            })*
        };
    }
    if error.is::<Cancelled>() {
        return Some(ErrorKind::Cancelled);
    }
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        return Some(ErrorKind::of_io(error));
    }
    of!(
        vesalius_volume::Error,
        vesalius_filters::Error,
        vesalius_registry::Error
    );
    #[cfg(feature = "infer")]
    of!(
        vesalius_tensor::Error,
        vesalius_networks::Error,
        vesalius_inferers::Error,
        Box<vesalius_inferers::Error>,
        vesalius_planning::Error,
        crate::predict::Error,
    );
    #[cfg(any(feature = "infer", feature = "view"))]
    of!(vesalius_transforms::Error);
    #[cfg(feature = "evaluate")]
    of!(vesalius_metrics::Error);
    #[cfg(feature = "view")]
    of!(vesalius_view::Error);
    #[cfg(feature = "train")]
    {
        of!(vesalius_training::Error);
        if let Some(crate::train::Error::Stopped(_)) = error.downcast_ref() {
            return Some(ErrorKind::Cancelled);
        }
    }
    #[cfg(feature = "auto")]
    of!(vesalius_auto::Error, Box<vesalius_auto::Error>);
    None
}

macro_rules! kinds {
    ($($(#[$feature:meta])? $type:ty),* $(,)?) => {
        $($(#[$feature])?
        impl $type {
            /// What sort of thing went wrong.
            pub fn kind(&self) -> ErrorKind {
                kind_of(self)
            }
        })*
    };
}

kinds!(
    Error,
    crate::filter::Error,
    crate::resample::FileError,
    crate::study::Error,
    crate::transform_file::Error,
    #[cfg(feature = "infer")]
    crate::model::Error,
    #[cfg(feature = "evaluate")]
    crate::evaluate::Error,
    #[cfg(feature = "view")]
    crate::view::Error,
    #[cfg(feature = "view")]
    crate::transform::Error,
    #[cfg(feature = "train")]
    crate::train::Error,
    #[cfg(feature = "auto")]
    crate::auto::Error,
);

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
        let empty = crate::study::read_modalities(&[]).unwrap_err();
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
