//! Objects from end to end: sources made here, objects written, and read again by `vesalius_io` and `dicom-object`.

mod again;
mod check;
mod made;
mod measured;
mod picture;
mod report;
mod rtstruct;
mod seg;
mod seg_rules;
mod series;
mod series_rules;
mod slices;
mod streams;
