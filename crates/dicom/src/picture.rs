//! A picture of results as a secondary capture (PS3.3 A.8.1), for viewers that show neither segmentations nor reports.

use crate::identity::{self, Moment, code_item, reference};
use crate::seg::WrittenSeg;
use crate::set::Set;
use crate::source::{Source, SourceOptions};
use crate::target::Target;
use crate::text::Charset;
use crate::uid::new_uid;
use crate::{Error, Result, file, raw};
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_io::Series;

/// The largest side of a picture.
const LARGEST: usize = u16::MAX as usize;

/// Red, green and blue bytes of a picture.
///
/// ```
/// use vesalius_dicom::RgbPicture;
///
/// // 2 columns, 1 row: red and white.
/// let picture = RgbPicture::new([2, 1], &[255, 0, 0, 255, 255, 255])?;
/// assert_eq!(picture.size(), [2, 1]);
/// assert!(RgbPicture::new([2, 2], &[0; 6]).is_err());
/// # Ok::<(), vesalius_dicom::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RgbPicture<'a> {
    size: [usize; 2],
    pixels: &'a [u8],
}

impl<'a> RgbPicture<'a> {
    /// A picture of `[columns, rows]` pixels, row by row from the top, three bytes each.
    ///
    /// # Errors
    /// [`Error::Picture`] for another number of bytes, and for a side of no or more than 65,535 pixels.
    pub fn new(size: [usize; 2], pixels: &'a [u8]) -> Result<Self> {
        let [columns, rows] = size;
        if size.iter().any(|n| !(1..=LARGEST).contains(n)) {
            return Err(Error::Picture(format!(
                "a picture of {columns} × {rows} pixels cannot be stored, expected 1 to {LARGEST} on each side; draw it in another size"
            )));
        }
        let wanted = columns * rows * 3;
        if pixels.len() != wanted {
            return Err(Error::Picture(format!(
                "a picture of {columns} × {rows} pixels has {wanted} bytes, and {} were given; give red, green and blue of each pixel",
                pixels.len()
            )));
        }
        Ok(Self { size, pixels })
    }

    /// Columns and rows.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }
}

/// Writes a picture as a secondary capture of the patient and study of a series.
///
/// The object says that text is burned in: what is drawn, such as that it was made by software and is not for
/// diagnosis, is the caller's. It has no frame of reference, and names the images that it was made from.
///
/// ```
/// use vesalius_dicom::{PictureWriter, RgbPicture};
/// use vesalius_io::list_series;
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let grey = vec![127; 64 * 48 * 3];
/// let written = PictureWriter::new(series)?
///     .description("Segmentation, overview")
///     .write(RgbPicture::new([64, 48], &grey)?, folder.path().join("picture.dcm"))?;
/// assert!(written.path.is_some_and(|path| path.exists()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PictureWriter {
    source: Source,
    seg: Option<WrittenSeg>,
    series_number: Option<u32>,
    description: String,
}

/// A picture that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenPicture {
    /// The file, where it was not written to a stream.
    pub path: Option<PathBuf>,
    /// SOPInstanceUID.
    pub instance_uid: String,
    /// SeriesInstanceUID.
    pub series_uid: String,
}

impl PictureWriter {
    /// A writer of pictures of `series`.
    ///
    /// # Errors
    /// As [`SegWriter::new`](crate::SegWriter::new).
    pub fn new(series: &Series) -> Result<Self> {
        Self::with_options(series, &SourceOptions::default())
    }

    /// As [`PictureWriter::new`], with options of the source.
    ///
    /// # Errors
    /// As [`PictureWriter::new`], and [`Error::Cancelled`].
    pub fn with_options(series: &Series, options: &SourceOptions) -> Result<Self> {
        Ok(Self {
            source: Source::with_options(series, options)?,
            seg: None,
            series_number: None,
            description: "Segmentation, picture".to_owned(),
        })
    }

    /// The segmentation that the picture shows, to which it refers.
    pub fn segmentation(mut self, seg: &WrittenSeg) -> Self {
        self.seg = Some(seg.clone());
        self
    }

    /// SeriesNumber; otherwise the source's and 600.
    pub fn series_number(mut self, number: u32) -> Self {
        self.series_number = Some(number);
        self
    }

    /// SeriesDescription, at most 64 characters.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Writes a picture. A file appears when it is complete; one that exists is not replaced.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Text`], [`Error::Io`].
    pub fn write(&self, picture: RgbPicture, path: impl AsRef<Path>) -> Result<WrittenPicture> {
        self.write_target(picture, Target::File(path.as_ref()))
    }

    /// Writes a picture to a stream such as a connection or a buffer.
    ///
    /// # Errors
    /// As [`PictureWriter::write`], and [`Error::Stream`], after which the stream holds a part of the object.
    pub fn write_to(&self, picture: RgbPicture, mut to: impl Write) -> Result<WrittenPicture> {
        self.write_target(picture, Target::Stream(&mut to))
    }

