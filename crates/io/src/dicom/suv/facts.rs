//! What a PET file says about its tracer, its corrections and its times.

use super::super::element::DataSet;
use super::super::file::DicomFile;
use super::super::moment::{moment, moment_of};
use super::super::tags;
use super::{Body, Suv};

/// Why an uptake value cannot be known, and what would help.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unknown {
    pub reason: String,
    pub remedy: &'static str,
}

impl Unknown {
    pub fn new(reason: String, remedy: &'static str) -> Self {
        Self { reason, remedy }
    }

    fn missing(attribute: &str) -> Self {
        let reason = format!("{attribute} is missing, empty or 0");
        Self::new(reason, "add it to the files")
    }
}

/// When the tracer was injected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Injected {
    /// Seconds of date and time.
    At(f64),
    /// Seconds of a day that is not stated.
    OfDay(f64),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tracer {
    /// Bq.
    pub dose: f64,
    /// Seconds.
    pub half_life: f64,
    pub injected: Option<Injected>,
}

/// Times in seconds.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub units: String,
    suv_type: Option<String>,
    corrected: Vec<String>,
    /// DecayCorrection.
    pub decay: String,
    pub tracer: Result<Tracer, Unknown>,
    pub body: Body,
    pub series: Option<f64>,
    pub acquired: Option<f64>,
    /// GE's time of the scan.
    pub ge_scan: Option<f64>,
    /// FrameReferenceTime and ActualFrameDuration.
    pub frame: Option<(f64, f64)>,
    pub philips_suv: Option<f64>,
    pub philips_activity: Option<f64>,
    /// Whether stored numbers have more digits than single precision holds.
    pub deep: bool,
}

impl Facts {
    pub fn of(file: &DicomFile) -> Result<Self, Unknown> {
        let set = &file.set;
        let text = |tag| file.text(set, tag);
        let positive = |tag| file.real(set, tag).filter(|v| v.is_finite() && *v > 0.0);
        let dated = |date, time| moment_of(Some(text(date)?.as_str()), &text(time)?);
        let private = |creator, tag| {
            let bytes = tags::private(file, creator, tag)?;
            Some(
                String::from_utf8_lossy(bytes)
                    .trim_matches([' ', '\0'])
                    .to_owned(),
            )
        };
        let factor = |tag| {
            let factor = private("Philips PET Private Group", tag)?.parse().ok();
            factor.filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
        };
        let frame = positive(tags::FRAME_REFERENCE_TIME).zip(positive(tags::FRAME_DURATION));
        let corrected = text(tags::CORRECTED_IMAGE).unwrap_or_default();
        Ok(Self {
            units: text(tags::UNITS).ok_or_else(|| Unknown::missing("Units (0054,1001)"))?,
            suv_type: text(tags::SUV_TYPE),
            corrected: corrected
                .split('\\')
                .map(|part| part.trim().to_owned())
                .collect(),
            decay: text(tags::DECAY_CORRECTION).unwrap_or_default(),
            tracer: tracer(file),
            body: Body {
                weight: file
                    .real(set, tags::PATIENT_WEIGHT)
                    .filter(|v| v.is_finite()),
                height: file.real(set, tags::PATIENT_SIZE).filter(|v| v.is_finite()),
                sex: text(tags::PATIENT_SEX).unwrap_or_default(),
            },
            series: dated(tags::SERIES_DATE, tags::SERIES_TIME),
            acquired: dated(tags::ACQUISITION_DATE, tags::ACQUISITION_TIME)
                .or_else(|| moment(&text(tags::ACQUISITION_DATE_TIME)?)),
            ge_scan: private("GEMS_PETD_01", tags::GE_SCAN_TIME).and_then(|text| moment(&text)),
            frame: frame.map(|(reference, duration)| (reference / 1e3, duration / 1e3)),
            philips_suv: factor(tags::PHILIPS_SUV),
            philips_activity: factor(tags::PHILIPS_ACTIVITY),
            deep: file
                .u16(set, tags::BITS_STORED)
                .is_some_and(|bits| bits > 24),
        })
    }

