//! The augmentation of Auto3DSeg's four algorithms, after MONAI's algorithm templates.
//!
//! The templates are not part of MONAI's package; these follow their published settings and are not
//! compared with them number by number.

use super::run_all;
use crate::config::config;
use crate::map::PaddingMode;
use crate::pending::PendingTransforms;
use crate::transform::Composed;
use crate::{
    Affine, AffineSpace, Axis, Blur, Flip, GaussianNoise, Result, Rotate90, ScaleIntensity,
    ShiftIntensity, Transform, Zoom,
};
use rand_chacha::ChaCha8Rng;

macro_rules! recipe {
    ($(#[$meta:meta])* $name:ident, $key:literal, $transforms:expr) => {
        config! {
            $(#[$meta])*
            $name, $key, {
                /// The axes that may be mirrored.
                mirror: Vec<Axis> = vec![Axis::X, Axis::Y, Axis::Z],
            }
        }

        impl $name {
            /// What the recipe consists of.
            pub fn transforms(&self) -> Vec<Transform> {
                let make: fn(&[Axis]) -> Vec<Transform> = $transforms;
                make(&self.mirror)
            }
        }

        impl Composed for $name {
            fn check(&self) -> Result<()> {
                self.transforms().iter().try_for_each(Transform::check)
            }

            fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
                run_all(&self.transforms(), work, rng)
            }
        }
    };
}

recipe! {
    /// SegResNet's: affine, blur, intensities, noise, mirrors.
    Auto3dSegSegResNet, "auto3dseg_segresnet", |mirror| segresnet(mirror, [0.26; 3], None)
}

recipe! {
    /// SegResNet2D's: as SegResNet's, in the plane across z.
    Auto3dSegSegResNet2d, "auto3dseg_segresnet2d", |mirror| segresnet(mirror, [0.0, 0.0, 0.26], Some(Axis::Z))
}

recipe! {
    /// DiNTS's: rotation, zoom, blur, intensities, noise, mirrors.
    Auto3dSegDints, "auto3dseg_dints", |mirror| vec![
        Transform::Affine(affine([0.3; 3], [1.0, 1.0], 0.2)),
        Transform::Zoom(Zoom { factor: [0.8, 1.2], probability: 0.2, ..Zoom::default() }),
        Transform::Blur(Blur { sigma: [0.5, 1.15], channel_probability: 1.0, probability: 0.15, ..Blur::default() }),
        Transform::ScaleIntensity(ScaleIntensity { factor: 0.3, probability: 0.5 }),
        Transform::ShiftIntensity(ShiftIntensity { offset: 0.1, probability: 0.5 }),
        Transform::GaussianNoise(GaussianNoise { deviation: 0.01, probability: 0.15 }),
        flip(mirror, 0.5),
    ]
}

recipe! {
    /// SwinUNETR's: mirrors, quarter turns, intensities.
    Auto3dSegSwinUnetr, "auto3dseg_swinunetr", |mirror| vec![
        flip(mirror, 0.2),
        Transform::Rotate90(Rotate90 { probability: 0.2, ..Rotate90::default() }),
        Transform::ScaleIntensity(ScaleIntensity { factor: 0.1, probability: 0.1 }),
        Transform::ShiftIntensity(ShiftIntensity { offset: 0.1, probability: 0.1 }),
    ]
}

fn segresnet(mirror: &[Axis], radians: [f64; 3], still: Option<Axis>) -> Vec<Transform> {
    vec![
        Transform::Affine(Affine {
            isotropic: false,
            still,
            ..affine(radians, [0.8, 1.2], 0.2)
        }),
        Transform::Blur(Blur {
            channel_probability: 1.0,
            probability: 0.2,
            ..Blur::default()
        }),
        Transform::ScaleIntensity(ScaleIntensity {
            factor: 0.3,
            probability: 0.5,
        }),
        Transform::ShiftIntensity(ShiftIntensity {
            offset: 0.1,
            probability: 0.5,
        }),
        Transform::GaussianNoise(GaussianNoise {
            deviation: 0.1,
            probability: 0.2,
        }),
        flip(mirror, 0.5),
    ]
}

fn affine(radians: [f64; 3], scale: [f64; 2], probability: f64) -> Affine {
    Affine {
        rotate: radians.map(f64::to_degrees),
        scale,
        probability,
        space: AffineSpace::Voxels,
        outside: PaddingMode::Edge,
        ..Affine::default()
    }
}

fn flip(axes: &[Axis], probability: f64) -> Transform {
    Transform::Flip(Flip {
        axes: axes.to_vec(),
        probability,
    })
}
