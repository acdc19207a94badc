//! The files of a derived series.

use super::SeriesWriter;
use super::modality::{Class, Describe};
use super::scale::Storage;
use super::slices::Slices;
use crate::identity::{self, Moment};
use crate::set::Set;
use crate::space::{Plane, dot};
use crate::text::Charset;
use crate::uid::new_uid;
use crate::{Error, Result, file};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use std::io::Write;
use std::path::Path;
use vesalius_io::write_atomically;
use vesalius_volume::Warning;

/// What the files of a series have in common.
pub(super) struct Job<'a> {
    pub writer: &'a SeriesWriter,
    pub slices: &'a Slices,
    pub class: Class,
    pub storage: Storage,
    pub charset: Charset,
    pub moment: Moment,
    pub series_uid: String,
}

impl Job<'_> {
    pub fn write(
        &self,
        slice: usize,
        values: impl Iterator<Item = i32>,
        path: &Path,
    ) -> Result<Vec<Warning>> {
        let instance = new_uid()?;
        let (set, told) = self.header(slice, &instance)?;
        let [columns, rows] = self.slices.plane_size();
        let length = (columns * rows * 2) as u32;
        let mut bytes = Vec::with_capacity(length as usize);
        // Both kinds of words have the same low bits.
        values.for_each(|value| bytes.extend((value as u16).to_le_bytes()));
        write_atomically(path, |to| {
            file::begin(to, self.class.uid(), &instance, file::EXPLICIT)?;
            file::elements(to, set.object())?;
            to.write_all(&file::long_header(tags::PIXEL_DATA, VR::OW, length))?;
            to.write_all(&bytes)
        })?;
        Ok(told)
    }

    fn header(&self, slice: usize, instance: &str) -> Result<(Set<'_>, Vec<Warning>)> {
        let source = &self.writer.source;
        let mut set = Set::new(&self.charset);
        identity::patient_and_study(&mut set, source);
        identity::frame_of_reference(&mut set, source);
        identity::equipment(&mut set)?;
        identity::lossy(&mut set, source)?;
        set.text(tags::SOP_CLASS_UID, self.class.uid())?;
        set.text(tags::SOP_INSTANCE_UID, instance)?;
        let plane = self.slices.plane(slice);
        let origins = self.origins(&plane);
        let describe = Describe {
            source,
            class: self.class,
            slices: self.slices.count(),
        };
        let nearest = origins.first().copied().unwrap_or(0);
        let told = describe.describe(&mut set, nearest, slice)?;
        self.series(&mut set, slice)?;
        self.derived_from(&mut set, origins)?;
        self.place(&mut set, &plane);
        self.pixels(&mut set)?;
        Ok((set, told))
    }

    fn series(&self, set: &mut Set, slice: usize) -> Result<()> {
        let writer = self.writer;
        let modality = if self.class == Class::Other {
            "OT"
        } else {
            &writer.source.modality
        };
        set.text(tags::MODALITY, modality)?;
        set.text(tags::SERIES_INSTANCE_UID, &self.series_uid)?;
        let number = identity::series_number(&writer.source, writer.series_number, 500);
        set.integer(tags::SERIES_NUMBER, number);
        match writer.description.is_empty() {
            true => set.text(tags::SERIES_DESCRIPTION, "derived")?,
            false => set.text(tags::SERIES_DESCRIPTION, &writer.description)?,
        };
        set.integer(tags::INSTANCE_NUMBER, slice as i64 + 1);
        self.moment
            .write(set, [tags::CONTENT_DATE, tags::CONTENT_TIME])?;
        set.text(tags::DERIVATION_DESCRIPTION, &writer.derivation)?;
        Ok(())
    }

    /// The files whose frames cross the slice, or the nearest where none does; the nearest first.
    fn origins(&self, plane: &Plane) -> Vec<usize> {
        let source = &self.writer.source;
        let up = plane.normal();
        let step = self.slices.grid.spacing()[2];
        let at = plane.height(up);
        let away = |number: &usize| {
            let frame = source.frames[*number].plane.unwrap_or(*plane);
            let heights = frame
                .corners(source.size)
                .map(|corner| dot(corner, up) - at);
            let (low, high) = heights
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &h| {
                    (a.min(h), b.max(h))
                });
            low.max(-high).max(0.0)
        };
        let mut near: Vec<(f64, usize)> = (0..source.frames.len()).map(|i| (away(&i), i)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        // A slice on a frame has no part of the next one.
        let limit = near
            .first()
            .map_or(0.0, |(nearest, _)| (step * 0.5).max(*nearest))
            - step * 1e-3;
        let mut found: Vec<usize> = Vec::new();
        for (i, (away, frame)) in near.iter().enumerate() {
            let instance = source.frames[*frame].instance;
            if (i == 0 || *away < limit) && !found.contains(&instance) {
                found.push(instance);
            }
        }
        found
    }

    fn derived_from(&self, set: &mut Set, origins: Vec<usize>) -> Result<()> {
        let source = &self.writer.source;
        let items = origins.iter().map(|&i| {
            let instance = &source.instances[i];
            let mut item = identity::reference(set, &instance.class, &instance.uid)?;
            let purpose = identity::code_item(
                set,
                "121322",
                "DCM",
                "Source image for image processing operation",
            )?;
            item.items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]);
            Ok(item)
        });
        let items = items.collect::<Result<Vec<_>>>()?;
        set.items(tags::SOURCE_IMAGE_SEQUENCE, items);
        identity::referenced_series(set, source, &origins)
    }

    fn place(&self, set: &mut Set, plane: &Plane) {
        let step = self.slices.grid.spacing()[2];
        let cosines = [plane.row, plane.column].concat();
        set.decimals(tags::IMAGE_POSITION_PATIENT, &plane.position);
        set.decimals(tags::IMAGE_ORIENTATION_PATIENT, &cosines);
        set.decimals(tags::PIXEL_SPACING, &[plane.spacing[1], plane.spacing[0]]);
        set.decimals(tags::SLICE_THICKNESS, &[step]);
        if self.class == Class::Mr {
            set.decimals(tags::SPACING_BETWEEN_SLICES, &[step]);
        }
        if self.class != Class::Other {
            set.decimals(tags::SLICE_LOCATION, &[plane.height(plane.normal())]);
        }
    }

    fn pixels(&self, set: &mut Set) -> Result<()> {
        let [columns, rows] = self.slices.plane_size();
        let size = |n: usize| {
            u16::try_from(n).map_err(|_| {
            Error::source("", format!("{columns} × {rows} pixels are more than the 65535 that a slice may have; crop the volume"))
        })
        };
        set.words(tags::SAMPLES_PER_PIXEL, &[1]);
        set.text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")?;
        set.words(tags::ROWS, &[size(rows)?]);
        set.words(tags::COLUMNS, &[size(columns)?]);
        set.words(tags::BITS_ALLOCATED, &[16]);
        set.words(tags::BITS_STORED, &[16]);
        set.words(tags::HIGH_BIT, &[15]);
        set.words(
            tags::PIXEL_REPRESENTATION,
            &[u16::from(self.storage.signed)],
        );
        if self.class != Class::Mr || !self.storage.is_plain() {
            set.decimals(tags::RESCALE_INTERCEPT, &[self.storage.intercept]);
            set.decimals(tags::RESCALE_SLOPE, &[self.storage.slope]);
        }
        let [centre, width] = self.storage.window();
        set.decimals(tags::WINDOW_CENTER, &[centre]);
        set.decimals(tags::WINDOW_WIDTH, &[width]);
        Ok(())
    }
}
