//! How images are read: the arguments that every command on image files shares, as options of the
//! library.

use crate::interrupt::followed;
use crate::warnings;
use vesalius::inferers::ByteSize;
use vesalius::io::{
    ArrayAxes, ColorAs, ComplexAs, DicomOptions, FourthAxis, LabelChannels, NiftiForm, OnWarning,
    ReadOptions, Suv, Tilt, UnevenSlices, VolumeChoice,
};

/// The heading of options of reading. It is at each option, as a heading of all would hold for later ones too.
pub const READING: &str = "Reading images";

/// Options for files that lack a part of a volume's geometry.
#[derive(clap::Args)]
pub struct Reading {
    /// The spacing in mm of files without the position of their voxels
    #[arg(long, help_heading = READING, value_name = "X,Y,Z", value_parser = spacing, allow_hyphen_values = true)]
    assume_spacing: Option<[f64; 3]>,
    /// Keep the shear of a tilted gantry in the affine
    #[arg(long, help_heading = READING)]
    keep_shear: bool,
    /// Resample the slices of a tilted gantry to right angles
    #[arg(long, help_heading = READING, conflicts_with = "keep_shear")]
    untilt: bool,
    /// Bring DICOM slices at unequal gaps to equal ones, linearly
    #[arg(long, help_heading = READING)]
    interpolate_slices: bool,
    /// Round to whole numbers: values between slices, labels that are not whole, what is stored in a whole type
    #[arg(long, help_heading = READING)]
    round: bool,
    /// Invert images in which low values are bright (MONOCHROME1)
    #[arg(long, help_heading = READING)]
    invert: bool,
    /// Read a PET series as standardised uptake values, for this size of the body
    #[arg(long, help_heading = READING, value_name = "SIZE", value_enum)]
    suv: Option<BodySize>,
    /// One volume of a DICOM series that has several: its name or number; `all` for all, as channels
    #[arg(long, help_heading = READING, value_name = "NAME", visible_alias = "volumes")]
    volume: Option<String>,
    /// Which position of a NIfTI file counts where it has two
    #[arg(long, help_heading = READING, value_name = "FORM", value_enum)]
    form: Option<Form>,
    /// What colours become
    #[arg(long, help_heading = READING, value_name = "HOW", value_enum)]
    color: Option<Color>,
    /// What complex numbers become
    #[arg(long, help_heading = READING, value_name = "HOW", value_enum)]
    complex: Option<Complex>,
    /// The layer of a label map that has several, from 0
    #[arg(long, help_heading = READING, value_name = "N", allow_hyphen_values = true)]
    layer: Option<usize>,
    /// How channels become one label map: one-hot masks, or the largest of probabilities
    #[arg(long, help_heading = READING, value_name = "HOW", value_enum, conflicts_with = "layer")]
    label_channels: Option<Combination>,
    /// The array of a .npz file that has several
    #[arg(long, help_heading = READING, value_name = "NAME")]
    array: Option<String>,
    /// The order of the axes of a NumPy array
    #[arg(long, help_heading = READING, value_name = "ORDER", value_enum)]
    array_axes: Option<Axes>,
}

/// `--form`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    /// The sform
    Sform,
    /// The qform
    Qform,
}

/// `--suv`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum BodySize {
    /// Body weight, g/ml
    BodyWeight,
    /// Lean body mass as in QIBA's pseudocode, g/ml
    LeanBodyMass,
    /// Lean body mass by James, g/ml
    LeanBodyMassJames,
    /// Lean body mass by Janmahasatian, g/ml
    LeanBodyMassJanmahasatian,
    /// Body surface by Du Bois, cm²/ml
    BodySurface,
    /// Ideal body weight, g/ml
    IdealBodyWeight,
}

impl From<BodySize> for Suv {
    fn from(size: BodySize) -> Self {
        match size {
            BodySize::BodyWeight => Self::BodyWeight,
            BodySize::LeanBodyMass => Self::LeanBodyMass,
            BodySize::LeanBodyMassJames => Self::LeanBodyMassJames128,
            BodySize::LeanBodyMassJanmahasatian => Self::LeanBodyMassJanmahasatian,
            BodySize::BodySurface => Self::BodySurfaceArea,
            BodySize::IdealBodyWeight => Self::IdealBodyWeight,
        }
    }
}

/// `--color`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Color {
    /// One channel of brightness
    Luminance,
    /// A channel for each
    Channels,
}

/// `--complex`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Complex {
    /// Absolute values
    Magnitude,
    /// Angles from -π to π
    Phase,
    /// Real and imaginary part
    Channels,
}

/// `--label-channels`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Combination {
    /// Channel N is the mask of label N, from 1
    OneHot,
    /// Channel N is the probability of label N, from 0
    Largest,
}

/// `--array-axes`.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Axes {
    /// `array[x, y, z]`, as nibabel's arrays
    Xyz,
    /// `array[z, y, x]`, as SimpleITK's arrays
    Zyx,
}

impl Reading {
    /// The library's options, with these decisions.
    pub fn options(&self) -> ReadOptions {
        let all = self.volume.as_deref() == Some("all");
        ReadOptions {
            assume_spacing: self.assume_spacing,
            form: match self.form {
                None => NiftiForm::Automatic,
                Some(Form::Sform) => NiftiForm::Sform,
                Some(Form::Qform) => NiftiForm::Qform,
            },
            fourth_axis: match all {
                true => FourthAxis::Channels,
                false => FourthAxis::Refuse,
            },
            layer: self.layer,
            round: self.round,
            array: self.array.clone(),
            volume: match &self.volume {
                None => VolumeChoice::Only,
                Some(_) if all => VolumeChoice::All,
                Some(name) => VolumeChoice::Named(name.clone()),
            },
            dicom: self.dicom(),
            on_warning: match warnings::strict() {
                true => OnWarning::Refuse,
                false => OnWarning::Collect,
            },
            ..self.numbers()
        }
    }

