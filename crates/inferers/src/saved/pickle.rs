//! The properties that nnU-Net saves with its probabilities, as a pickle (protocol 2) of plain values:
//! `nnUNetv2_ensemble` reads them to write a segmentation.

use vesalius_volume::Geometry;

/// Bytes of the dictionary: `sitk_stuff` (spacing, origin and direction as ITK has them), `spacing` and
/// the shape along an array's axes.
pub(super) fn properties(geometry: &Geometry) -> Vec<u8> {
    let spacing = geometry.spacing();
    let (origin, direction) = (geometry.origin(), geometry.direction());
    // Left and posterior point against right and anterior.
    let sign = [-1.0, -1.0, 1.0];
    let origin: Vec<f64> = (0..3).map(|i| sign[i] * origin[i]).collect();
    let direction: Vec<f64> = (0..9)
        .map(|i| sign[i / 3] * direction[i / 3][i % 3])
        .collect();
    let reversed: Vec<f64> = spacing.iter().rev().copied().collect();
    let [x, y, z] = geometry.size().map(|n| n as f64);
    let mut out = vec![0x80, 2];
    dictionary(&mut out, |out| {
        text(out, "sitk_stuff");
        dictionary(out, |out| {
            text(out, "spacing");
            tuple(out, &spacing);
            text(out, "origin");
            tuple(out, &origin);
            text(out, "direction");
            tuple(out, &direction);
        });
        text(out, "spacing");
        tuple(out, &reversed);
        text(out, "shape_before_cropping");
        integers(out, &[z, y, x]);
    });
    out.push(b'.');
    out
}

fn dictionary(out: &mut Vec<u8>, entries: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"}(");
    entries(out);
    out.push(b'u');
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn tuple(out: &mut Vec<u8>, values: &[f64]) {
    out.push(b'(');
    for value in values {
        out.push(b'G');
        out.extend_from_slice(&value.to_be_bytes());
    }
    out.push(b't');
}

fn integers(out: &mut Vec<u8>, values: &[f64]) {
    out.push(b'(');
    for value in values {
        out.push(b'J');
        out.extend_from_slice(&(*value as i32).to_le_bytes());
    }
    out.push(b't');
}
