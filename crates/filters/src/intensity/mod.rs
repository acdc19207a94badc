//! Changing intensities: ranges, normalisation, histograms, thresholds, bias fields.

mod clahe;
mod clahe_scikit;
mod histogram;
mod matching;
mod n4;
mod n4_spline;
mod otsu;
mod range;

pub use clahe::{ClaheOptions, clahe};
pub use clahe_scikit::{ScikitImageClaheOptions, clahe_scikit_image};
pub use histogram::percentile;
pub use matching::{HistogramMatchingOptions, match_histogram};
pub use n4::{N4Options, N4Result, n4_bias_field_correction, n4_bias_field_correction_with};
pub use otsu::{multi_otsu_labels, multi_otsu_thresholds, otsu_threshold};
pub use range::{Deviation, clip, normalise, rescale_intensity, threshold, window};