    /// What of another file of one series has to be equal and is not.
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let differs = [
            (self.units != other.units, "Units (0054,1001)"),
            (self.decay != other.decay, "DecayCorrection (0054,1102)"),
            (
                self.corrected != other.corrected,
                "CorrectedImage (0028,0051)",
            ),
            (
                self.tracer != other.tracer,
                "RadiopharmaceuticalInformationSequence (0054,0016)",
            ),
            (
                self.body != other.body,
                "weight, size or sex of the patient (0010,xxxx)",
            ),
            (self.series != other.series, "SeriesTime (0008,0031)"),
            (
                self.ge_scan != other.ge_scan,
                "GE's time of the scan (0009,100D)",
            ),
        ];
        let found = differs.into_iter().find(|(differs, _)| *differs);
        found.map(|(_, what)| what)
    }

    /// Refuses values that are not corrected for attenuation and decay.
    pub fn check_corrections(&self) -> Result<(), Unknown> {
        for (correction, of) in [("ATTN", "attenuation"), ("DECAY", "decay")] {
            if !self.corrected.iter().any(|part| part == correction) {
                let found = self.corrected.join("\\");
                return Err(Unknown::new(
                    format!(
                        "CorrectedImage (0028,0051) is `{found}`, without {correction}: the series is not corrected for {of}"
                    ),
                    "choose the corrected series of the study",
                ));
            }
        }
        match self.decay.as_str() {
            "START" | "ADMIN" => Ok(()),
            other => Err(Unknown::new(
                format!(
                    "DecayCorrection (0054,1102) is `{other}`, not START or ADMIN, so that the time to which decay is corrected is not known"
                ),
                "choose the decay-corrected series of the study",
            )),
        }
    }

    /// Of what kind stored uptake values are: by body weight where the file does not say.
    pub fn stored_suv(&self) -> Result<Suv, Unknown> {
        let usual = match self.units.as_str() {
            "CM2ML" => Suv::BodySurfaceArea,
            _ => Suv::BodyWeight,
        };
        let term = self.suv_type.as_deref().unwrap_or(usual.term());
        let known = Suv::ALL.into_iter().find(|suv| suv.term() == term);
        known.ok_or_else(|| {
            let reason =
                format!("SUVType (0054,1006) is `{term}`, which is no term of the standard");
            Unknown::new(reason, "correct it")
        })
    }
}

/// Less is no dose in Bq, but one in MBq or mCi.
const SMALLEST_DOSE: f64 = 1e4;

fn tracer(file: &DicomFile) -> Result<Tracer, Unknown> {
    let [item] = file.set.items(tags::TRACERS) else {
        let count = file.set.items(tags::TRACERS).len();
        return Err(Unknown::new(
            format!(
                "RadiopharmaceuticalInformationSequence (0054,0016) has {count} items, expected one"
            ),
            "add the injected dose, its time and the half life in one item",
        ));
    };
    let positive = |tag, name: &str| {
        let value = file.real(item, tag).filter(|v| v.is_finite() && *v > 0.0);
        value.ok_or_else(|| Unknown::missing(name))
    };
    let dose = positive(tags::TRACER_DOSE, "RadionuclideTotalDose (0018,1074)")?;
    if dose < SMALLEST_DOSE {
        let reason =
            format!("RadionuclideTotalDose (0018,1074) is {dose} Bq, too little to be seen");
        return Err(Unknown::new(reason, "correct it to Bq"));
    }
    let half_life = positive(tags::TRACER_HALF_LIFE, "RadionuclideHalfLife (0018,1075)")?;
    Ok(Tracer {
        dose,
        half_life,
        injected: injected(file, item),
    })
}

fn injected(file: &DicomFile, item: &DataSet) -> Option<Injected> {
    let whole = file.text(item, tags::TRACER_START_DATE_TIME);
    // A date alone is no time.
    let whole = whole.filter(|text| text.trim().len() > 8);
    let of_day = || {
        let time = file.text(item, tags::TRACER_START_TIME)?;
        Some(Injected::OfDay(moment_of(None, &time)?))
    };
    let at = whole.and_then(|text| moment(&text)).map(Injected::At);
    at.or_else(of_day)
}
