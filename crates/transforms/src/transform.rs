//! The transforms, each with its YAML name, and a variant for user-defined ones.

use crate::pending::PendingTransforms;
use crate::{Context, CustomTransform, Result, Step};
use crate::{channels, control, grid, intensity, labels, sampling};
use rand_chacha::ChaCha8Rng;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use vesalius_registry::{Custom, Registry};

/// A transform that samples its steps, given a [`Context`].
pub(crate) trait Configured {
    /// Checks that every value is in range.
    fn check(&self) -> Result<()>;

    /// Whether two draws can differ.
    fn is_random(&self) -> bool {
        true
    }

    /// Whether it reads voxels, so that moves before it must be applied first.
    fn reads_values(&self) -> bool {
        false
    }

    /// Samples the steps; none when the draw leaves the case as it is.
    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>>;
}

/// A transform made of transforms.
pub(crate) trait Composed {
    /// Checks that every value is in range, in the parts as well.
    fn check(&self) -> Result<()>;

    /// Runs those parts that the draw chooses.
    fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()>;
}

macro_rules! transforms {
    (
        simple { $($(#[$simple_doc:meta])* $simple:ident($simple_type:ty) = $simple_key:literal,)* }
        composed { $($(#[$composed_doc:meta])* $composed:ident($composed_type:ty) = $composed_key:literal,)* }
    ) => {
        /// A configured transform: a distribution over [`Step`]s, written in YAML as one name with its
        /// keys, such as `- flip: {axes: [x, y], probability: 0.5}`, or as the name alone.
        ///
        /// ```
        /// use vesalius_transforms::{Axis, Flip, Transform};
        ///
        /// let flip: Transform = serde_saphyr::from_str("flip: {axes: [x], probability: 1}")?;
        /// let same = Transform::Flip(Flip { axes: vec![Axis::X], probability: 1.0 });
        /// assert_eq!(flip, same);
        /// assert_eq!(flip.name(), "flip");
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize)]
        pub enum Transform {
            $($(#[$simple_doc])* #[serde(rename = $simple_key)] $simple($simple_type),)*
            $($(#[$composed_doc])* #[serde(rename = $composed_key)] $composed($composed_type),)*
            /// A user-defined transform; see [`CustomTransform`].
            #[serde(rename = "custom")]
            Custom(Custom<dyn CustomTransform>),
        }

        impl Transform {
            /// The YAML names of all transforms.
            pub const NAMES: &'static [&'static str] = &[$($simple_key,)* $($composed_key,)* "custom"];

            /// The transform's YAML name; of a user-defined one, the name that it was given.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$simple(_) => $simple_key,)*
                    $(Self::$composed(_) => $composed_key,)*
                    Self::Custom(custom) => custom.name(),
                }
            }

            /// Checks that every value is in range.
            ///
            /// # Errors
            /// [`crate::Error::BadValue`], which names the transform and the key.
            pub fn check(&self) -> Result<()> {
                match self {
                    $(Self::$simple(t) => t.check(),)*
                    $(Self::$composed(t) => t.check(),)*
                    Self::Custom(custom) => custom.get()?.check(),
                }
            }

            /// Whether two draws can differ: such a transform belongs to augmentation, not preprocessing.
            pub fn is_random(&self) -> bool {
                match self {
                    $(Self::$simple(t) => t.is_random(),)*
                    $(Self::$composed(_) => true,)*
                    Self::Custom(custom) => custom.get().is_ok_and(|t| t.is_random()),
                }
            }

            /// Samples and applies its steps.
            pub(crate) fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
                match self {
                    $(Self::$simple(t) => run(t, work, rng),)*
                    $(Self::$composed(t) => t.run(work, rng),)*
                    Self::Custom(custom) => {
                        let transform = custom.get()?;
                        if transform.reads_values() {
                            work.materialise()?;
                        }
                        let steps = transform.sample(&work.context(), rng)?;
                        steps.into_iter().try_for_each(|step| work.push(step))
                    }
                }
            }

            fn named(name: &str) -> Option<Self> {
                match name {
                    $($simple_key => Some(Self::$simple(Default::default())),)*
                    $($composed_key => Some(Self::$composed(Default::default())),)*
                    _ => None,
                }
            }

            /// From its name and its keys. The value is read once into a plain form, so that this
            /// is compiled once and not again for every format and every crate that reads chains.
            fn read(name: &str, keys: serde_json::Value) -> std::result::Result<Option<Self>, serde_json::Error> {
                Ok(Some(match name {
                    $($simple_key => Self::$simple(serde_json::from_value(keys)?),)*
                    $($composed_key => Self::$composed(serde_json::from_value(keys)?),)*
                    "custom" => Self::Custom(serde_json::from_value(keys)?),
                    _ => return Ok(None),
                }))
            }
        }
    };
}

transforms! {
    simple {
        /// Turn the axes to named directions.
        Orient(grid::Orient) = "orient",
        /// Resample to a spacing.
        Spacing(grid::Spacing) = "spacing",
        /// Resample to a given grid.
        MatchGrid(grid::MatchGrid) = "match_grid",
        /// Resample to a number of voxels.
        Resize(grid::Resize) = "resize",
        /// Crop to labels or bright voxels.
        CropForeground(grid::CropForeground) = "crop_foreground",
        /// Crop to what is not zero.
        CropNonzero(grid::CropNonzero) = "crop_nonzero",
        /// Crop to the middle.
        CropCentre(grid::CropCentre) = "crop_centre",
        /// Crop to a box.
        CropRegion(grid::CropRegion) = "crop_region",
        /// Crop to multiples.
        CropDivisible(grid::CropDivisible) = "crop_divisible",
        /// Pad to a size or to multiples.
        Pad(grid::Pad) = "pad",
        /// Mirror along axes.
        Flip(grid::Flip) = "flip",
        /// Turn by quarter turns.
        Rotate90(grid::Rotate90) = "rotate90",
        /// Rotate, scale, shear, shift.
        Affine(grid::Affine) = "affine",
        /// Deform smoothly.
        Elastic(grid::Elastic) = "elastic",
        /// Stretch and squeeze cells.
        GridDistortion(grid::GridDistortion) = "grid_distortion",
        /// Enlarge or shrink on the same grid.
        Zoom(grid::Zoom) = "zoom",
        /// Simulate a lower resolution.
        LowResolution(grid::LowResolution) = "low_resolution",
        /// Cut a patch.
        Patch(sampling::PatchConfig) = "patch",
        /// Cut the patch of the draw's number.
        GridPatch(sampling::GridPatch) = "grid_patch",
        /// Cut a patch at a place drawn by a weight map.
        WeightedPatch(sampling::WeightedPatch) = "weighted_patch",
        /// Map a window of intensities to a range.
        Window(intensity::Window) = "window",
        /// Cut off intensities.
        Clip(intensity::Clip) = "clip",
        /// Map percentiles to a range.
        ScalePercentiles(intensity::ScalePercentiles) = "scale_percentiles",
        /// Map the least and the greatest value to a range.
        ScaleMinMax(intensity::ScaleMinMax) = "scale_min_max",
        /// Zero mean, unit standard deviation.
        ZScore(intensity::ZScore) = "z_score",
        /// nnU-Net's normalisation, one scheme per channel.
        NnUnetNormalization(intensity::NnUnetNormalization) = "nnunet_normalization",
        /// Match a reference's percentiles.
        MatchHistogram(intensity::MatchHistogram) = "match_histogram",
        /// Raise to a power.
        Gamma(intensity::Gamma) = "gamma",
        /// Stretch intensities about the mean.
        Contrast(intensity::Contrast) = "contrast",
        /// Multiply channels and add to them.
        Brightness(intensity::Brightness) = "brightness",
        /// Multiply by 1 + a random factor.
        ScaleIntensity(intensity::ScaleIntensity) = "scale_intensity",
        /// Add a random offset.
        ShiftIntensity(intensity::ShiftIntensity) = "shift_intensity",
        /// Add Gaussian noise.
        GaussianNoise(intensity::GaussianNoise) = "gaussian_noise",
        /// Add Rician noise.
        RicianNoise(intensity::RicianNoise) = "rician_noise",
        /// Blur.
        Blur(intensity::Blur) = "blur",
        /// Sharpen.
        Sharpen(intensity::Sharpen) = "sharpen",
        /// Shade smoothly.
        BiasField(intensity::BiasField) = "bias_field",
        /// Gibbs ringing at edges.
        Gibbs(intensity::Gibbs) = "gibbs",
        /// Stripes of a spike in k-space.
        KSpaceSpike(intensity::KSpaceSpike) = "k_space_spike",
        /// Change the histogram.
        HistogramShift(intensity::HistogramShift) = "histogram_shift",
        /// Blank random boxes.
        CoarseDropout(intensity::CoarseDropout) = "coarse_dropout",
        /// Blank one large box.
        CutOut(intensity::CutOut) = "cut_out",
        /// Renumber labels.
        Remap(labels::Remap) = "remap",
        /// Merge labels into regions.
        MergeRegions(labels::MergeRegions) = "merge_regions",
        /// Remove small components.
        DropSmall(labels::DropSmall) = "drop_small",
        /// A channel of weights near borders of labels.
        BoundaryWeights(channels::BoundaryWeights) = "boundary_weights",
        /// Add channels of one value.
        AddChannels(channels::AddChannels) = "add_channels",
        /// Select channels.
        SelectChannels(channels::SelectChannels) = "select_channels",
        /// A channel computed from two.
        ChannelArithmetic(channels::ChannelArithmetic) = "channel_arithmetic",
    }
    composed {
        /// One of several.
        OneOf(control::OneOf) = "one_of",
        /// Some of several.
        SomeOf(control::SomeOf) = "some_of",
        /// All or none.
        RandomApply(control::RandomApply) = "maybe",
        /// nnU-Net's augmentation of 3-D patches.
        NnUnet3d(control::NnUnet3d) = "nnunet_3d",
        /// nnU-Net's augmentation of slices.
        NnUnet2d(control::NnUnet2d) = "nnunet_2d",
        /// Auto3DSeg's for SegResNet.
        Auto3dSegSegResNet(control::Auto3dSegSegResNet) = "auto3dseg_segresnet",
        /// Auto3DSeg's for SegResNet2D.
        Auto3dSegSegResNet2d(control::Auto3dSegSegResNet2d) = "auto3dseg_segresnet2d",
        /// Auto3DSeg's for DiNTS.
        Auto3dSegDints(control::Auto3dSegDints) = "auto3dseg_dints",
        /// Auto3DSeg's for SwinUNETR.
        Auto3dSegSwinUnetr(control::Auto3dSegSwinUnetr) = "auto3dseg_swinunetr",
        /// A mild recipe.
        LightAugmentation(control::LightAugmentation) = "light",
    }
}

impl Transform {
    /// Makes the user-defined transforms that a file names, in the parts of composed ones as well.
    ///
    /// # Errors
    /// [`crate::Error::Registry`] for an unknown name, or options that the transform does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        let parts = match self {
            Self::Custom(custom) => return Ok(custom.resolve(registry)?),
            Self::Patch(patch) => return patch.resolve(registry),
            Self::OneOf(control::OneOf { of, .. })
            | Self::SomeOf(control::SomeOf { of, .. })
            | Self::RandomApply(control::RandomApply { of, .. }) => of,
            _ => return Ok(()),
        };
        parts.iter_mut().try_for_each(|part| part.resolve(registry))
    }
}

fn run(
    transform: &impl Configured,
    work: &mut PendingTransforms,
    rng: &mut ChaCha8Rng,
) -> Result<()> {
    if transform.reads_values() {
        work.materialise()?;
    }
    let steps = transform.sample(&work.context(), rng)?;
    steps.into_iter().try_for_each(|step| work.push(step))
}

impl<'de> Deserialize<'de> for Transform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Named;
        impl<'de> Visitor<'de> for Named {
            type Value = Transform;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("one transform: its name with its keys, such as `flip: {axes: [x]}`")
            }

            fn visit_str<E: serde::de::Error>(
                self,
                name: &str,
            ) -> std::result::Result<Transform, E> {
                Transform::named(name).ok_or_else(|| unknown(name))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Transform, A::Error> {
                let Some(name) = map.next_key::<String>()? else {
                    return Err(A::Error::custom("a transform without a name"));
                };
                let keys = map.next_value()?;
                let read = Transform::read(&name, keys).map_err(A::Error::custom)?;
                let transform = read.ok_or_else(|| unknown(&name))?;
                match map.next_key::<String>()? {
                    None => Ok(transform),
                    Some(more) => Err(A::Error::custom(format!(
                        "`{more}` beside `{name}`: each transform is an item of the list, with a dash of its own"
                    ))),
                }
            }
        }
        deserializer.deserialize_any(Named)
    }
}

fn unknown<E: serde::de::Error>(name: &str) -> E {
    E::custom(vesalius_volume::unknown_name(
        "transform",
        name,
        Transform::NAMES,
    ))
}