    fn write_target(&self, picture: RgbPicture, target: Target) -> Result<WrittenPicture> {
        target.check()?;
        let mut written = WrittenPicture {
            path: None,
            instance_uid: new_uid()?,
            series_uid: new_uid()?,
        };
        let charset = Charset::of(self.source.head(), &[&self.description]);
        let mut set = Set::new(&charset);
        self.header(&mut set, &written)?;
        pixels(&mut set, picture.size)?;
        let class = uids::SECONDARY_CAPTURE_IMAGE_STORAGE;
        let odd = picture.pixels.len() % 2;
        // Both sides are words of 16 bits, whose product and 3 may be more than 32 bits.
        let length = u32::try_from(picture.pixels.len() + odd).map_err(|_| {
            let what =
                "the picture has more than the 4 GiB that an object can hold; draw it smaller";
            Error::Picture(what.to_owned())
        })?;
        written.path = target.write(|to| {
            file::begin(to, class, &written.instance_uid, file::EXPLICIT)?;
            file::elements(to, set.object())?;
            to.write_all(&file::long_header(tags::PIXEL_DATA, VR::OB, length))?;
            to.write_all(picture.pixels)?;
            to.write_all(&[0][..odd])
        })?;
        Ok(written)
    }

    fn header(&self, set: &mut Set, written: &WrittenPicture) -> Result<()> {
        let source = &self.source;
        identity::patient_and_study(set, source);
        identity::equipment(set)?;
        identity::lossy(set, source)?;
        set.text(tags::SOP_CLASS_UID, uids::SECONDARY_CAPTURE_IMAGE_STORAGE)?;
        set.text(tags::SOP_INSTANCE_UID, &written.instance_uid)?;
        set.text(tags::SERIES_INSTANCE_UID, &written.series_uid)?;
        set.text(tags::MODALITY, "OT")?;
        let number = identity::series_number(source, self.series_number, 600);
        set.integer(tags::SERIES_NUMBER, number);
        set.integer(tags::INSTANCE_NUMBER, 1);
        set.text(tags::SERIES_DESCRIPTION, &self.description)?;
        Moment::now().write(set, [tags::CONTENT_DATE, tags::CONTENT_TIME])?;
        set.text(tags::CONVERSION_TYPE, "WSD")?;
        set.texts(tags::IMAGE_TYPE, &["DERIVED", "SECONDARY"])?;
        set.text(
            tags::DERIVATION_DESCRIPTION,
            "Picture of results made by software, not for diagnosis",
        )?;
        set.text(tags::BURNED_IN_ANNOTATION, "YES")?;
        set.empty(tags::PATIENT_ORIENTATION);
        for tag in [tags::BODY_PART_EXAMINED, tags::LATERALITY] {
            if source.is_shared(tag) && raw::text(source.head(), tag).is_some() {
                set.copy(source.head(), tag);
            }
        }
        if set.object().get(tags::LATERALITY).is_none() {
            // Required of a paired part of the body, and of one that is not named; unknown: without a value.
            set.empty(tags::IMAGE_LATERALITY);
        }
        let images: Vec<usize> = (0..source.instances.len()).collect();
        identity::referenced_series(set, source, &images)?;
        let items = source.instances.iter().map(|instance| {
            let mut item = reference(set, &instance.class, &instance.uid)?;
            let purpose = code_item(set, "121324", "DCM", "Source image")?;
            item.items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]);
            Ok(item)
        });
        let items = items.collect::<Result<Vec<_>>>()?;
        set.items(tags::SOURCE_IMAGE_SEQUENCE, items);
        if let Some(seg) = &self.seg {
            let mut series = set.item();
            series.text(tags::SERIES_INSTANCE_UID, &seg.series_uid)?;
            let item = reference(set, &seg.class_uid, &seg.instance_uid)?;
            series.items(tags::REFERENCED_INSTANCE_SEQUENCE, vec![item]);
            set.append(tags::REFERENCED_SERIES_SEQUENCE, series);
        }
        Ok(())
    }
}

fn pixels(set: &mut Set, [columns, rows]: [usize; 2]) -> Result<()> {
    set.text(tags::PHOTOMETRIC_INTERPRETATION, "RGB")?;
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 3),
        (tags::PLANAR_CONFIGURATION, 0),
        // A picture has words of 16 bits for its sides.
        (tags::ROWS, rows as u16),
        (tags::COLUMNS, columns as u16),
        (tags::BITS_ALLOCATED, 8),
        (tags::BITS_STORED, 8),
        (tags::HIGH_BIT, 7),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        set.words(tag, &[value]);
    }
    Ok(())
}
