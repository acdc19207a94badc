//! Content items of a structured report (PS3.3 C.17.3): a tree of named values.

use crate::Result;
use crate::identity::{code_item, reference};
use crate::set::Set;
use dicom_dictionary_std::tags;

/// A code of a report, with its scheme and meaning.
pub(super) type Concept<'c> = (&'c str, &'c str, &'c str);

/// Makes items in one character set.
#[derive(Clone, Copy)]
pub(super) struct Content<'s, 'a> {
    pub like: &'s Set<'a>,
}

impl<'a> Content<'_, 'a> {
    fn item(&self, relation: &str, kind: &str, name: Concept) -> Result<Set<'a>> {
        let mut item = self.like.item();
        item.text(tags::RELATIONSHIP_TYPE, relation)?;
        item.text(tags::VALUE_TYPE, kind)?;
        item.items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![self.code(name)?]);
        Ok(item)
    }

    pub fn code(&self, (value, scheme, meaning): Concept) -> Result<Set<'a>> {
        code_item(self.like, value, scheme, meaning)
    }

    pub fn container(
        &self,
        relation: &str,
        name: Concept,
        template: Option<&str>,
        items: Vec<Set<'a>>,
    ) -> Result<Set<'a>> {
        let mut item = self.item(relation, "CONTAINER", name)?;
        container(&mut item, template, items)?;
        Ok(item)
    }

    pub fn text(&self, relation: &str, name: Concept, text: &str) -> Result<Set<'a>> {
        let mut item = self.item(relation, "TEXT", name)?;
        item.text(tags::TEXT_VALUE, text)?;
        Ok(item)
    }

    pub fn uid(&self, relation: &str, name: Concept, uid: &str) -> Result<Set<'a>> {
        let mut item = self.item(relation, "UIDREF", name)?;
        item.text(tags::UID, uid)?;
        Ok(item)
    }

    pub fn coded(
        &self,
        relation: &str,
        name: Concept,
        value: Concept,
        items: Vec<Set<'a>>,
    ) -> Result<Set<'a>> {
        let mut item = self.item(relation, "CODE", name)?;
        item.items(tags::CONCEPT_CODE_SEQUENCE, vec![self.code(value)?]);
        if !items.is_empty() {
            item.items(tags::CONTENT_SEQUENCE, items);
        }
        Ok(item)
    }

    /// A number with its unit, as text of 16 characters and as it is.
    pub fn number(
        &self,
        name: Concept,
        value: f64,
        unit: Concept,
        items: Vec<Set<'a>>,
    ) -> Result<Set<'a>> {
        let mut item = self.item("CONTAINS", "NUM", name)?;
        let mut measured = self.like.item();
        measured.decimals(tags::NUMERIC_VALUE, &[value]);
        measured.double(tags::FLOATING_POINT_VALUE, value);
        measured.items(
            tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
            vec![self.code(unit)?],
        );
        item.items(tags::MEASURED_VALUE_SEQUENCE, vec![measured]);
        if !items.is_empty() {
            item.items(tags::CONTENT_SEQUENCE, items);
        }
        Ok(item)
    }

    /// Class and instance of an image, to which more may be added.
    pub fn image(&self, class: &str, instance: &str) -> Result<Set<'a>> {
        reference(self.like, class, instance)
    }

    /// A line on an image, from columns and rows of its ends, from which a number was inferred.
    pub fn line(&self, name: Concept, places: &[f64], image: Set<'a>) -> Result<Set<'a>> {
        let mut item = self.item("INFERRED FROM", "SCOORD", name)?;
        item.floats(tags::GRAPHIC_DATA, places);
        item.text(tags::GRAPHIC_TYPE, "POLYLINE")?;
        let mut from = self.like.item();
        from.text(tags::RELATIONSHIP_TYPE, "SELECTED FROM")?;
        from.text(tags::VALUE_TYPE, "IMAGE")?;
        from.items(tags::REFERENCED_SOP_SEQUENCE, vec![image]);
        item.items(tags::CONTENT_SEQUENCE, vec![from]);
        Ok(item)
    }

    /// A line in space, LPS mm in a frame of reference, from which a number was inferred.
    pub fn line_in_space(&self, name: Concept, places: &[f64], frame: &str) -> Result<Set<'a>> {
        let mut item = self.item("INFERRED FROM", "SCOORD3D", name)?;
        item.floats(tags::GRAPHIC_DATA, places);
        item.text(tags::GRAPHIC_TYPE, "POLYLINE")?;
        item.text(tags::REFERENCED_FRAME_OF_REFERENCE_UID, frame)?;
        Ok(item)
    }

    /// A segment of a segmentation.
    pub fn segment(
        &self,
        name: Concept,
        class: &str,
        instance: &str,
        segment: u16,
    ) -> Result<Set<'a>> {
        let mut item = self.item("CONTAINS", "IMAGE", name)?;
        let mut image = reference(self.like, class, instance)?;
        image.words(tags::REFERENCED_SEGMENT_NUMBER, &[segment]);
        item.items(tags::REFERENCED_SOP_SEQUENCE, vec![image]);
        Ok(item)
    }
}

/// Makes a data set a container with this template and content.
///
/// # Errors
/// As [`Set::text`].
pub(super) fn container<'a>(
    set: &mut Set<'a>,
    template: Option<&str>,
    items: Vec<Set<'a>>,
) -> Result<()> {
    set.text(tags::CONTINUITY_OF_CONTENT, "SEPARATE")?;
    if let Some(number) = template {
        let mut item = set.item();
        item.text(tags::MAPPING_RESOURCE, "DCMR")?;
        item.text(tags::TEMPLATE_IDENTIFIER, number)?;
        set.items(tags::CONTENT_TEMPLATE_SEQUENCE, vec![item]);
    }
    set.items(tags::CONTENT_SEQUENCE, items);
    Ok(())
}
