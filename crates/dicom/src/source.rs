//! The series that results are derived from: its patient and study as bytes, its instances, and where its frames lie.

use crate::identity::MANUFACTURER;
use crate::raw;
use crate::source_options::OwnResultRule;
pub(crate) use crate::source_options::SourceOptions;
use crate::space::{Plane, Point, dot};
use crate::{Error, Result};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_io::Series;

/// Attributes that all files of one series share; where they differ, the files do not belong together.
const SHARED: [Tag; 5] = [
    tags::PATIENT_ID,
    tags::PATIENT_NAME,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
];

/// Modalities of objects that hold no image of a patient.
const NO_IMAGES: [&str; 6] = ["SEG", "RTSTRUCT", "SR", "PR", "KO", "REG"];

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub path: PathBuf,
    pub class: String,
    pub uid: String,
    /// Whether its frames are referred to by number.
    pub multi_frame: bool,
    /// Its header without private elements and without the sequences of its frames.
    pub header: InMemDicomObject,
}

/// One frame.
#[derive(Debug, Clone)]
pub(crate) struct SourceFrame {
    /// Number of its file in [`Source::instances`].
    pub instance: usize,
    /// Number of the stored frame, from 1.
    pub number: usize,
    pub plane: Option<Plane>,
    /// Values as they are written: position, orientation, pixel spacing, slice thickness.
    pub position: Option<Vec<u8>>,
    pub orientation: Option<Vec<u8>>,
    pub spacing: Option<Vec<u8>>,
    pub thickness: Option<Vec<u8>>,
}

/// A series as the source of results.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub instances: Vec<Instance>,
    /// Sorted along the normal where all have a place, else as the series lists them.
    pub frames: Vec<SourceFrame>,
    /// Columns and rows.
    pub size: [usize; 2],
    pub modality: String,
}

impl Source {
    /// Reads the headers of a series.
    ///
    /// # Errors
    /// [`Error::Source`] for a file that cannot be read or names no patient, study or instance;
    /// [`Error::MixedSource`] for files of two.
    pub fn open(series: &Series, control: &Control) -> Result<Self> {
        if NO_IMAGES.contains(&series.modality.as_str()) {
            let path = series.files.first().cloned().unwrap_or_default();
            let what = format!(
                "a series of modality {} holds no image that results can refer to; choose the images that it was made from",
                series.modality
            );
            return Err(Error::source(path, what));
        }
        let mut paths: Vec<&Path> = Vec::new();
        let mut numbers: BTreeMap<&Path, usize> = BTreeMap::new();
        for frame in series.stored_frames() {
            if frame.tile.is_some() {
                let what = "its slices are tiles of one stored frame (a mosaic), which results cannot refer to; write the volume as a series of its own first";
                return Err(Error::source(frame.file, what));
            }
            numbers.entry(frame.file).or_insert_with(|| {
                paths.push(frame.file);
                paths.len() - 1
            });
        }
        let stage = control.stage("headers", paths.len() as u64);
        let mut instances = Vec::with_capacity(paths.len());
        let mut groups = Vec::with_capacity(paths.len());
        for path in &paths {
            control.check()?;
            let (instance, frames) = instance(path)?;
            instances.push(instance);
            groups.push(frames);
            stage.advance(1);
        }
        check_same(&instances)?;
        let frames = series.stored_frames().map(|stored| {
            let number = numbers[stored.file];
            frame(number, stored.index, &instances[number], &groups[number])
        });
        let mut frames: Vec<SourceFrame> = frames.collect();
        sort(&mut frames);
        Ok(Self {
            instances,
            frames,
            size: [series.size[0], series.size[1]],
            modality: series.modality.clone(),
        })
    }

    /// As [`Source::open`], of a series that is no result of this library unless that is allowed.
    ///
    /// # Errors
    /// As [`Source::open`], and [`Error::OwnResult`].
    pub fn with_options(series: &Series, options: &SourceOptions) -> Result<Self> {
        let source = Self::open(series, &options.control)?;
        // The implementation class is in copies without names, too, which are no results.
        let ours = source.instances.iter().find(|instance| {
            raw::text(&instance.header, tags::MANUFACTURER).as_deref() == Some(MANUFACTURER)
        });
        match (ours, options.own_results) {
            (Some(instance), OwnResultRule::Refuse) => Err(Error::OwnResult {
                path: instance.path.clone(),
            }),
            _ => Ok(source),
        }
    }

    /// The header that all of the series have in common, as the first file has it.
    pub fn head(&self) -> &InMemDicomObject {
        &self.instances[0].header
    }

    pub fn path(&self) -> &Path {
        &self.instances[0].path
    }

    /// The unit normal of the first frame, where all frames have a plane.
    pub fn normal(&self) -> Option<Point> {
        self.frames
            .iter()
            .all(|frame| frame.plane.is_some())
            .then_some(())?;
        Some(self.frames.first()?.plane?.normal())
    }

    /// FrameOfReferenceUID, where the source has one and its frames have places.
    pub fn frame_of_reference(&self) -> Option<String> {
        self.normal()?;
        raw::text(self.head(), tags::FRAME_OF_REFERENCE_UID)
    }

    /// The corners of all frames, LPS.
    pub fn corners(&self) -> Vec<Point> {
        let planes = self.frames.iter().filter_map(|frame| frame.plane);
        planes.flat_map(|plane| plane.corners(self.size)).collect()
    }

