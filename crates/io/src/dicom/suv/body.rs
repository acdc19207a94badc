//! The size of a body: masses and surface.

use super::{Suv, Unknown};

/// What a file says about the body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Body {
    /// PatientWeight, kg.
    pub weight: Option<f64>,
    /// PatientSize, m.
    pub height: Option<f64>,
    /// PatientSex.
    pub sex: String,
}

/// The tallest body, m; a larger number is one of centimetres.
const TALLEST: f64 = 3.0;
/// The heaviest body, kg; a larger number is one of grams.
const HEAVIEST: f64 = 1000.0;

impl Body {
    fn weight(&self) -> Result<f64, Unknown> {
        let weight = self.weight.filter(|weight| *weight > 0.0);
        let missing = "PatientWeight (0010,1030) is missing, empty or 0";
        let weight = weight.ok_or_else(|| Unknown::new(missing.to_owned(), "add it in kg"))?;
        match weight <= HEAVIEST {
            true => Ok(weight),
            false => Err(Unknown::new(
                format!("PatientWeight (0010,1030) is {weight} kg"),
                "correct it to kg",
            )),
        }
    }

    fn height(&self) -> Result<f64, Unknown> {
        let height = self.height.filter(|height| *height > 0.0);
        let missing = "PatientSize (0010,1020) is missing, empty or 0";
        let height = height.ok_or_else(|| Unknown::new(missing.to_owned(), "add it in m"))?;
        match height <= TALLEST {
            true => Ok(height),
            false => Err(Unknown::new(
                format!("PatientSize (0010,1020) is {height} m"),
                "correct it to m",
            )),
        }
    }

    fn is_male(&self) -> Result<bool, Unknown> {
        match self.sex.as_str() {
            "M" => Ok(true),
            "F" => Ok(false),
            other => Err(Unknown::new(
                format!("PatientSex (0010,0040) is `{other}`, and the formula has M and F"),
                "ask for `Suv::BodyWeight`",
            )),
        }
    }

    /// In g, the surface in cm².
    pub fn size(&self, suv: Suv) -> Result<f64, Unknown> {
        let weight = self.weight()?;
        if suv == Suv::BodyWeight {
            return Ok(1000.0 * weight);
        }
        let metres = self.height()?;
        let height = 100.0 * metres;
        if suv == Suv::BodySurfaceArea {
            return Ok(71.84 * weight.powf(0.425) * height.powf(0.725));
        }
        let is_male = self.is_male()?;
        let by_squares = |male: f64, female: f64| {
            let square = (weight / height).powi(2);
            match is_male {
                true => 1.10 * weight - male * square,
                false => 1.07 * weight - female * square,
            }
        };
        let mass = match suv {
            Suv::LeanBodyMass => by_squares(120.0, 148.0),
            Suv::LeanBodyMassJames128 => by_squares(128.0, 148.0),
            Suv::LeanBodyMassJanmahasatian => {
                let index = weight / metres.powi(2);
                let per = match is_male {
                    true => 6680.0 + 216.0 * index,
                    false => 8780.0 + 244.0 * index,
                };
                9270.0 * weight / per
            }
            _ => match is_male {
                true => 48.0 + 1.06 * (height - 152.0),
                false => 45.5 + 0.91 * (height - 152.0),
            },
        };
        // The parabolas of very heavy bodies and the lines of very small ones lead below 0.
        match mass > 0.0 {
            true => Ok(1000.0 * mass),
            false => Err(Unknown::new(
                format!(
                    "the formula gives {mass} kg for PatientWeight (0010,1030) {weight} kg and PatientSize (0010,1020) {metres} m"
                ),
                "ask for `Suv::BodyWeight` or `Suv::LeanBodyMassJanmahasatian`",
            )),
        }
    }

    /// By what values of one kind are multiplied to be of another.
    pub fn ratio(&self, to: Suv, from: Suv) -> Result<f64, Unknown> {
        match to == from {
            true => Ok(1.0),
            false => Ok(self.size(to)? / self.size(from)?),
        }
    }
}
