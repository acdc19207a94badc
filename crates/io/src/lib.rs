//! Reads and writes medical images: NIfTI, DICOM series, MetaImage, NRRD.
