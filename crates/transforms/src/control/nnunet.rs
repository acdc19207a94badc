//! nnU-Net's augmentation, read from `nnunetv2` 2.8.1 (`nnUNetTrainer.get_training_transforms`).

use super::run_all;
use crate::config::{config, require};
use crate::map::{LabelSampling, PaddingMode};
use crate::pending::PendingTransforms;
use crate::transform::Composed;
use crate::{
    Affine, AffineSpace, Axis, Blur, Brightness, Contrast, CropCentre, Flip, Gamma, GaussianNoise,
    LowResolution, Result, Transform,
};
use rand_chacha::ChaCha8Rng;

config! {
    /// nnU-Net's augmentation of 3-D patches. A patch that is larger than `size` is rotated first and
    /// then cropped to the middle, so that its corners hold tissue.
    NnUnet3d, "nnunet_3d", {
        /// Voxels along `[x, y, z]` that are left; -1 keeps an axis.
        size: [i64; 3] = [-1; 3],
        /// Largest rotation about each axis, in degrees.
        rotate: f64 = 30.0,
        /// The axes that may be mirrored.
        mirror: Vec<Axis> = vec![Axis::X, Axis::Y, Axis::Z],
        /// For patches much thicker than wide (nnU-Net's dummy 2-D): the axis that rotation, scale and low
        /// resolution leave alone; rotation is up to 180 degrees then.
        through: Option<Axis> = None,
    }
}

config! {
    /// nnU-Net's augmentation of slices, which lie across z.
    NnUnet2d, "nnunet_2d", {
        /// Voxels along `[x, y, z]` that are left; -1 keeps an axis.
        size: [i64; 3] = [-1; 3],
        /// Largest rotation in the plane, in degrees; nnU-Net takes 15 where one side of the patch is more
        /// than 1.5 times the other.
        rotate: f64 = 180.0,
        /// The axes that may be mirrored.
        mirror: Vec<Axis> = vec![Axis::X, Axis::Y],
    }
}

impl NnUnet3d {
    /// What the recipe consists of.
    ///
    /// ```
    /// use vesalius_transforms::NnUnet3d;
    ///
    /// let names: Vec<String> = NnUnet3d::default().transforms().iter().map(|t| t.name().to_owned()).collect();
    /// assert!(names.contains(&"gaussian_noise".to_owned()) && names.contains(&"gamma".to_owned()));
    /// ```
    pub fn transforms(&self) -> Vec<Transform> {
        let rotate = match self.through {
            None => [self.rotate; 3],
            Some(axis) => {
                let mut rotate = [0.0; 3];
                rotate[axis.index()] = 180.0;
                rotate
            }
        };
        recipe(rotate, self.through, self.size, &self.mirror)
    }
}

impl NnUnet2d {
    /// What the recipe consists of.
    pub fn transforms(&self) -> Vec<Transform> {
        recipe(
            [0.0, 0.0, self.rotate],
            Some(Axis::Z),
            self.size,
            &self.mirror,
        )
    }
}

fn recipe(
    rotate: [f64; 3],
    through: Option<Axis>,
    size: [i64; 3],
    mirror: &[Axis],
) -> Vec<Transform> {
    let affine = Affine {
        rotate,
        rotate_probability: 0.2,
        scale: [0.7, 1.4],
        scale_probability: 0.2,
        still: through,
        space: AffineSpace::Voxels,
        labels: LabelSampling::Linear,
        outside: PaddingMode::Zeros,
        ..Affine::default()
    };
    vec![
        Transform::Affine(affine),
        Transform::CropCentre(CropCentre { size }),
        Transform::GaussianNoise(GaussianNoise::default()),
        Transform::Blur(Blur::default()),
        Transform::Brightness(Brightness::default()),
        Transform::Contrast(Contrast::default()),
        Transform::LowResolution(LowResolution {
            keep: through.into_iter().collect(),
            ..LowResolution::default()
        }),
        Transform::Gamma(Gamma {
            inverted: true,
            probability: 0.1,
            ..Gamma::default()
        }),
        Transform::Gamma(Gamma::default()),
        Transform::Flip(Flip {
            axes: mirror.to_vec(),
            probability: 0.5,
        }),
    ]
}

impl Composed for NnUnet3d {
    fn check(&self) -> Result<()> {
        require(
            (0.0..=180.0).contains(&self.rotate),
            Self::NAME,
            "rotate",
            self.rotate,
            "0 to 180 degrees",
        )?;
        self.transforms().iter().try_for_each(Transform::check)
    }

    fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
        run_all(&self.transforms(), work, rng)
    }
}

impl Composed for NnUnet2d {
    fn check(&self) -> Result<()> {
        require(
            (0.0..=180.0).contains(&self.rotate),
            Self::NAME,
            "rotate",
            self.rotate,
            "0 to 180 degrees",
        )?;
        self.transforms().iter().try_for_each(Transform::check)
    }

    fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
        run_all(&self.transforms(), work, rng)
    }
}
