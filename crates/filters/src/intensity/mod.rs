//! Changing intensities: ranges, normalisation, histograms, thresholds, bias fields.

mod clahe;
mod clahe_scikit;
mod histogram;
mod matching;
mod n4;
mod n4_spline;
mod otsu;
mod range;

pub use clahe::{ClaheOptions, clahe, clahe_with};
pub use clahe_scikit::{ScikitImageClaheOptions, clahe_scikit_image, clahe_scikit_image_with};
pub use histogram::percentile;
pub use matching::{HistogramMatchingOptions, match_histogram, match_histogram_with};
pub use n4::{N4Options, N4Result, n4_bias_field_correction, n4_bias_field_correction_with};
pub use otsu::{
    multi_otsu_labels, multi_otsu_labels_with, multi_otsu_thresholds, multi_otsu_thresholds_with,
    otsu_threshold,
};
pub use range::{Deviation, clip, normalise, normalise_with, rescale_intensity, threshold, window};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use vesalius_volume::{Geometry, LabelMap, Volume};

    #[test]
    fn bins_tiles_and_spans_beyond_use_or_memory_are_refused() {
        let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (1 + x + 4 * y + 12 * z) as f32);
        for huge in [usize::MAX, 1 << 40, 0] {
            let options = HistogramMatchingOptions {
                levels: huge,
                ..Default::default()
            };
            let refused = match_histogram(&image, &image, &options);
            assert!(matches!(refused, Err(Error::BadOption { .. })), "{huge}");
            let options = ClaheOptions {
                bins: huge,
                ..Default::default()
            };
            let refused = clahe(&image, &options);
            assert!(matches!(refused, Err(Error::BadOption { .. })), "{huge}");
            let options = ScikitImageClaheOptions {
                tile: Some([2, huge, 2]),
                ..Default::default()
            };
            let refused = clahe_scikit_image(&image, &options);
            assert!(matches!(refused, Err(Error::BadOption { .. })), "{huge}");
        }
        let options = HistogramMatchingOptions {
            match_points: usize::MAX,
            ..Default::default()
        };
        let refused = match_histogram(&image, &image, &options);
        assert!(matches!(refused, Err(Error::BadOption { .. })));
        let options = N4Options {
            spans: [256; 3],
            iterations: vec![1; 8],
            ..Default::default()
        };
        let refused = n4_bias_field_correction(&image, None::<&LabelMap>, &options);
        assert!(matches!(refused, Err(Error::Volume(_))));
    }
}
