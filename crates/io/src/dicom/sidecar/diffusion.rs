//! The tables of b-values and directions, in FSL's form.

use super::super::keys::diffusion;
use super::super::stack::{dot, normal};
use super::{Part, describing};
use vesalius_volume::Warning;

/// The texts of `.bval` and `.bvec`; nothing where no volume has a b-value above 0 or one has none. Where directions are
/// not known for sure they are left out, with a warning.
pub(super) fn tables(parts: &[Part], warnings: &mut Vec<Warning>) -> Option<(String, String)> {
    let found: Option<Vec<(f64, [f64; 3])>> =
        parts.iter().map(|part| row(part, warnings)).collect();
    let found = found?;
    if found.iter().all(|(b_value, _)| *b_value == 0.0) {
        return None;
    }
    let line = |numbers: &mut dyn Iterator<Item = f64>| {
        let texts: Vec<String> = numbers.map(text).collect();
        texts.join(" ") + "\n"
    };
    let b_values = line(&mut found.iter().map(|(b_value, _)| *b_value));
    let axes = (0..3).map(|axis| line(&mut found.iter().map(|(_, vector)| vector[axis])));
    Some((b_values, axes.collect()))
}

fn text(value: f64) -> String {
    // Adding zero turns a negative zero into a zero.
    format!("{}", (value * 1e6).round() / 1e6 + 0.0)
}

/// The b-value and the direction of a volume along its image's axes.
fn row(part: &Part, warnings: &mut Vec<Warning>) -> Option<(f64, [f64; 3])> {
    let (own, shared) = part.groups();
    let found = diffusion(&part.file, own, shared)?;
    let Some((gradient, of_image)) = found.gradient else {
        return Some((found.b_value, [0.0; 3]));
    };
    let length = dot(gradient, gradient).sqrt();
    let patient = match of_image {
        false => gradient,
        true => match of_ge(part, gradient) {
            Some(patient) => patient,
            None => {
                let told = Warning::FieldIgnored {
                    field: "the directions of GE's gradients (0019,10BB)".to_owned(),
                    value: "of slices that are not axial, whose axes are not known for sure"
                        .to_owned(),
                };
                if !warnings.contains(&told) {
                    warnings.push(told);
                }
                return None;
            }
        },
    };
    let b_value = match of_image && (0.03..0.97).contains(&length) {
        // GE shortens the gradient and leaves the b-value.
        true => ((found.b_value * length * length / 5.0).round() * 5.0).max(5.0),
        false => found.b_value,
    };
    Some((b_value, along_axes(part, patient.map(|v| v / length))))
}

/// A direction of the patient (LPS) along the axes of the image, the first negated where they are right-handed.
fn along_axes(part: &Part, [x, y, z]: [f64; 3]) -> [f64; 3] {
    let rows = part.grid.affine().rows();
    let ras = [-x, -y, z];
    let axes: [[f64; 3]; 3] = std::array::from_fn(|axis| {
        let along: [f64; 3] = std::array::from_fn(|i| rows[i][axis]);
        let length = dot(along, along).sqrt();
        along.map(|v| v / length)
    });
    let [i, j, k] = axes;
    let cross = [
        i[1] * j[2] - i[2] * j[1],
        i[2] * j[0] - i[0] * j[2],
        i[0] * j[1] - i[1] * j[0],
    ];
    let mut vector = axes.map(|axis| dot(axis, ras));
    if dot(cross, k) > 0.0 {
        vector[0] = -vector[0];
    }
    vector
}

/// GE's directions along frequency, phase and slice, in the patient; `None` for slices that are not axial.
fn of_ge(part: &Part, gradient: [f64; 3]) -> Option<[f64; 3]> {
    let o = part.first.orientation?;
    let up = normal(&o);
    let axial = up[2].abs() > up[0].abs() && up[2].abs() > up[1].abs();
    let columns = part.text(describing::PHASE_DIRECTION)?;
    let [along, down, through] = match columns.trim() {
        "COL" | "COLUMN" => gradient,
        "ROW" => [gradient[1], -gradient[0], gradient[2]],
        _ => return None,
    };
    axial.then(|| std::array::from_fn(|i| through * up[i] - along * o[i] - down * o[i + 3]))
}
