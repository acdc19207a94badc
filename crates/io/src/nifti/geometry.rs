//! NIfTI's two ways to place a grid: the quaternion of the qform and the matrix of the sform.

use super::header::Header;
use crate::NiftiForm;
use crate::orthonormal::nearest_rotation;
use vesalius_volume::{Affine, Geometry, Warning};

/// The voxel-to-world rows that the header states, in mm, and what had to be decided; an error says
/// why there are none. A form that is asked for has a code above 0.
pub(super) fn rows(header: &Header, form: NiftiForm) -> Result<(Rows, Vec<Warning>), String> {
    let mut warnings = Vec::new();
    let scale = millimetres(header, &mut warnings);
    let wanted = header.sform_code > 0 && form != NiftiForm::Qform;
    let sform = wanted.then(|| affine(header.srow, scale));
    match sform {
        Some(Ok(_)) => {
            warnings.extend(disagreement(header, scale, "sform"));
            return Ok((scaled(header.srow, scale), warnings));
        }
        Some(Err(error)) if header.qform_code <= 0 || form == NiftiForm::Sform => {
            let other = match header.qform_code {
                ..=0 => "",
                _ => ", whose position `NiftiForm::Qform` takes",
            };
            return Err(format!(
                "sform_code is {}, but {error}; qform_code is {}{other}",
                header.sform_code, header.qform_code
            ));
        }
        // A broken sform with a qform: the qform is the only position left.
        Some(Err(ref error)) => warnings.push(Warning::SformUnusable {
            reason: error.to_string(),
        }),
        None => {}
    }
    if header.qform_code > 0 {
        let rows = qform_rows(header);
        affine(rows, scale)
            .map_err(|error| format!("qform_code is {}, but {error}", header.qform_code))?;
        if header.sform_code > 0 && sform.is_none() {
            warnings.extend(disagreement(header, scale, "qform"));
        }
        warnings.extend(replaced_spacings(header));
        warnings.extend(normalised(header));
        return Ok((scaled(rows, scale), warnings));
    }
    Err(format!(
        "sform_code and qform_code are both 0 (pixdim says {:?})",
        // The digits that were written, not those of a wider number.
        std::array::from_fn::<f32, 3, _>(|i| header.pixdim[i + 1] as f32)
    ))
}

/// Whether every form that the header has is a grid, so that it can be written again.
pub(super) fn forms_usable(header: &Header) -> bool {
    let usable = |code: i32, rows: Rows| code <= 0 || affine(rows, 1.0).is_ok();
    usable(header.sform_code, header.srow) && usable(header.qform_code, qform_rows(header))
}

/// The first three rows of an affine.
type Rows = [[f64; 4]; 3];

fn scaled(rows: Rows, scale: f64) -> Rows {
    // A multiplication by 1 changes no bit, so millimetres stay as stored.
    rows.map(|row| row.map(|value| value * scale))
}

fn affine(rows: Rows, scale: f64) -> vesalius_volume::Result<Affine> {
    let r = scaled(rows, scale);
    Affine::new([r[0], r[1], r[2], [0.0, 0.0, 0.0, 1.0]])
}

/// Millimetres of the header's unit of length.
fn millimetres(header: &Header, warnings: &mut Vec<Warning>) -> f64 {
    match header.units & 7 {
        1 => 1000.0,
        2 => 1.0,
        3 => 0.001,
        code => {
            warnings.push(Warning::UnitMissing { code });
            1.0
        }
    }
}

/// A usable qform that places a corner voxel elsewhere than the sform. What single precision and a
/// quaternion of few digits move is less than a tenth of a voxel.
fn disagreement(header: &Header, scale: f64, taken: &str) -> Option<Warning> {
    const TENTH: f64 = 0.1;
    if header.qform_code <= 0 {
        return None;
    }
    let size: [usize; 3] = std::array::from_fn(|i| {
        let there = header.dim[0] > i as i64;
        usize::try_from(header.dim[i + 1]).map_or(1, |n| if there { n.max(1) } else { 1 })
    });
    let grid = |rows| Geometry::new(size, affine(rows, scale).ok()?).ok();
    let (sform, qform) = (grid(header.srow)?, grid(qform_rows(header))?);
    let corners = sform.corners().into_iter().zip(qform.corners());
    let apart = corners.map(|(a, b)| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt());
    let apart = apart.fold(0.0, f64::max);
    let smallest = sform.spacing().into_iter().fold(f64::INFINITY, f64::min);
    (apart > TENTH * smallest).then_some(Warning::FormsDisagree {
        sform_code: header.sform_code,
        qform_code: header.qform_code,
        apart,
        degrees: turned_by(sform.direction(), qform.direction()),
        taken: taken.to_owned(),
    })
}