    /// How slices become a volume.
    fn dicom(&self) -> DicomOptions {
        DicomOptions {
            uneven_slices: match self.interpolate_slices {
                true => UnevenSlices::Interpolate,
                false => UnevenSlices::Refuse,
            },
            tilt: match (self.untilt, self.keep_shear) {
                (true, _) => Tilt::Untilt,
                (false, true) => Tilt::KeepShear,
                (false, false) => Tilt::Refuse,
            },
            invert: self.invert,
            suv: self.suv.map(Into::into),
        }
    }

    /// What becomes of colours, complex numbers, channels of labels and arrays.
    fn numbers(&self) -> ReadOptions {
        ReadOptions {
            color: match self.color {
                None => ColorAs::Refuse,
                Some(Color::Luminance) => ColorAs::Luminance,
                Some(Color::Channels) => ColorAs::Channels,
            },
            complex: match self.complex {
                None => ComplexAs::Refuse,
                Some(Complex::Magnitude) => ComplexAs::Magnitude,
                Some(Complex::Phase) => ComplexAs::Phase,
                Some(Complex::Channels) => ComplexAs::Channels,
            },
            label_channels: match self.label_channels {
                None => LabelChannels::Refuse,
                Some(Combination::OneHot) => LabelChannels::OneHot,
                Some(Combination::Largest) => LabelChannels::Largest,
            },
            array_axes: match self.array_axes {
                None | Some(Axes::Xyz) => ArrayAxes::Xyz,
                Some(Axes::Zyx) => ArrayAxes::Zyx,
            },
            ..ReadOptions::default()
        }
    }
}

/// The same, and a limit on memory.
#[derive(clap::Args)]
pub struct GeometryInput {
    #[command(flatten)]
    reading: Reading,
    /// The most memory that the voxels may take, such as 32GiB [default: 16GiB]
    #[arg(long, help_heading = READING, value_name = "SIZE", value_parser = bytes, allow_hyphen_values = true)]
    max_memory: Option<u64>,
}

impl GeometryInput {
    /// The library's options, with these decisions; Ctrl-C stops the reading.
    pub fn options(&self) -> ReadOptions {
        let usual = self.reading.options().control(followed());
        ReadOptions {
            max_bytes: self.max_memory.unwrap_or(usual.max_bytes),
            ..usual
        }
    }

    /// The same, with a fourth axis as channels where that is asked for.
    fn with_channels(&self, channels: bool) -> ReadOptions {
        let usual = self.options();
        ReadOptions {
            fourth_axis: match channels {
                true => FourthAxis::Channels,
                false => usual.fourth_axis,
            },
            ..usual
        }
    }
}

/// Which image of several, and what a fourth axis is.
#[derive(clap::Args)]
pub struct ImageInput {
    /// The DICOM series to read: its UID, number or description, with /PART where it has parts
    #[arg(long, help_heading = READING, value_name = "SERIES")]
    series: Option<String>,
    /// Take a fourth axis as channels; it might also be time
    #[arg(long, help_heading = READING)]
    channels: bool,
    #[command(flatten)]
    geometry: GeometryInput,
}

impl ImageInput {
    /// The library's options, with these decisions.
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            series: self.series.clone(),
            ..self.geometry.with_channels(self.channels)
        }
    }
}

/// Which series of several become channels, and what a fourth axis is.
#[derive(clap::Args)]
pub struct SeriesInput {
    /// The DICOM series to read: its UID, number or description, with /PART where it has parts;
    /// given more than once, the series become channels on the grid of the first
    #[arg(long, help_heading = READING, value_name = "SERIES")]
    pub series: Vec<String>,
    /// Take a fourth axis as channels; it might also be time
    #[arg(long, help_heading = READING)]
    channels: bool,
    #[command(flatten)]
    geometry: GeometryInput,
}

impl SeriesInput {
    /// The library's options for the series named, or for the only one.
    pub fn options(&self, series: Option<&String>) -> ReadOptions {
        ReadOptions {
            series: series.cloned(),
            ..self.geometry.with_channels(self.channels)
        }
    }

    /// Whether real numbers are rounded where the output's type has only whole ones.
    pub fn round(&self) -> bool {
        self.geometry.reading.round
    }
}

fn spacing(text: &str) -> Result<[f64; 3], String> {
    let numbers: Vec<f64> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect::<Option<_>>()
        .unwrap_or_default();
    <[f64; 3]>::try_from(numbers)
        .ok()
        .filter(|spacing| spacing.iter().all(|s| s.is_finite() && *s > 0.0))
        .ok_or_else(|| "expected three positive numbers in mm, such as 0.8,0.8,2.5".to_owned())
}

fn bytes(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>().map(|bytes| bytes.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacings_and_sizes_are_read_or_refused() {
        assert_eq!(spacing("0.8, 1,2.5"), Ok([0.8, 1.0, 2.5]));
        for text in ["1,1", "1,1,0", "1,1,x", "1,1,1,1", "1,1,inf", ""] {
            assert!(spacing(text).is_err(), "{text}");
        }
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("100B"), Ok(100));
        for text in ["100", "GiB", "-1GiB", "4GX"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