    /// Whether every file's value of an attribute is the same.
    pub fn is_shared(&self, tag: Tag) -> bool {
        let first = self.head().get(tag);
        self.instances
            .iter()
            .all(|instance| instance.header.get(tag) == first)
    }
}

/// Frames by rising height along the first one's normal.
fn sort(frames: &mut [SourceFrame]) {
    let Some(up) = frames
        .first()
        .and_then(|frame| frame.plane)
        .map(|plane| plane.normal())
    else {
        return;
    };
    if frames.iter().all(|frame| frame.plane.is_some()) {
        let height = |frame: &SourceFrame| frame.plane.map_or(0.0, |plane| dot(plane.position, up));
        frames.sort_by(|a, b| height(a).total_cmp(&height(b)));
    }
}

fn check_same(instances: &[Instance]) -> Result<()> {
    let Some(first) = instances.first() else {
        return Err(Error::source(
            "",
            "the series has no frames; choose another",
        ));
    };
    for tag in SHARED {
        let value = raw::text(&first.header, tag);
        let other = instances
            .iter()
            .find(|other| raw::text(&other.header, tag) != value);
        if let Some(other) = other {
            return Err(Error::MixedSource {
                attribute: crate::text::keyword(tag),
                first: first.path.clone(),
                other: other.path.clone(),
            });
        }
    }
    Ok(())
}

/// The functional groups of a file's frames: shared, and of each frame.
struct Groups {
    shared: Option<InMemDicomObject>,
    frames: Vec<InMemDicomObject>,
}

fn instance(path: &Path) -> Result<(Instance, Groups)> {
    let mut header = raw::header(path)?;
    let need = |tag: Tag| {
        let missing = || {
            let keyword = crate::text::keyword(tag);
            Error::source(
                path,
                format!(
                    "it has no {keyword}, by which results refer to it; choose files as the scanner or the archive gave them"
                ),
            )
        };
        raw::text(&header, tag).ok_or_else(missing)
    };
    let (class, uid) = (need(tags::SOP_CLASS_UID)?, need(tags::SOP_INSTANCE_UID)?);
    need(tags::STUDY_INSTANCE_UID)?;
    need(tags::SERIES_INSTANCE_UID)?;
    let items = |element: dicom_object::mem::InMemElement| {
        element
            .into_value()
            .into_items()
            .unwrap_or_default()
            .into_iter()
            .collect::<Vec<_>>()
    };
    let frames = header
        .take(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
        .map(items)
        .unwrap_or_default();
    let shared = header
        .take(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
        .map(items)
        .unwrap_or_default();
    let count = raw::numbers::<1>(&header, tags::NUMBER_OF_FRAMES).map_or(1.0, |[n]| n);
    let multi_frame = count > 1.0 || !frames.is_empty();
    if count > 1.0 && frames.is_empty() && header.get(tags::IMAGE_POSITION_PATIENT).is_some() {
        let what = "its frames have one place for all of them and no functional groups (such as a dose or a scintigram), so that results cannot refer to a frame's place; write it as a series of its own first";
        return Err(Error::source(path, what));
    }
    header.retain(|element| element.header().tag.group() % 2 == 0);
    let instance = Instance {
        path: path.to_owned(),
        class,
        uid,
        multi_frame,
        header,
    };
    Ok((
        instance,
        Groups {
            shared: shared.into_iter().next(),
            frames,
        },
    ))
}

/// A frame's place: from its own group, the shared one, or the file.
fn frame(instance: usize, index: usize, of: &Instance, groups: &Groups) -> SourceFrame {
    let value = |sequence: Tag, tag: Tag| {
        let own = groups
            .frames
            .get(index)
            .and_then(|set| raw::item(set, sequence));
        let shared = groups
            .shared
            .as_ref()
            .and_then(|set| raw::item(set, sequence));
        let sets = [own, shared, Some(&of.header)];
        sets.into_iter().flatten().find_map(|set| {
            raw::text(set, tag)?;
            Some((raw::bytes(set, tag)?, set))
        })
    };
    let position = value(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT);
    let orientation = value(
        tags::PLANE_ORIENTATION_SEQUENCE,
        tags::IMAGE_ORIENTATION_PATIENT,
    );
    let spacing = value(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING);
    let thickness = value(tags::PIXEL_MEASURES_SEQUENCE, tags::SLICE_THICKNESS);
    let plane = || {
        let [x, y, z, u, v, w] =
            raw::numbers(orientation.as_ref()?.1, tags::IMAGE_ORIENTATION_PATIENT)?;
        let [between_rows, between_columns] =
            raw::numbers(spacing.as_ref()?.1, tags::PIXEL_SPACING)?;
        Some(Plane {
            position: raw::numbers(position.as_ref()?.1, tags::IMAGE_POSITION_PATIENT)?,
            row: [x, y, z],
            column: [u, v, w],
            spacing: [between_columns, between_rows],
        })
    };
    SourceFrame {
        instance,
        number: index + 1,
        plane: plane(),
        position: position.map(|(bytes, _)| bytes),
        orientation: orientation.map(|(bytes, _)| bytes),
        spacing: spacing.map(|(bytes, _)| bytes),
        thickness: thickness.map(|(bytes, _)| bytes),
    }
}
