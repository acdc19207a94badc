//! Files of neighbours, which are refused by their name, and what tests of other programs' formats share.

use crate::numpy::npz;
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_io::{Error, FourthAxis, ReadOptions, open};

pub fn assuming(spacing: [f64; 3]) -> ReadOptions {
    ReadOptions {
        assume_spacing: Some(spacing),
        ..ReadOptions::default()
    }
}

pub fn channels(options: ReadOptions) -> ReadOptions {
    ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..options
    }
}

pub fn saved(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn neighbours_are_refused_by_name_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = vec![b'a'; 257];
    tar.extend(b"ustar\0");
    let zip = |name: &str| npz(&[(name, b"content")]);
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (b"\x89PNG\r\n\x1a\n".to_vec(), "PNG", "read_picture"),
        (b"\xff\xd8\xff\xe0".to_vec(), "JPEG picture", "PNG"),
        (b"GIF89a".to_vec(), "GIF", "PNG"),
        (b"BM....".to_vec(), "BMP", "read_picture"),
        (b"II*\0....".to_vec(), "TIFF", "read_picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(), "JPEG 2000", "TIFF"),
        (b"v/1\x01....".to_vec(), "OpenEXR", "NIfTI"),
        (b"%PDF-1.7".to_vec(), "PDF", "no volume"),
        (b"\x89HDF\r\n\x1a\n".to_vec(), "HDF5", "mnc2nii"),
        (b"CDF\x01....".to_vec(), "MINC 1", "mnc2nii"),
        (b"MATLAB 5.0 MAT-file".to_vec(), "MATLAB 5", "niftiwrite"),
        (b"MATLAB 7.3 MAT-file".to_vec(), "MATLAB 7.3", "niftiwrite"),
        (b"MATRIX72v\0".to_vec(), "ECAT 7", "dcm2niix"),
        (b"# vtk DataFile Version 3.0".to_vec(), "legacy VTK", "NRRD"),
        (
            b"<?xml version=\"1.0\"?>\n<VTKFile type=".to_vec(),
            "VTK XML",
            "NRRD",
        ),
        (b"solid mesh".to_vec(), "STL", "label map"),
        (b"ply\nformat ascii".to_vec(), "PLY", "label map"),
        (b"# x\nmtllib a.mtl\nv 0 0 0".to_vec(), "OBJ", "label map"),
        (
            b"\xff\xff\xfecreated by".to_vec(),
            "FreeSurfer surface",
            "label map",
        ),
        (
            b"# === DATA DESCRIPTION FILE ===".to_vec(),
            "Philips PAR",
            "dcm2niix",
        ),
        (b"##TITLE=Parameter List".to_vec(), "Bruker", "dcm2niix"),
        (b"!INTERFILE :=".to_vec(), "Interfile", "NIfTI"),
        (b"<?xml?><ismrmrdHeader>".to_vec(), "ISMRMRD", "reconstruct"),
        (b"<?xml?><xnat:MRSession".to_vec(), "XNAT", "download"),
        (b"{\"zarr_format\":3}".to_vec(), "Zarr", "NRRD"),
        (b"\x80\x04\x95..".to_vec(), "pickle", "numpy.save"),
        (b"IMGF....".to_vec(), "GE Signa", "DICOM"),
        (tar, "tar archive", "unpack"),
        (b"BZh91AY".to_vec(), "bzip2", "unpack"),
        (b"7z\xbc\xaf\x27\x1c".to_vec(), "7z", "unpack"),
        (zip("notes.txt"), "a zip archive", "unpack"),
        (zip("archive/data.pkl"), "PyTorch", "numpy.save"),
        (zip("a.zarr/.zarray"), "Zarr", "NRRD"),
        (zip("[Content_Types].xml"), "Office", "no volume"),
        (b"<!DOCTYPE html><p>404".to_vec(), "web page", "download"),
    ];
    for (bytes, name, remedy) in cases {
        for gzip in [false, true] {
            let mut bytes = bytes.clone();
            if gzip {
                let level = flate2::Compression::fast();
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), level);
                packed.write_all(&bytes).unwrap();
                bytes = packed.finish().unwrap();
            }
            let path = saved(folder.path(), "scan.nii.gz", &bytes);
            let error = open(&path).unwrap_err();
            assert!(matches!(error, Error::NotAnImage { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(name) && text.contains(remedy), "{text}");
            assert_eq!(text.contains("gzip data with"), gzip, "{text}");
        }
    }
}
