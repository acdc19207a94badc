//! What a file says as a whole: what kind of image it is, attributes that are carried along, those that are not applied.

use super::file::DicomFile;
use super::tags;
use crate::{Error, Result};
use std::collections::BTreeMap;
use vesalius_volume::Warning;

/// Whether a file has the size of an image and no pixels: one that lost them, or refers to another.
pub(super) fn lacks_pixels(file: &DicomFile) -> bool {
    let has = |tag| file.set.get(tag).is_some();
    let pixels = [tags::PIXELS, tags::FLOAT_PIXELS, tags::DOUBLE_PIXELS];
    has(tags::ROWS) && has(tags::COLUMNS) && !pixels.into_iter().any(has)
}

/// Whether the frames of a file are tiles of a whole slide of a microscope: its image, or a segmentation or map of it.
pub(super) fn is_whole_slide(file: &DicomFile) -> bool {
    let set = &file.set;
    let class = file.text(set, tags::SOP_CLASS);
    let groups = set.items(tags::FRAME_GROUPS).iter();
    let mut groups = groups.chain(set.items(tags::SHARED_GROUPS));
    class.as_deref() == Some("1.2.840.10008.5.1.4.1.1.77.1.6")
        || set.get(tags::TILED_COLUMNS).is_some()
        || groups.any(|group| group.item(tags::PLANE_POSITION_ON_SLIDE).is_some())
}

pub(super) fn is_parametric_map(file: &DicomFile) -> bool {
    let class = file.text(&file.set, tags::SOP_CLASS);
    class.as_deref() == Some("1.2.840.10008.5.1.4.1.1.30")
}

/// Refuses parametric maps whose real-world values are no single slope and intercept for each frame.
pub(super) fn check_mappings(file: &DicomFile) -> Result<()> {
    if !is_parametric_map(file) {
        return Ok(());
    }
    let refused = |what: &str| {
        let remedy =
            "write it with one RealWorldValueSlope and RealWorldValueIntercept for each frame";
        Err(Error::unsupported(&file.path, what, remedy))
    };
    let set = &file.set;
    let groups = set.items(tags::FRAME_GROUPS).iter();
    let groups = groups.chain(set.items(tags::SHARED_GROUPS));
    for group in groups.chain([set]) {
        let items = group.items(tags::MAPPINGS);
        if items.len() > 1 {
            return refused(
                "a parametric map with several real-world value mappings (0040,9096) of one frame",
            );
        }
        if items
            .iter()
            .any(|item| item.get(tags::MAPPING_TABLE).is_some())
        {
            return refused(
                "a parametric map whose real-world values are those of a table (0040,9212)",
            );
        }
    }
    Ok(())
}

/// The warning about an ultrasound volume, whose places are not those of the patient.
fn in_volume(file: &DicomFile) -> Option<Warning> {
    let set = &file.set;
    let groups = set.items(tags::FRAME_GROUPS).iter();
    let mut groups = groups.chain(set.items(tags::SHARED_GROUPS));
    let has = groups.any(|group| group.item(tags::PLANE_POSITION_IN_VOLUME).is_some());
    has.then(|| Warning::PositionAssumed {
        missing: "the place of the volume in the patient".to_owned(),
        taken: "frame of the transducer (ImagePositionVolume)".to_owned(),
    })
}

/// Attributes that change what values mean and are not applied, and bytes behind the pixels.
pub(super) fn not_applied(file: &DicomFile) -> Vec<Warning> {
    let ignored = |field: &str, value: &str| Warning::FieldIgnored {
        field: field.to_owned(),
        value: value.to_owned(),
    };
    let mut warnings = Vec::new();
    let float = [tags::FLOAT_PIXELS, tags::DOUBLE_PIXELS];
    match (
        is_monochrome1(file),
        float.iter().any(|&tag| file.set.get(tag).is_some()),
    ) {
        // Real numbers have no stored range to be inverted in.
        (true, true) => warnings.push(ignored("PhotometricInterpretation", "MONOCHROME1")),
        (true, false) => warnings.push(Warning::LowValuesBright { inverted: false }),
        (false, _) => {}
    }
    // The colours of a segmentation's labels are no brightness.
    let segmented = file.set.get(tags::SEGMENTATION_TYPE).is_some();
    if !segmented && file.text(&file.set, tags::PHOTOMETRIC).as_deref() == Some("PALETTE COLOR") {
        warnings.push(ignored("PhotometricInterpretation", "PALETTE COLOR"));
    }
    warnings.extend(in_volume(file));
    if file.set.get(tags::MODALITY_LUT).is_some() {
        warnings.push(ignored("ModalityLUTSequence", "a table"));
    }
    let surplus = pixel_bits(file).and_then(|(held, needed)| held.checked_sub(needed));
    // A byte pads the value to an even length.
    if let Some(bits) = surplus.filter(|bits| *bits >= 16) {
        warnings.push(Warning::SurplusData {
            file: file.path.clone(),
            bytes: bits / 8,
        });
    }
    warnings
}

pub(super) fn is_monochrome1(file: &DicomFile) -> bool {
    file.text(&file.set, tags::PHOTOMETRIC).as_deref() == Some("MONOCHROME1")
}

/// Bits of pixel data that are not packed: those that there are, and those that the frames need.
fn pixel_bits(file: &DicomFile) -> Option<(u64, u64)> {
    let set = &file.set;
    let word = |tag| u64::from(file.u16(set, tag).unwrap_or(1));
    let tag = [tags::PIXELS, tags::FLOAT_PIXELS, tags::DOUBLE_PIXELS];
    let bytes = tag.iter().find_map(|&tag| set.bytes(file.raw(), tag))?;
    let bits = word(tags::ROWS) * word(tags::COLUMNS) * word(tags::BITS_ALLOCATED);
    let count = file.real(set, tags::FRAMES).unwrap_or(1.0) as u64;
    Some((bytes.len() as u64 * 8, bits.saturating_mul(count)))
}

pub(super) fn metadata(file: &DicomFile) -> BTreeMap<String, String> {
    let text = |&(tag, name): &(u32, &str)| {
        let value = file.text(&file.set, tag)?;
        Some((name.to_owned(), value))
    };
    let mut metadata: BTreeMap<_, _> = tags::CARRIED.iter().filter_map(text).collect();
    if let Some(padding) = file.u16(&file.set, tags::PIXEL_PADDING) {
        let signed = file.u16(&file.set, tags::PIXEL_REPRESENTATION) == Some(1);
        let padding = if signed {
            i32::from(padding as i16)
        } else {
            padding.into()
        };
        metadata.insert("PixelPaddingValue".to_owned(), padding.to_string());
    }
    if !file.transfer_syntax.is_empty() {
        metadata.insert("TransferSyntaxUID".to_owned(), file.transfer_syntax.clone());
    }
    metadata
}
