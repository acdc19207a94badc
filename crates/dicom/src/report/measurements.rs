//! What a report holds of a segment, and its class.

use dicom_dictionary_std::uids;
use vesalius_filters::Diameter;

/// Numbers of the image within a segment, in the image's unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Intensity {
    /// Mean.
    pub mean: f64,
    /// Standard deviation; none for one value.
    pub deviation: Option<f64>,
    /// Median.
    pub median: f64,
    /// Smallest value.
    pub minimum: f64,
    /// Largest value.
    pub maximum: f64,
    /// How many values are not finite and do not count.
    pub not_finite: usize,
}

/// What was measured of a segment. What is unknown or not finite is left out of the report, never written as 0.
///
/// ```
/// use vesalius_dicom::Measurements;
///
/// let measured = Measurements { volume: Some(1520.5), ..Measurements::of(3) };
/// assert_eq!((measured.segment, measured.diameter), (3, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measurements {
    /// The segment's number in the segmentation.
    pub segment: u16,
    /// mm³
    pub volume: Option<f64>,
    /// Values of the image.
    pub intensity: Option<Intensity>,
    /// The longest diameter within a slice of the source.
    pub slice_diameter: Option<Diameter>,
    /// The longest diameter.
    pub diameter: Option<Diameter>,
}

impl Measurements {
    /// Of a segment of which nothing was measured.
    pub fn of(segment: u16) -> Self {
        Self {
            segment,
            ..Self::default()
        }
    }

    /// Whether no number of it can be written.
    pub(super) fn is_empty(&self) -> bool {
        let finite = |value: Option<f64>| value.is_some_and(f64::is_finite);
        let lengths = [self.slice_diameter, self.diameter].map(|d| d.map(|d| d.length));
        !finite(self.volume) && self.intensity.is_none() && !lengths.into_iter().any(finite)
    }
}

/// The class of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReportClass {
    /// Comprehensive SR, which more archives take; the ends of diameters within a slice are places on its image.
    #[default]
    Comprehensive,
    /// Comprehensive 3D SR, in which the longest diameters have their ends in space, too.
    Comprehensive3d,
}

impl ReportClass {
    pub(super) fn uid(self) -> &'static str {
        match self {
            Self::Comprehensive => uids::COMPREHENSIVE_SR_STORAGE,
            Self::Comprehensive3d => uids::COMPREHENSIVE3_DSR_STORAGE,
        }
    }
}
