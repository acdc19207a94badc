//! Statistics, contours, watersheds and surfaces against SimpleITK and scikit-image.

use crate::peers::*;
use vesalius_filters::*;
use vesalius_volume::{Geometry, Volume};

fn near(ours: f64, theirs: f64, what: &str) {
    let apart = (ours - theirs).abs() / theirs.abs().max(1e-3);
    println!("parity\t{what}\t{apart:.1e}");
    assert!(apart <= 1e-9, "{what}: {ours} {theirs}");
}

#[test]
fn shapes_agree_with_itk() {
    let shapes = label_shapes(&labels("labels", "oblique"));
    let theirs = number(&["shape"]);
    assert_eq!(shapes.len(), theirs.as_object().unwrap().len());
    for shape in shapes {
        let theirs = &theirs[shape.label.to_string()];
        assert_eq!(shape.voxels as u64, theirs["voxels"].as_u64().unwrap());
        near(
            shape.millilitres * 1000.0,
            theirs["size"].as_f64().unwrap(),
            "label volume",
        );
        let lps = triple(&theirs["centroid_lps"]);
        let (moments, axes) = (triple(&theirs["moments"]), &theirs["axes_lps"]);
        for axis in 0..3 {
            let sign = if axis < 2 { -1.0 } else { 1.0 };
            near(shape.centroid[axis] * sign, lps[axis], "label centroid");
            near(
                shape.principal_moments[axis],
                moments[axis],
                "label moments",
            );
            let theirs: f64 = (0..3)
                .map(|k| {
                    let sign = if k < 2 { -1.0 } else { 1.0 };
                    sign * axes[3 * axis + k].as_f64().unwrap() * shape.principal_axes[axis][k]
                })
                .sum();
            near(theirs.abs(), 1.0, "label axes");
            let bounds = &theirs_box(&number(&["shape"]), shape.label);
            assert_eq!(shape.bounds.start[axis], bounds[axis]);
            assert_eq!(shape.bounds.size[axis], bounds[axis + 3]);
        }
    }
}

fn theirs_box(shapes: &serde_json::Value, label: u32) -> Vec<usize> {
    let values = shapes[label.to_string()]["box"].as_array().unwrap().iter();
    values.map(|v| v.as_u64().unwrap() as usize).collect()
}

#[test]
fn intensities_agree_with_itk() {
    let ours = label_intensities(&image(), &labels("labels", "oblique")).unwrap();
    let theirs = number(&["intensity"]);
    for ours in ours {
        let theirs = &theirs[ours.label.to_string()];
        let pairs = [
            ("mean", ours.mean),
            ("sigma", ours.deviation),
            ("minimum", ours.minimum),
            ("maximum", ours.maximum),
            ("sum", ours.sum),
            ("skewness", ours.skewness),
            ("kurtosis", ours.excess_kurtosis),
        ];
        for (name, value) in pairs {
            near(
                value,
                theirs[name].as_f64().unwrap(),
                &format!("label {name}"),
            );
        }
    }
}

#[test]
fn contours_and_watersheds_agree_with_itk() {
    let mask = labels("mask", "mask");
    same(
        contour(&mask, Connectivity::Faces).unwrap().data(),
        "contour_faces",
    );
    same(
        contour(&mask, Connectivity::Corners).unwrap().data(),
        "contour_corners",
    );
    let labels_map = labels("labels", "oblique");
    same(
        label_contour(&labels_map, Connectivity::Faces)
            .unwrap()
            .data(),
        "label_contour",
    );
    let relief = volume("image16", "oblique");
    let markers = labels("markers", "oblique");
    for line in [false, true] {
        for (full, connectivity) in [(0, Connectivity::Faces), (1, Connectivity::Corners)] {
            let options = WatershedOptions { connectivity, line };
            let ours = watershed(&relief, &markers, &options).unwrap();
            same(ours.data(), &format!("watershed_{}{full}", u8::from(line)));
        }
    }
}

#[test]
fn a_surface_has_the_area_that_scikit_image_finds() {
    let grid = Geometry::axis_aligned([21, 19, 17], [1.0; 3]).unwrap();
    let ball = Volume::new(grid, 1, array("ball_distance"))
        .unwrap()
        .map(|v| -v);
    let mesh = marching_cubes(&ball, -6.3).unwrap();
    // scikit-image keeps vertices in float32.
    let theirs = number(&["ball_area"]).as_f64().unwrap();
    println!(
        "parity\tmarching_cubes area\t{:.1e}",
        (mesh.area() / theirs - 1.0).abs()
    );
    assert!(
        (mesh.area() / theirs - 1.0).abs() < 1e-6,
        "{} {theirs}",
        mesh.area()
    );
    let triangles = number(&["ball_triangles"]).as_u64().unwrap();
    assert_eq!(mesh.triangles().len() as u64, triangles);
}
