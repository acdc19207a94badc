//! Made volumes for first steps and tests: spheres of several classes in noise, on oblique grids, in
//! the manner of MONAI's `create_test_image_3d`.

use crate::Result;
use rand::RngExt;
use vesalius_transforms::{Stream, keyed};
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

/// The form of the made volumes.
///
/// ```
/// use vesalius_training::synthetic::Spheres;
///
/// let made = Spheres::default().subject(1, 0)?;
/// let labels = made.labels().unwrap();
/// assert_eq!(labels.counts().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
/// // The same seed and number give the same volume.
/// assert_eq!(Spheres::default().subject(1, 0)?.image().data(), made.image().data());
/// # Ok::<(), vesalius_training::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Spheres {
    /// Smallest and largest number of voxels along each axis.
    pub size: [usize; 2],
    /// Number of foreground classes; class k has the mean intensity k / classes.
    pub classes: u16,
    /// Smallest and largest number of spheres of each class.
    pub count: [usize; 2],
    /// Smallest and largest radius in voxels.
    pub radius: [f64; 2],
    /// Half the width of the uniform noise.
    pub noise: f32,
}

impl Default for Spheres {
    fn default() -> Self {
        Self {
            size: [30, 64],
            classes: 3,
            count: [2, 4],
            radius: [4.0, 9.0],
            noise: 0.2,
        }
    }
}

impl Spheres {
    /// The volume with this number; the same seed and number give the same volume. Where spheres meet,
    /// the later one lies in front.
    ///
    /// # Errors
    /// None for sensible settings; a size of zero gives an empty geometry.
    pub fn subject(&self, seed: u64, number: u64) -> Result<Subject> {
        let mut rng = keyed(seed, number, Stream::Other(0));
        let size: [usize; 3] =
            std::array::from_fn(|_| rng.random_range(self.size[0]..=self.size[1]));
        let spacing: [f64; 3] = std::array::from_fn(|_| rng.random_range(0.8..1.5));
        let origin: [f64; 3] = std::array::from_fn(|_| rng.random_range(-80.0..80.0));
        let angles: [f64; 3] = std::array::from_fn(|_| rng.random_range(-0.4..0.4));
        let geometry = Geometry::from_parts(size, spacing, origin, rotation(angles))?;
        let mut labels = LabelMap::background(geometry);
        for class in 1..=self.classes {
            for _ in 0..rng.random_range(self.count[0]..=self.count[1]) {
                let radius = rng.random_range(self.radius[0]..=self.radius[1]);
                let centre: [f64; 3] = std::array::from_fn(|i| {
                    let margin = radius.min(size[i] as f64 / 2.0 - 1.0);
                    rng.random_range(margin..=size[i] as f64 - 1.0 - margin)
                });
                paint(&mut labels, centre, radius, class);
            }
        }
        let classes = f32::from(self.classes);
        let image = labels
            .data()
            .iter()
            .map(|&class| f32::from(class) / classes + rng.random_range(-self.noise..=self.noise))
            .collect();
        Ok(Subject::new(
            format!("spheres_{number:03}"),
            Volume::new(geometry, 1, image)?,
            Some(labels),
        )?)
    }
}

fn paint(labels: &mut LabelMap, centre: [f64; 3], radius: f64, class: u16) {
    let geometry = *labels.geometry();
    for (offset, label) in labels.data_mut().iter_mut().enumerate() {
        let index = geometry.index(offset);
        let squared: f64 = (0..3).map(|i| (index[i] as f64 - centre[i]).powi(2)).sum();
        if squared <= radius * radius {
            *label = class;
        }
    }
}

/// Rotation about x, then y, then z, in radians.
fn rotation([a, b, c]: [f64; 3]) -> [[f64; 3]; 3] {
    let ((sa, ca), (sb, cb), (sc, cc)) = (a.sin_cos(), b.sin_cos(), c.sin_cos());
    [
        [cb * cc, sa * sb * cc - ca * sc, ca * sb * cc + sa * sc],
        [cb * sc, sa * sb * sc + ca * cc, ca * sb * sc - sa * cc],
        [-sb, sa * cb, ca * cb],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_repeat_and_hold_every_class() {
        let spheres = Spheres::default();
        for number in 0..4 {
            let subject = spheres.subject(7, number).unwrap();
            assert_eq!(subject, spheres.subject(7, number).unwrap());
            let size = subject.geometry().size();
            assert!(size.iter().all(|n| (30..=64).contains(n)));
            assert!(subject.labels().unwrap().counts().len() >= 3);
        }
        assert_ne!(
            spheres.subject(7, 0).unwrap(),
            spheres.subject(8, 0).unwrap()
        );
    }
}
