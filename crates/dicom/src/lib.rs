//! Writes DICOM objects from volumes and labels, for the systems of hospitals.
//!
//! Objects belong to the patient and the study of the series that they were made from, whose texts are copied byte for
//! byte. Series are read by `vesalius_io`; this crate writes.
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | derived image series | [`SeriesWriter`], [`WrittenSeries`] |
//! | segmentations (SEG) | [`SegWriter`], [`WrittenSeg`], [`LabelSlices`], [`SegKind`], [`GridRule`], [`FrameRule`], [`EmptyRule`], [`SegSyntax`] |
//! | contours (RTSTRUCT) | [`RtStructWriter`], [`WrittenRtStruct`], [`Simplified`], [`HoleRule`] |
//! | measurements (SR, TID 1500) | [`ReportWriter`], [`Measurements`], [`Intensity`], [`Diameter`], [`ReportClass`], [`WrittenReport`] |
//! | pictures (secondary capture) | [`PictureWriter`], [`RgbPicture`], [`WrittenPicture`] |
//! | checks of objects | [`check_object`], [`ObjectCheck`], [`Finding`], [`Severity`] |
//! | sources and earlier objects | [`SourceOptions`], [`OwnResultRule`], [`Predecessor`] |
//! | what segments mean | [`Segment`], [`Code`], [`AlgorithmType`], [`SegmentDescriptions`] |
//! | de-identification (PS3.15) | [`Deidentifier`], [`DeidentifyKey`], [`Dates`], [`PixelRule`], [`DocumentRule`], [`BrokenRule`], [`DeidentifyReport`], [`AttributeCount`], [`LeftOut`], [`LeftOutReason`] |
//! | results back to their patient | [`Reidentifier`], [`ReidentifyReport`] |
//! | errors | [`Error`](enum@Error) |
//! | examples and tests | [`example_series`] |

#![forbid(unsafe_code)]

mod check;
mod deidentify;
mod error;
mod example;
mod file;
mod identity;
mod picture;
mod predecessor;
mod raw;
mod report;
mod rtstruct;
mod seg;
mod series;
mod set;
mod source;
mod source_options;
mod space;
mod target;
mod text;
mod uid;

pub use check::{Finding, ObjectCheck, Severity, check_object};
pub use deidentify::{
    AttributeCount, BrokenRule, Dates, Deidentifier, DeidentifyKey, DeidentifyReport, DocumentRule,
    LeftOut, LeftOutReason, PixelRule, Reidentifier, ReidentifyReport,
};
pub use error::Error;
pub use example::example_series;
pub use picture::{PictureWriter, RgbPicture, WrittenPicture};
pub use predecessor::Predecessor;
pub use report::{Intensity, Measurements, ReportClass, ReportWriter, WrittenReport};
pub use rtstruct::{HoleRule, RtStructWriter, Simplified, WrittenRtStruct};
pub use seg::{
    AlgorithmType, Code, EmptyRule, FrameRule, GridRule, LabelSlices, SegKind, SegSyntax,
    SegWriter, Segment, SegmentDescriptions, WrittenSeg,
};
pub use series::{SeriesWriter, WrittenSeries};
pub use source_options::{OwnResultRule, SourceOptions};
pub use vesalius_filters::Diameter;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
