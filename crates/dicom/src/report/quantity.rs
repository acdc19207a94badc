//! What the values of an image are, and their unit, as its source says it.

use super::content::Concept;
use crate::raw;
use crate::source::Source;
use dicom_dictionary_std::tags;
use vesalius_io::Suv;

/// A name of what is measured, and a unit.
pub(super) type Quantity = (Concept<'static>, Concept<'static>);

/// What the values of a source are; none where it does not say. `suv` is what its values became on reading.
pub(super) fn quantity(source: &Source, suv: Option<Suv>) -> Option<Quantity> {
    let text = |tag| raw::text(source.head(), tag);
    match (source.modality.as_str(), suv) {
        ("PT", Some(suv)) => uptake(suv),
        (_, Some(_)) => None,
        // Without a type a CT's values are Hounsfield units (PS3.3 C.8.2.1.1.2).
        ("CT", _) => match text(tags::RESCALE_TYPE).as_deref() {
            None | Some("HU" | "HU_MOD") => Some((
                ("112031", "DCM", "Attenuation Coefficient"),
                ("[hnsf'U]", "UCUM", "Hounsfield unit"),
            )),
            Some(_) => None,
        },
        ("MR", _) => Some((
            ("110852", "DCM", "MR signal intensity"),
            ("1", "UCUM", "no units"),
        )),
        ("PT", _) => match text(tags::UNITS).as_deref() {
            Some("BQML") => Some((
                ("110821", "DCM", "Nuclear Medicine Tomographic Activity"),
                ("Bq/ml", "UCUM", "Becquerels/milliliter"),
            )),
            Some("GML" | "CM2ML") => uptake(suv_type(source)?),
            _ => None,
        },
        _ => None,
    }
}

/// The SUVType of values that are uptakes; body weight where it is not said (PS3.3 C.8.9.1).
fn suv_type(source: &Source) -> Option<Suv> {
    let surface = raw::text(source.head(), tags::UNITS).as_deref() == Some("CM2ML");
    match (raw::text(source.head(), tags::SUV_TYPE).as_deref(), surface) {
        (None | Some("BSA"), true) => Some(Suv::BodySurfaceArea),
        (None | Some("BW"), false) => Some(Suv::BodyWeight),
        (Some("LBM"), false) => Some(Suv::LeanBodyMass),
        (Some("LBMJAMES128"), false) => Some(Suv::LeanBodyMassJames128),
        (Some("LBMJANMA"), false) => Some(Suv::LeanBodyMassJanmahasatian),
        (Some("IBW"), false) => Some(Suv::IdealBodyWeight),
        _ => None,
    }
}

/// Standardised uptake values; none for a kind without codes.
fn uptake(suv: Suv) -> Option<Quantity> {
    let (code, name, unit, meaning) = match suv {
        Suv::BodyWeight => ("126401", "SUVbw", "g/ml{SUVbw}", "body weight"),
        Suv::LeanBodyMass => ("126402", "SUVlbm", "g/ml{SUVlbm}", "lean body mass (James)"),
        Suv::LeanBodyMassJames128 => (
            "126402",
            "SUVlbm",
            "g/ml{SUVlbm(James128)}",
            "lean body mass (James 128 multiplier)",
        ),
        Suv::LeanBodyMassJanmahasatian => (
            "126402",
            "SUVlbm",
            "g/ml{SUVlbm(Janma)}",
            "lean body mass (Janma)",
        ),
        Suv::BodySurfaceArea => ("126403", "SUVbsa", "cm2/ml{SUVbsa}", "body surface area"),
        Suv::IdealBodyWeight => ("126404", "SUVibw", "g/ml{SUVibw}", "ideal body weight"),
        _ => return None,
    };
    Some(((code, "DCM", name), (unit, "UCUM", meaning)))
}