/// The largest angle between axes of the same number, degrees.
fn turned_by(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> f64 {
    let column = |m: [[f64; 3]; 3], j: usize| [m[0][j], m[1][j], m[2][j]];
    let angle = |j: usize| {
        let (u, v) = (column(a, j), column(b, j));
        let along: f64 = (0..3).map(|i| u[i] * v[i]).sum();
        let across = [
            u[1] * v[2] - u[2] * v[1],
            u[2] * v[0] - u[0] * v[2],
            u[0] * v[1] - u[1] * v[0],
        ];
        // The arc cosine alone would make rounding an angle.
        let across = across.iter().map(|v| v * v).sum::<f64>().sqrt();
        across.atan2(along).to_degrees()
    };
    (0..3).map(angle).fold(0.0, f64::max)
}

/// Spacings of the qform that are 0 or negative, and what is taken instead.
fn replaced_spacings(header: &Header) -> impl Iterator<Item = Warning> {
    let taken = spacing(header);
    let found: [f64; 3] = std::array::from_fn(|i| header.pixdim[i + 1]);
    let axes = header.dim[0];
    (0..3)
        // An axis that the file does not count needs no spacing.
        .filter(move |&i| found[i] < 0.0 || found[i] == 0.0 && axes > i as i64)
        .map(move |axis| Warning::AxisSpacingAssumed {
            axis,
            found: found[axis].to_string(),
            spacing: taken[axis],
        })
}

/// A quaternion that is longer than rounding makes it.
fn normalised(header: &Header) -> Option<Warning> {
    let length = header.quatern.iter().map(|v| v * v).sum::<f64>().sqrt();
    (length > 1.0001).then_some(Warning::QuaternionNormalised { length })
}

/// Spacing of the qform: the size of a negative pixdim, 1 for a zero one along a single voxel.
fn spacing(header: &Header) -> [f64; 3] {
    std::array::from_fn(|i| {
        let size = header.pixdim[i + 1].abs();
        let single = header.dim[0] <= i as i64 || header.dim[i + 1] <= 1;
        if size == 0.0 && single { 1.0 } else { size }
    })
}

/// The rotation of a quaternion (a from b, c, d), after the standard's `nifti1.h`.
fn qform_rows(header: &Header) -> [[f64; 4]; 3] {
    let [mut b, mut c, mut d] = header.quatern;
    let rest = 1.0 - (b * b + c * c + d * d);
    let a = if rest < 1e-7 {
        // Rounding, or worse: a turn by 180° about the axis that b, c, d name.
        let length = (b * b + c * c + d * d).sqrt();
        (b, c, d) = (b / length, c / length, d / length);
        0.0
    } else {
        rest.sqrt()
    };
    let rotation = [
        [
            a * a + b * b - c * c - d * d,
            2.0 * (b * c - a * d),
            2.0 * (b * d + a * c),
        ],
        [
            2.0 * (b * c + a * d),
            a * a + c * c - b * b - d * d,
            2.0 * (c * d - a * b),
        ],
        [
            2.0 * (b * d - a * c),
            2.0 * (c * d + a * b),
            a * a + d * d - b * b - c * c,
        ],
    ];
    let handedness = if header.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let [sx, sy, sz] = spacing(header);
    let scale = [sx, sy, sz * handedness];
    std::array::from_fn(|i| {
        let r = rotation[i];
        [
            r[0] * scale[0],
            r[1] * scale[1],
            r[2] * scale[2],
            header.qoffset[i],
        ]
    })
}

/// Writes a geometry into both places. The qform cannot shear: where its nearest grid is not the
/// same grid, `qform_code` is 0, so that no program reads a wrong position from it.
pub(super) fn place(header: &mut Header, geometry: &Geometry, code: i16) {
    let rows = geometry.affine().rows();
    let spacing = geometry.spacing();
    header.srow = [rows[0], rows[1], rows[2]];
    header.sform_code = code.into();
    let mut rotation = nearest_rotation(geometry.direction());
    let left_handed = geometry.affine().determinant() < 0.0;
    if left_handed {
        rotation.iter_mut().for_each(|row| row[2] = -row[2]);
    }
    header.pixdim[0] = if left_handed { -1.0 } else { 1.0 };
    header.pixdim[1..4].copy_from_slice(&spacing);
    header.quatern = quaternion(rotation);
    header.qoffset = geometry.origin();
    header.qform_code = code.into();
    let rows = qform_rows(header);
    let same = Affine::new([rows[0], rows[1], rows[2], [0.0, 0.0, 0.0, 1.0]])
        .and_then(|affine| Geometry::new(geometry.size(), affine))
        .is_ok_and(|qform| geometry.check_same(&qform, "sform and qform").is_ok());
    if !same {
        header.qform_code = 0;
    }
}

/// b, c, d of the unit quaternion of a proper rotation, a ≥ 0; the largest of a, b, c, d is computed
/// first, which keeps the others precise.
fn quaternion(r: [[f64; 3]; 3]) -> [f64; 3] {
    let squares = [
        1.0 + r[0][0] + r[1][1] + r[2][2],
        1.0 + r[0][0] - r[1][1] - r[2][2],
        1.0 - r[0][0] + r[1][1] - r[2][2],
        1.0 - r[0][0] - r[1][1] + r[2][2],
    ];
    let largest = (0..4).fold(
        0,
        |best, i| if squares[i] > squares[best] { i } else { best },
    );
    let twice = squares[largest].sqrt();
    let (ab, ac, ad) = (r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]);
    let (bc, bd, cd) = (r[0][1] + r[1][0], r[0][2] + r[2][0], r[1][2] + r[2][1]);
    let numerators = match largest {
        0 => [twice * twice, ab, ac, ad],
        1 => [ab, twice * twice, bc, bd],
        2 => [ac, bc, twice * twice, cd],
        _ => [ad, bd, cd, twice * twice],
    };
    let [a, b, c, d] = numerators.map(|n| n / (2.0 * twice));
    if a < 0.0 { [-b, -c, -d] } else { [b, c, d] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(x: f64, y: f64, z: f64, flip: f64) -> [[f64; 3]; 3] {
        let ((sx, cx), (sy, cy), (sz, cz)) = (x.sin_cos(), y.sin_cos(), z.sin_cos());
        let mut r = [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
            [-sy, sx * cy, cx * cy],
        ];
        r.iter_mut().for_each(|row| row[2] *= flip);
        r
    }

    #[test]
    fn the_qform_repeats_the_sform_for_every_turn() {
        for (i, flip) in [(0, 1.0), (1, -1.0)] {
            for step in 0..40 {
                let angle = f64::from(step) * 0.31 + f64::from(i);
                let direction = turned(angle, 1.7 * angle, -2.3 * angle, flip);
                let geometry = Geometry::from_parts(
                    [20, 30, 40],
                    [0.7, 1.3, 2.9],
                    [-10.0, 33.0, 4.0],
                    direction,
                )
                .unwrap();
                let mut header = Header {
                    dim: [3, 20, 30, 40, 1, 1, 1, 1],
                    ..Header::default()
                };
                place(&mut header, &geometry, 1);
                assert_eq!(header.qform_code, 1);
                let (want, found) = (geometry.affine().rows(), qform_rows(&header));
                for r in 0..3 {
                    for c in 0..4 {
                        assert!((want[r][c] - found[r][c]).abs() < 1e-9, "{step} {r} {c}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_sheared_grid_gets_no_qform() {
        let affine = Affine::from_linear(
            [[1.0, 0.0, 0.2], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [0.0; 3],
        )
        .unwrap();
        let geometry = Geometry::new([20, 20, 20], affine).unwrap();
        let mut header = Header::default();
        place(&mut header, &geometry, 1);
        assert_eq!((header.sform_code, header.qform_code), (1, 0));
    }

    #[test]
    fn strange_fields_are_read_as_the_standard_says() {
        let mut header = Header {
            dim: [2, 5, 5, 1, 1, 1, 1, 1],
            pixdim: [0.0, -2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            qform_code: 1,
            ..Header::default()
        };
        let (rows, warnings) = rows(&header, NiftiForm::Automatic).unwrap();
        assert_eq!([rows[0][0], rows[1][1], rows[2][2]], [2.0, 3.0, 1.0]);
        assert_eq!(
            warnings,
            [
                Warning::UnitMissing { code: 0 },
                Warning::AxisSpacingAssumed {
                    axis: 0,
                    found: "-2".to_owned(),
                    spacing: 2.0
                }
            ]
        );
        // Longer than a unit quaternion: a half turn about x.
        header.quatern = [1.5, 0.0, 0.0];
        let (rows, warnings) = super::rows(&header, NiftiForm::Automatic).unwrap();
        assert_eq!(rows[1][1], -3.0);
        let length = 1.5;
        assert!(warnings.contains(&Warning::QuaternionNormalised { length }));
        header.quatern = [f64::NAN, 0.0, 0.0];
        assert!(
            super::rows(&header, NiftiForm::Automatic)
                .unwrap_err()
                .contains("qform_code is 1")
        );
        header.qform_code = 0;
        assert!(
            super::rows(&header, NiftiForm::Automatic)
                .unwrap_err()
                .contains("both 0")
        );
    }

    #[test]
    fn a_qform_elsewhere_is_told_and_rounding_is_not() {
        let geometry = Geometry::from_parts(
            [512, 512, 200],
            [0.7, 0.7, 1.0],
            [-180.0, 33.0, 4.0],
            turned(3.1, 0.02, -0.01, 1.0),
        )
        .unwrap();
        let mut header = Header {
            dim: [3, 512, 512, 200, 1, 1, 1, 1],
            units: 2,
            ..Header::default()
        };
        place(&mut header, &geometry, 1);
        // What a file keeps of it.
        let single = |v: f64| f64::from(v as f32);
        header.quatern = header.quatern.map(single);
        header.srow = header.srow.map(|row| row.map(single));
        assert_eq!(rows(&header, NiftiForm::Automatic).unwrap().1, []);
        header.qoffset[1] += 0.08;
        let warnings = rows(&header, NiftiForm::Automatic).unwrap().1;
        assert!(
            matches!(&warnings[..], [Warning::FormsDisagree { sform_code: 1, qform_code: 1, apart, degrees, taken }]
                if (apart - 0.08).abs() < 0.01 && *degrees < 1e-3 && taken == "sform"),
            "{warnings:?}"
        );
    }
}
