//! The error function, which the standard library does not have.

/// The error function: series near zero, continued fraction further out; 1e-15 everywhere.
pub(crate) fn erf(x: f64) -> f64 {
    let magnitude = x.abs();
    let value = if magnitude < 2.5 {
        // erf(x) = 2/√π · e^(-x²) · Σ 2^n x^(2n+1) / (1·3·5…(2n+1))
        let (mut term, mut sum, mut n) = (magnitude, magnitude, 0.0);
        while term > 1e-17 * sum {
            n += 1.0;
            term *= 2.0 * magnitude * magnitude / (2.0 * n + 1.0);
            sum += term;
        }
        2.0 / std::f64::consts::PI.sqrt() * (-magnitude * magnitude).exp() * sum
    } else if magnitude < 6.0 {
        let mut fraction = 0.0;
        for n in (1..=60).rev() {
            fraction = f64::from(n) / 2.0 / (magnitude + fraction);
        }
        1.0 - (-magnitude * magnitude).exp()
            / ((magnitude + fraction) * std::f64::consts::PI.sqrt())
    } else {
        1.0
    };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn values_are_those_of_scipy() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_9),
            (1.0, 0.842_700_792_949_714_9),
            (2.5, 0.999_593_047_982_555),
            (-1.0, -0.842_700_792_949_714_9),
            (7.0, 1.0),
        ] {
            assert!((erf(x) - expected).abs() < 1e-15, "{x}");
        }
    }
}
