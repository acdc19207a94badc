//! Standardised uptake values of PET: activity in Bq/ml times the size of the body, divided by the injected activity at the
//! time to which the series is decay-corrected. The rules are those of the QIBA pseudocode; what it leaves to guesses is
//! refused.

mod body;
mod facts;
mod scan_time;

use super::file::DicomFile;
use super::series::Series;
use crate::{Error, ReadOptions, Result, VoxelType};
use body::Body;
use facts::{Facts, Unknown};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::Warning;

/// The size of the body by which standardised uptake values count. Masses give g/ml, the surface cm²/ml. Weights w in kg,
/// heights h in cm.
///
/// ```no_run
/// use vesalius_io::{DicomOptions, ReadOptions, Suv, read_with};
///
/// let dicom = DicomOptions { suv: Some(Suv::BodyWeight), ..DicomOptions::default() };
/// let uptake = read_with("study/pet", &ReadOptions { dicom, ..ReadOptions::new() })?;
/// let hottest = uptake.data().iter().copied().fold(0.0, f32::max);
/// println!("SUVmax {hottest} g/ml");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suv {
    /// The weight (DICOM's `BW`).
    BodyWeight,
    /// Lean body mass as in the QIBA pseudocode (`LBM`): 1.10 w - 120 (w/h)² of men, 1.07 w - 148 (w/h)² of women.
    LeanBodyMass,
    /// Lean body mass by James (`LBMJAMES128`): 1.10 w - 128 (w/h)² of men, 1.07 w - 148 (w/h)² of women.
    LeanBodyMassJames128,
    /// Lean body mass by Janmahasatian (`LBMJANMA`): 9270 w / (6680 + 216 b) of men, 9270 w / (8780 + 244 b) of women,
    /// where b is w divided by the square of the height in m.
    LeanBodyMassJanmahasatian,
    /// Body surface by Du Bois (`BSA`): 71.84 w^0.425 h^0.725 cm².
    BodySurfaceArea,
    /// Ideal body weight (`IBW`): 48.0 + 1.06 (h - 152) of men, 45.5 + 0.91 (h - 152) of women.
    IdealBodyWeight,
}

impl Suv {
    const ALL: [Self; 6] = [
        Self::BodyWeight,
        Self::LeanBodyMass,
        Self::LeanBodyMassJames128,
        Self::LeanBodyMassJanmahasatian,
        Self::BodySurfaceArea,
        Self::IdealBodyWeight,
    ];

    /// The term of SUVType (0054,1006).
    fn term(self) -> &'static str {
        match self {
            Self::BodyWeight => "BW",
            Self::LeanBodyMass => "LBM",
            Self::LeanBodyMassJames128 => "LBMJAMES128",
            Self::LeanBodyMassJanmahasatian => "LBMJANMA",
            Self::BodySurfaceArea => "BSA",
            Self::IdealBodyWeight => "IBW",
        }
    }

    /// The term of Units (0054,1001).
    fn units(self) -> &'static str {
        match self {
            Self::BodySurfaceArea => "CM2ML",
            _ => "GML",
        }
    }
}

/// The volumes as they are without [`DicomOptions::suv`](super::DicomOptions::suv), else with the scaling that gives
/// uptake values.
///
/// # Errors
/// [`Error::Suv`]; what opening the files may give.
pub(super) fn scaled(
    path: &Path,
    chosen: Vec<Series>,
    options: &ReadOptions,
) -> Result<Vec<Series>> {
    let Some(suv) = options.dicom.suv else {
        return Ok(chosen);
    };
    let of_one = |series| scaled_series(path, series, suv, options);
    chosen.into_iter().map(of_one).collect()
}

fn scaled_series(path: &Path, series: Series, suv: Suv, options: &ReadOptions) -> Result<Series> {
    let refused = |unknown: Unknown| Error::Suv {
        path: path.to_owned(),
        reason: unknown.reason,
        remedy: unknown.remedy,
    };
    if series.modality != "PT" {
        let reason = format!("Modality (0008,0060) is `{}`, not PT", series.modality);
        return Err(refused(Unknown::new(reason, "choose a PET series")));
    }
    let mut facts: BTreeMap<PathBuf, Facts> = BTreeMap::new();
    for frame in &series.frames {
        let file = frame.file.path();
        if !facts.contains_key(file) {
            let read = DicomFile::open(&frame.file, options.max_bytes)?;
            facts.insert(file.to_owned(), Facts::of(&read).map_err(refused)?);
        }
    }
    let all: Vec<&Facts> = facts.values().collect();
    let (decayed, told) = decayed_dose(&all).map_err(refused)?;
    let factors = facts.iter().map(|(file, facts)| {
        let factor = factor(facts, decayed.as_ref(), suv).map_err(refused)?;
        Ok((file.clone(), factor))
    });
    let factors: BTreeMap<PathBuf, f64> = factors.collect::<Result<_>>()?;
    let deep = facts.values().any(|facts| facts.deep);
    Ok(with_factors(series, &factors, suv, (deep, told)))
}

