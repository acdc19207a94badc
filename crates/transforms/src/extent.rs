//! Sizes that follow from a config alone: how many voxels a chain leaves of a patch.
//! What a transform does to the voxels is in its own file.

use crate::grid::ResizeTo;
use crate::{Chain, Transform};

impl Chain {
    /// The voxels `[x, y, z]` that the chain leaves of a patch of `size`; `None` where that depends on the
    /// case or on the draw.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    ///
    /// let chain: Chain = serde_saphyr::from_str("- z_score\n- crop_centre: {size: [32, 32, -1]}")?;
    /// assert_eq!(chain.size_after([40, 40, 16]), Some([32, 32, 16]));
    ///
    /// // A crop to the foreground depends on the case.
    /// let chain: Chain = serde_saphyr::from_str("- crop_foreground")?;
    /// assert_eq!(chain.size_after([40, 40, 16]), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn size_after(&self, size: [usize; 3]) -> Option<[usize; 3]> {
        after_all(&self.0, size)
    }
}

impl Transform {
    /// The voxels `[x, y, z]` that the transform leaves of a patch of `size`; `None` where that depends on
    /// the case or on the draw.
    pub fn size_after(&self, size: [usize; 3]) -> Option<[usize; 3]> {
        let same_on = |axes: &[usize]| {
            let first = size[axes[0]];
            axes.iter().all(|&axis| size[axis] == first).then_some(size)
        };
        match self {
            Self::CropCentre(crop) => Some(whole_where_negative(crop.size, size, usize::min)),
            Self::CropRegion(crop) => Some(crop.size),
            Self::CropDivisible(crop) => Some(per_axis(|a| size[a] / crop.by[a] * crop.by[a])),
            Self::Pad(pad) => Some(per_axis(|a| {
                size[a]
                    .max(pad.size[a])
                    .next_multiple_of(pad.divisible_by[a])
            })),
            Self::Resize(resize) => match resize.to {
                ResizeTo::Size(to) => Some(per_axis(|a| if to[a] > 0 { to[a] } else { size[a] })),
                ResizeTo::LongestSide(_) => None,
            },
            Self::WeightedPatch(patch) => {
                Some(whole_where_negative(patch.size, size, |own, _| own))
            }
            Self::GridPatch(patch) => Some(whole_where_negative(patch.size, size, |own, _| own)),
            Self::Patch(patch) => {
                let cut = whole_where_negative(patch.size, size, |own, _| own);
                let order = patch.slice_axis.map_or([0, 1, 2], |axis| axis.last());
                Some(order.map(|axis| cut[axis]))
            }
            Self::Orient(_) => same_on(&[0, 1, 2]),
            Self::Rotate90(turn) => same_on(&turn.plane.map(|axis| axis.index())),
            Self::Spacing(_)
            | Self::MatchGrid(_)
            | Self::CropForeground(_)
            | Self::CropNonzero(_) => None,
            Self::OneOf(one) => {
                let mut sizes = one.of.iter().map(|transform| transform.size_after(size));
                let first = sizes.next().flatten()?;
                sizes.all(|other| other == Some(first)).then_some(first)
            }
            Self::SomeOf(some) => unchanged(&some.of, size),
            Self::RandomApply(maybe) => unchanged(&maybe.of, size),
            Self::NnUnet3d(recipe) => after_all(&recipe.transforms(), size),
            Self::NnUnet2d(recipe) => after_all(&recipe.transforms(), size),
            Self::Auto3dSegSegResNet(recipe) => after_all(&recipe.transforms(), size),
            Self::Auto3dSegSegResNet2d(recipe) => after_all(&recipe.transforms(), size),
            Self::Auto3dSegDints(recipe) => after_all(&recipe.transforms(), size),
            Self::Auto3dSegSwinUnetr(recipe) => after_all(&recipe.transforms(), size),
            Self::LightAugmentation(recipe) => after_all(&recipe.transforms(), size),
            // Everything else moves or changes voxels on the grid that there is.
            _ => Some(size),
        }
    }
}

