//! What a report of measurements holds: the objects that it rests on, and TID 1500 with a group (TID 1411) a segment.

use super::content::{Concept, Content};
use super::quantity::quantity;
use super::{Measurements, ReportWriter};
use crate::identity::{self, reference};
use crate::seg::Segment;
use crate::set::Set;
use crate::{Error, Result, raw};
use dicom_dictionary_std::tags;
use vesalius_filters::Diameter;

const MM: Concept = ("mm", "UCUM", "millimeter");
const MM3: Concept = ("mm3", "UCUM", "cubic millimeter");
const MAXIMUM: Concept = ("56851009", "SCT", "Maximum");
const DERIVATION: Concept = ("121401", "DCM", "Derivation");

impl ReportWriter {
    /// The objects that the report rests on: the images and their segmentation.
    pub(super) fn evidence(&self, set: &mut Set) -> Result<()> {
        let mut images = set.item();
        images.copy(self.source.head(), tags::SERIES_INSTANCE_UID);
        let items = self
            .source
            .instances
            .iter()
            .map(|image| reference(set, &image.class, &image.uid));
        let items = items.collect::<Result<Vec<_>>>()?;
        images.items(tags::REFERENCED_SOP_SEQUENCE, items);
        let mut seg = set.item();
        seg.text(tags::SERIES_INSTANCE_UID, &self.seg.series_uid)?;
        let item = reference(set, &self.seg.class_uid, &self.seg.instance_uid)?;
        seg.items(tags::REFERENCED_SOP_SEQUENCE, vec![item]);
        let mut study = set.item();
        study.copy(self.source.head(), tags::STUDY_INSTANCE_UID);
        study.items(tags::REFERENCED_SERIES_SEQUENCE, vec![images, seg]);
        set.items(
            tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
            vec![study],
        );
        Ok(())
    }

