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
        true => of_ge(part, gradient, warnings)?,
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

/// The plane of slices, by the largest part of their normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plane {
    Sagittal,
    Coronal,
    Axial,
}

impl Plane {
    fn of(normal: [f64; 3]) -> Self {
        let [x, y, z] = normal.map(f64::abs);
        match (z >= x && z >= y, y >= x) {
            (true, _) => Self::Axial,
            (false, true) => Self::Coronal,
            (false, false) => Self::Sagittal,
        }
    }
}

/// The direction of GE's gradient, given along frequency, phase and slice, in the patient. The signs are those of dcm2niix,
/// which has validated them on axial slices; others are told. `None`, which is told too, where the axes are not stated.
fn of_ge(part: &Part, gradient: [f64; 3], warnings: &mut Vec<Warning>) -> Option<[f64; 3]> {
    let field = || "the directions of GE's gradients (0019,10BB)".to_owned();
    let mut tell = |told: Warning| {
        if !warnings.contains(&told) {
            warnings.push(told);
        }
    };
    let o = part.first.orientation?;
    let phase = part.text(describing::PHASE_DIRECTION).unwrap_or_default();
    let [x, y, z] = match phase.trim() {
        "COL" | "COLUMN" => gradient,
        "ROW" => [gradient[1], -gradient[0], gradient[2]],
        other => {
            tell(Warning::FieldIgnored {
                field: field(),
                value: format!("with phase encoding along `{other}`, expected COL or ROW"),
            });
            return None;
        }
    };
    let up = normal(&o);
    let plane = Plane::of(up);
    if plane != Plane::Axial {
        tell(Warning::FieldTakenAs {
            field: field(),
            value: format!("of {plane:?} slices").to_lowercase(),
            taken: "those of dcm2niix, which are validated for axial slices alone: compare them with anatomy"
                .to_owned(),
        });
    }
    let [x, y, z] = match plane {
        Plane::Sagittal => [x, y, -z],
        Plane::Coronal => [-x, y, z],
        Plane::Axial => [-x, -y, z],
    };
    Some(std::array::from_fn(|i| x * o[i] + y * o[i + 3] + z * up[i]))
}