/// The injected activity that is left when decay correction counts, Bq, where values are activities; and a warning where
/// that time had to be derived.
type Decayed = (Option<std::result::Result<f64, Unknown>>, Option<Warning>);

fn decayed_dose(all: &[&Facts]) -> std::result::Result<Decayed, Unknown> {
    let Some(first) = all.first() else {
        return Ok((None, None));
    };
    if let Some(what) = all.iter().find_map(|facts| facts.differs_from(first)) {
        let reason = format!("{what} differs between the files of the series");
        return Err(Unknown::new(
            reason,
            "put each acquisition into a series of its own",
        ));
    }
    let tracer = match &first.tracer {
        Ok(tracer) => tracer,
        Err(unknown) => return Ok((Some(Err(unknown.clone())), None)),
    };
    if first.decay == "ADMIN" {
        return Ok((Some(Ok(tracer.dose)), None));
    }
    let found = scan_time::of(all, tracer).and_then(|(scan, told)| {
        let elapsed = scan_time::since_injection(tracer, scan)?;
        Ok((tracer.dose * (-elapsed / tracer.half_life).exp2(), told))
    });
    Ok(match found {
        Ok((dose, told)) => (Some(Ok(dose)), told),
        Err(unknown) => (Some(Err(unknown)), None),
    })
}

/// What scaled stored values are multiplied by.
fn factor(
    facts: &Facts,
    decayed: Option<&std::result::Result<f64, Unknown>>,
    suv: Suv,
) -> std::result::Result<f64, Unknown> {
    let body = &facts.body;
    let by_activity = || match decayed {
        Some(Ok(dose)) => Ok(body.size(suv)? / dose),
        Some(Err(unknown)) => Err(unknown.clone()),
        None => Err(Unknown::new(
            "the series has no files".to_owned(),
            "choose another series",
        )),
    };
    match facts.units.as_str() {
        "BQML" => {
            facts.check_corrections()?;
            by_activity()
        }
        "CNTS" => {
            facts.check_corrections()?;
            match (facts.philips_suv, facts.philips_activity) {
                (Some(factor), _) => Ok(factor * body.ratio(suv, Suv::BodyWeight)?),
                (None, Some(factor)) => Ok(factor * by_activity()?),
                (None, None) => Err(Unknown::new(
                    "Units (0054,1001) is CNTS, and neither Philips' SUV factor (7053,1000) nor its activity factor (7053,1009) is there".to_owned(),
                    "export the series again with the private elements of Philips kept",
                )),
            }
        }
        "GML" | "CM2ML" => body.ratio(suv, facts.stored_suv()?),
        other => Err(Unknown::new(
            format!(
                "Units (0054,1001) is `{other}`, and SUV are computed from BQML, CNTS, GML and CM2ML"
            ),
            "export the series in Bq/ml",
        )),
    }
}

fn with_factors(
    mut series: Series,
    factors: &BTreeMap<PathBuf, f64>,
    suv: Suv,
    (deep, told): (bool, Option<Warning>),
) -> Series {
    for frame in &mut series.frames {
        let factor = factors.get(frame.file.path()).copied().unwrap_or(1.0);
        frame.scaling.slope *= factor;
        frame.scaling.intercept *= factor;
    }
    if factors.values().any(|factor| *factor != 1.0) {
        series.voxel_type = match deep {
            true => VoxelType::F64,
            false => VoxelType::F32,
        };
    }
    let terms = [("Units", suv.units()), ("SUVType", suv.term())];
    let terms = terms.map(|(name, term)| (name.to_owned(), term.to_owned()));
    series.metadata.extend(terms);
    series.of_files.extend(told.clone());
    series.warnings.extend(told);
    series
}