    pub(super) fn content<'a>(
        &self,
        content: Content<'_, 'a>,
        measurements: &[Measurements],
    ) -> Result<Vec<Set<'a>>> {
        let observer = "HAS OBS CONTEXT";
        let mut groups = Vec::with_capacity(measurements.len());
        for measured in measurements.iter().filter(|measured| !measured.is_empty()) {
            let segment = self
                .seg
                .segments
                .iter()
                .find(|(number, _)| *number == measured.segment);
            let (_, segment) = segment.ok_or_else(|| {
                let what = format!(
                    "segment {} is measured, and the segmentation has none of this number",
                    measured.segment
                );
                Error::Segments(what)
            })?;
            groups.push(self.group(content, measured, segment)?);
        }
        Ok(vec![
            content.coded(
                "HAS CONCEPT MOD",
                ("121049", "DCM", "Language of Content Item and Descendants"),
                ("en-US", "RFC5646", "English (United States)"),
                Vec::new(),
            )?,
            content.coded(
                observer,
                ("121005", "DCM", "Observer Type"),
                ("121007", "DCM", "Device"),
                Vec::new(),
            )?,
            content.uid(
                observer,
                ("121012", "DCM", "Device Observer UID"),
                identity::IMPLEMENTATION_CLASS,
            )?,
            content.text(
                observer,
                ("121013", "DCM", "Device Observer Name"),
                identity::MANUFACTURER,
            )?,
            content.text(
                observer,
                ("121014", "DCM", "Device Observer Manufacturer"),
                identity::MANUFACTURER,
            )?,
            content.text(
                observer,
                ("121015", "DCM", "Device Observer Model Name"),
                identity::MANUFACTURER,
            )?,
            content.coded(
                "HAS CONCEPT MOD",
                ("121058", "DCM", "Procedure reported"),
                procedure(&self.source.modality),
                Vec::new(),
            )?,
            content.container(
                "CONTAINS",
                ("126010", "DCM", "Imaging Measurements"),
                None,
                groups,
            )?,
        ])
    }

    fn group<'a>(
        &self,
        content: Content<'_, 'a>,
        measured: &Measurements,
        segment: &Segment,
    ) -> Result<Set<'a>> {
        let code = |code: &'_ crate::Code| {
            (
                code.value.clone(),
                code.scheme.clone(),
                code.meaning.clone(),
            )
        };
        let mut items = Vec::new();
        if let Some((id, uid)) = &segment.tracking {
            items.push(content.text(
                "HAS OBS CONTEXT",
                ("112039", "DCM", "Tracking Identifier"),
                id,
            )?);
            items.push(content.uid(
                "HAS OBS CONTEXT",
                ("112040", "DCM", "Tracking Unique Identifier"),
                uid,
            )?);
        }
        let (value, scheme, meaning) = code(&segment.kind);
        items.push(content.coded(
            "CONTAINS",
            ("121071", "DCM", "Finding"),
            (&value, &scheme, &meaning),
            Vec::new(),
        )?);
        let (class, instance) = (&self.seg.class_uid, &self.seg.instance_uid);
        items.push(content.segment(
            ("121191", "DCM", "Referenced Segment"),
            class,
            instance,
            measured.segment,
        )?);
        let source = raw::text(self.source.head(), tags::SERIES_INSTANCE_UID).unwrap_or_default();
        items.push(content.uid(
            "CONTAINS",
            ("121232", "DCM", "Source series for segmentation"),
            &source,
        )?);
        let site = segment
            .region
            .as_ref()
            .map(|region| (region, segment.region_modifier.as_ref()));
        // What is a part of the anatomy lies where it is.
        let site = site.unwrap_or((&segment.kind, segment.modifier.as_ref()));
        let (value, scheme, meaning) = code(site.0);
        let side = site.1.map(code);
        let side = side.map(|(value, scheme, meaning)| {
            content.coded(
                "HAS CONCEPT MOD",
                ("272741003", "SCT", "Laterality"),
                (&value, &scheme, &meaning),
                Vec::new(),
            )
        });
        let side: Vec<Set> = side.transpose()?.into_iter().collect();
        items.push(content.coded(
            "HAS CONCEPT MOD",
            ("363698007", "SCT", "Finding Site"),
            (&value, &scheme, &meaning),
            side,
        )?);
        let (name, version) = &self.algorithm;
        items.push(content.text("HAS CONCEPT MOD", ("111001", "DCM", "Algorithm Name"), name)?);
        items.push(content.text(
            "HAS CONCEPT MOD",
            ("111003", "DCM", "Algorithm Version"),
            version,
        )?);
        items.extend(self.numbers(content, measured)?);
        content.container(
            "CONTAINS",
            ("125007", "DCM", "Measurement Group"),
            Some("1411"),
            items,
        )
    }

    fn numbers<'a>(
        &self,
        content: Content<'_, 'a>,
        measured: &Measurements,
    ) -> Result<Vec<Set<'a>>> {
        let mut items = Vec::new();
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        if let Some(volume) = finite(measured.volume) {
            items.push(content.number(("118565006", "SCT", "Volume"), volume, MM3, Vec::new())?);
        }
        items.extend(self.diameters(content, measured)?);
        let Some(intensity) = measured.intensity else {
            return Ok(items);
        };
        let Some((name, unit)) = quantity(&self.source, self.suv) else {
            return Ok(items);
        };
        for (value, how) in [
            (intensity.mean, ("373098007", "SCT", "Mean")),
            (
                intensity.deviation.unwrap_or(f64::NAN),
                ("386136009", "SCT", "Standard Deviation"),
            ),
            (intensity.median, ("373099004", "SCT", "Median")),
            (intensity.minimum, ("255605001", "SCT", "Minimum")),
            (intensity.maximum, MAXIMUM),
        ] {
            if value.is_finite() {
                let how = content.coded("HAS CONCEPT MOD", DERIVATION, how, Vec::new())?;
                items.push(content.number(name, value, unit, vec![how])?);
            }
        }
        Ok(items)
    }
}

impl ReportWriter {
    /// The diameters whose length is finite, with the places of their ends.
    fn diameters<'a>(
        &self,
        content: Content<'_, 'a>,
        measured: &Measurements,
    ) -> Result<Vec<Set<'a>>> {
        let mut items = Vec::new();
        let finite = |diameter: Option<Diameter>| diameter.filter(|d| d.length.is_finite());
        if let Some(diameter) = finite(measured.slice_diameter) {
            let largest = content.coded("HAS CONCEPT MOD", DERIVATION, MAXIMUM, Vec::new())?;
            let mut about = vec![largest];
            about.extend(self.on_image(content, &diameter)?);
            let name = ("81827009", "SCT", "Diameter");
            items.push(content.number(name, diameter.length, MM, about)?);
        }
        if let Some(diameter) = finite(measured.diameter) {
            let about = self.in_space(content, &diameter)?;
            let name = ("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh");
            items.push(content.number(name, diameter.length, MM, about)?);
        }
        Ok(items)
    }
}

fn procedure(modality: &str) -> Concept<'static> {
    match modality {
        "CT" => ("77477000", "SCT", "Computed tomography"),
        _ => ("363679005", "SCT", "Imaging procedure"),
    }
}
