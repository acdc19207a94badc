//! Morphology, components and distances against SimpleITK, scipy and cc3d.

use crate::peers::*;
use vesalius_filters::*;

#[test]
fn morphology_agrees_with_itk() {
    let mask = labels("mask", "mask");
    for (name, shape) in [
        ("ball", Shape::Ball),
        ("box", Shape::Box),
        ("cross", Shape::Cross),
    ] {
        for radius in [[1, 1, 1], [3, 2, 1]] {
            let element = Element::voxels(shape, radius);
            let key = format!("{name}_{}{}{}", radius[0], radius[1], radius[2]);
            same(
                dilate(&mask, &element).unwrap().data(),
                &format!("dilate_{key}"),
            );
            let eroded = erode(&mask, &element, Border::Foreground).unwrap();
            same(eroded.data(), &format!("erode_{key}"));
            same(
                opening(&mask, &element).unwrap().data(),
                &format!("open_{key}"),
            );
            same(close_mask(&mask, &element).data(), &format!("close_{key}"));
        }
    }
}

fn close_mask(
    mask: &vesalius_volume::LabelMap<u8>,
    element: &Element,
) -> vesalius_volume::LabelMap<u8> {
    closing(mask, element).unwrap()
}

#[test]
fn holes_agree_with_itk_and_scipy() {
    let shell = labels("shell", "mask");
    let filled = fill_holes(&shell, &HoleOptions::default()).unwrap();
    same(filled.data(), "fill_holes_scipy");
    same(filled.data(), "fill_holes_itk");
    let corners = HoleOptions {
        connectivity: Connectivity::Corners,
        ..Default::default()
    };
    same(
        fill_holes(&shell, &corners).unwrap().data(),
        "fill_holes_itk_full",
    );
}

#[test]
fn components_agree_with_itk_and_cc3d() {
    let mask = labels("mask", "mask");
    let components = |input: &vesalius_volume::LabelMap<u8>, connectivity, by_label| {
        connected_components(
            input,
            &ComponentOptions {
                connectivity,
                by_label,
            },
        )
        .unwrap()
    };
    let ours = components(&mask, Connectivity::Faces, false);
    same(ours.labels.data(), "components_itk_faces");
    let ours = components(&mask, Connectivity::Corners, false);
    same(ours.labels.data(), "components_itk_corners");
    let labels = labels("labels", "oblique");
    let all = [
        (6, Connectivity::Faces),
        (18, Connectivity::Edges),
        (26, Connectivity::Corners),
    ];
    for (count, connectivity) in all {
        let ours = components(&labels, connectivity, true);
        same_sets(ours.labels.data(), &format!("components_cc3d_{count}"));
    }
    same(
        keep_largest(&mask, &ComponentOptions::default())
            .unwrap()
            .data(),
        "largest_cc3d",
    );
}

#[test]
fn distances_agree_with_itk_and_scipy() {
    let mask = labels("mask", "mask");
    let ours = distance_map::<u8, f64>(&mask.map(|v| 1 - v)).unwrap();
    close64(&ours, "distance_scipy");
    let signed = signed_distance::<u8, f64>(&mask).unwrap();
    // ITK computes in float32.
    close(signed.data(), "signed_distance", 1e-6);
    let single = signed_distance::<u8, f32>(&mask).unwrap();
    close32(&single, "signed_distance");
}

/// Nothing, everything, one voxel in a corner, one slice.
#[test]
fn edges_of_what_a_mask_can_be_agree_with_the_peers() {
    for (name, grid) in [
        ("empty", "edge"),
        ("full", "edge"),
        ("single", "edge"),
        ("slice", "slice"),
    ] {
        let mask = labels(&format!("mask_{name}"), grid);
        let (ball, cube) = (
            Element::voxels(Shape::Ball, [2, 1, 1]),
            Element::voxels(Shape::Box, [1; 3]),
        );
        let check = |ours: Result<vesalius_volume::LabelMap<u8>>, what: &str| {
            same(ours.unwrap().data(), &format!("{what}_{name}"));
        };
        check(dilate(&mask, &ball), "dilate");
        check(erode(&mask, &ball, Border::Foreground), "erode");
        check(opening(&mask, &cube), "open");
        check(closing(&mask, &cube), "close");
        check(fill_holes(&mask, &HoleOptions::default()), "fill");
        check(contour(&mask, Connectivity::Corners), "contour");
        let components = connected_components(&mask, &ComponentOptions::default()).unwrap();
        same(components.labels.data(), &format!("components_{name}"));
        same_sets(components.labels.data(), &format!("cc3d_{name}"));
        let distance = distance_map::<u8, f64>(&mask).unwrap();
        match name {
            // Where there is nothing to be near to, everything is infinitely far; where all is
            // foreground, nothing is far.
            "empty" => assert!(distance.data().iter().all(|d| *d == f64::INFINITY)),
            "full" => assert!(distance.data().iter().all(|d| *d == 0.0)),
            _ => close64(&distance, &format!("distance_{name}")),
        }
    }
}

#[test]
fn reconstruction_agrees_with_itk() {
    let (marker, image) = (volume("marker", "oblique"), image());
    let up = Reconstruction::ByDilation;
    let ours = reconstruct(&marker, &image, up, Connectivity::Faces).unwrap();
    close(ours.data(), "reconstructed_6", 0.0);
    let ours = reconstruct(&marker, &image, up, Connectivity::Corners).unwrap();
    close(ours.data(), "reconstructed_26", 0.0);
    let over = image.map(|v| v + 60.0);
    let ours = reconstruct(
        &over,
        &image,
        Reconstruction::ByErosion,
        Connectivity::Corners,
    )
    .unwrap();
    close(ours.data(), "eroded_26", 0.0);
}