fn after_all(transforms: &[Transform], size: [usize; 3]) -> Option<[usize; 3]> {
    let mut transforms = transforms.iter();
    transforms.try_fold(size, |size, transform| transform.size_after(size))
}

/// The size, where every one of the transforms leaves it as it is.
fn unchanged(transforms: &[Transform], size: [usize; 3]) -> Option<[usize; 3]> {
    let mut transforms = transforms.iter();
    let keeps = |transform: &Transform| transform.size_after(size) == Some(size);
    transforms.all(keeps).then_some(size)
}

fn per_axis(of: impl Fn(usize) -> usize) -> [usize; 3] {
    std::array::from_fn(of)
}

/// A requested size, where -1 keeps the axis of the present one.
fn whole_where_negative(
    asked: [i64; 3],
    there: [usize; 3],
    both: impl Fn(usize, usize) -> usize,
) -> [usize; 3] {
    per_axis(|a| usize::try_from(asked[a]).map_or(there[a], |asked| both(asked, there[a])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

    fn chain(yaml: &str) -> Chain {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_size_told_is_the_size_that_comes_out() {
        let size = [20, 14, 9];
        let grid = Geometry::axis_aligned(size, [1.0, 1.0, 2.0]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (x + y * z) as f32 + 1.0);
        let labels = LabelMap::from_fn(grid, |[x, y, _]| u16::from(x > 9 && y > 3));
        let subject = Subject::new("made", image, Some(labels)).unwrap();
        for yaml in [
            "- crop_centre: {size: [8, -1, 40]}",
            "- crop_region: {start: [1, 2, 3], size: [4, 5, 6]}",
            "- crop_divisible: {by: [8, 4, 3]}",
            "- pad: {size: [32, 0, 0], divisible_by: [1, 8, 4]}",
            "- resize: {to: {size: [10, 0, 12]}}",
            "- patch: {size: [6, 1, -1], slice_axis: y}",
            "- weighted_patch: {size: [6, -1, 3]}",
            "- rotate90: {plane: [x, y], probability: 1}\n- crop_centre: {size: [6, 6, -1]}",
            "- nnunet_3d: {size: [12, 10, 6]}",
            "- nnunet_2d: {size: [8, 8, -1]}",
            "- auto3dseg_segresnet: {}\n- light: {}",
            "- one_of: {of: [{crop_centre: {size: [4, 4, 4]}}, {crop_region: {size: [4, 4, 4]}}]}",
            "- some_of: {of: [{flip: {axes: [x]}}, gaussian_noise], count: [1, 2]}",
            "- affine: {rotate: [10, 10, 10]}\n- gamma: {}\n- low_resolution: {}",
        ] {
            let chain = chain(yaml);
            for draw in 0..3 {
                let (out, _) = chain.apply(subject.clone(), 3, draw).unwrap();
                if let Some(told) = chain.size_after(size) {
                    assert_eq!(told, out.geometry().size(), "{yaml}");
                }
            }
        }
        assert_eq!(
            chain("- nnunet_3d: {size: [12, 10, 6]}").size_after(size),
            Some([12, 10, 6])
        );
    }

    #[test]
    fn what_depends_on_the_case_or_the_draw_is_not_told() {
        for yaml in [
            "- rotate90: {plane: [x, y]}",
            "- spacing: {to: [1, 1, 1]}",
            "- crop_foreground: {}",
            "- maybe: {of: [{crop_centre: {size: [4, 4, 4]}}]}",
            "- some_of: {of: [{crop_centre: {size: [4, 4, 4]}}, gamma], count: [1, 2]}",
            "- one_of: {of: [{crop_centre: {size: [4, 4, 4]}}, gamma]}",
            "- orient: {to: RAS}",
        ] {
            assert_eq!(chain(yaml).size_after([8, 6, 4]), None, "{yaml}");
        }
        assert_eq!(
            chain("- rotate90: {}").size_after([8, 8, 4]),
            Some([8, 8, 4])
        );
    }
}
