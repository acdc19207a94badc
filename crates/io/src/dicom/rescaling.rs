//! How stored numbers become values: rescaling, the factor of a dose, the real-world values of a parametric map.

use super::element::DataSet;
use super::facts::is_parametric_map;
use super::file::DicomFile;
use super::tags;
use crate::Scaling;

/// The real-world values of a parametric map, which are its meaning; of other images they stand beside the rescaling.
pub(super) fn mapping(file: &DicomFile, item: Option<&DataSet>) -> Option<Scaling> {
    let item = item.filter(|_| is_parametric_map(file))?;
    let real = |tag| file.f64(item, tag).filter(|value| value.is_finite());
    let slope = real(tags::MAPPING_SLOPE).filter(|slope| *slope != 0.0)?;
    let intercept = real(tags::MAPPING_INTERCEPT)?;
    Some(Scaling { slope, intercept })
}

/// An attribute of the scaling that holds no usable number: which, what it holds, what is taken.
pub(super) type Unusable = (&'static str, String, f64);

/// The scaling of a frame, and what of it cannot be used. A dose has a factor of its own.
pub(super) fn scaling(file: &DicomFile, transformation: &DataSet) -> (Scaling, Vec<Unusable>) {
    let real = |set, tag| file.real(set, tag).filter(|v| v.is_finite());
    let mut unusable = Vec::new();
    if file.text(&file.set, tags::MODALITY).as_deref() == Some("RTDOSE") {
        let slope = real(&file.set, tags::DOSE_SCALING).filter(|slope| *slope > 0.0);
        if slope.is_none() {
            let found = file.text(&file.set, tags::DOSE_SCALING);
            let found = found.unwrap_or_else(|| "empty or missing".to_owned());
            unusable.push(("DoseGridScaling", found, 1.0));
        }
        let slope = slope.unwrap_or(1.0);
        let intercept = 0.0;
        return (Scaling { slope, intercept }, unusable);
    }
    let slope = real(transformation, tags::RESCALE_SLOPE).filter(|slope| *slope != 0.0);
    let intercept = real(transformation, tags::RESCALE_INTERCEPT);
    for (tag, name, value, usual) in [
        (tags::RESCALE_SLOPE, "RescaleSlope", slope, 1.0),
        (tags::RESCALE_INTERCEPT, "RescaleIntercept", intercept, 0.0),
    ] {
        if value.is_none() && transformation.get(tag).is_some() {
            let text = file.text(transformation, tag);
            unusable.push((name, text.unwrap_or_else(|| "empty".to_owned()), usual));
        }
    }
    let (slope, intercept) = (slope.unwrap_or(1.0), intercept.unwrap_or(0.0));
    (Scaling { slope, intercept }, unusable)
}
