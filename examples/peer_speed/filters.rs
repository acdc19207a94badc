//! Filters of masks and images, on the volumes in WORKDIR.

use crate::{Case, Result, images::case};
use std::path::Path;
use vesalius::filters::{
    Bounds, ComponentOptions, Convention, Element, HoleOptions, N4Options, NnUnetLabelOptions,
    NnUnetOptions, Shape, component_statistics, connected_components, crop, dilate, fill_holes,
    keep_largest, median, n4_bias_field_correction, recursive_gaussian, resample_labels_nnunet,
    resample_nnunet, signed_distance, target_grid,
};
use vesalius::prelude::*;

pub fn cases() -> Vec<Case> {
    vec![
        case("resample_nnunet_data", 3, |work| {
            let image = vesalius::io::read(work.join("v.nii.gz"))?;
            let size = target_grid(image.geometry(), [1.0; 3], Convention::NnUnet)?.size();
            let options = NnUnetOptions::default();
            Ok(Box::new(move || {
                drop(resample_nnunet(&image, size, [1.0; 3], &options))
            }))
        }),
        case("resample_nnunet_labels", 3, |work| {
            let labels: LabelMap<u8> = vesalius::io::read_labels_as(work.join("seg.nii.gz"))?;
            let size = target_grid(labels.geometry(), [1.0; 3], Convention::NnUnet)?.size();
            let options = NnUnetLabelOptions::default();
            Ok(Box::new(move || {
                drop(resample_labels_nnunet(&labels, size, [1.0; 3], &options))
            }))
        }),
        case("gaussian_sigma1", 5, |work| {
            let image = vesalius::io::read(work.join("v.nii.gz"))?;
            Ok(Box::new(move || drop(recursive_gaussian(&image, [1.0; 3]))))
        }),
        on_mask("components_26", |mask| {
            drop(connected_components(mask, &ComponentOptions::default()))
        }),
        on_mask("largest_component", |mask| {
            drop(keep_largest(mask, &ComponentOptions::default()))
        }),
        on_mask("component_statistics", |mask| {
            drop(component_statistics(mask, &ComponentOptions::default()))
        }),
        on_mask("dilate_ball2", |mask| {
            drop(dilate(mask, &Element::voxels(Shape::Ball, [2; 3])))
        }),
        on_mask("fill_holes", |mask| {
            drop(fill_holes(mask, &HoleOptions::default()))
        }),
        on_mask("distance_map", |mask| {
            drop(signed_distance::<u8, f32>(mask))
        }),
        case("median_1", 3, |work| {
            let image = vesalius::io::read(work.join("v.nii.gz"))?;
            Ok(Box::new(move || drop(median(&image, [1; 3]))))
        }),
        case("n4_96x96x64", 3, |work| {
            let part = Bounds {
                start: [80, 80, 48],
                size: [96, 96, 64],
            };
            let image = crop(&vesalius::io::read(work.join("v.nii.gz"))?, part)?;
            let image = image.map(|value| value + 2000.0);
            let options = N4Options {
                iterations: vec![10],
                convergence_threshold: 0.0,
                ..N4Options::default()
            };
            Ok(Box::new(move || {
                drop(n4_bias_field_correction::<_, u8>(&image, None, &options))
            }))
        }),
    ]
}

/// Work on the foreground of `seg.nii.gz`, one byte a voxel.
fn on_mask(name: &str, work: fn(&LabelMap<u8>)) -> Case {
    case(name, 5, move |folder: &Path| -> Result<crate::Work> {
        let labels: LabelMap<u8> = vesalius::io::read_labels_as(folder.join("seg.nii.gz"))?;
        let mask = labels.map(|label| u8::from(label > 0));
        Ok(Box::new(move || work(&mask)))
    })
}
