//! Fuzzes what unpacks gzip and zlib, whole and as a stream: as a NIfTI file, behind an NRRD header
//! and behind a MetaImage header.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

const NRRD: &[u8] = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 17 5 3\nencoding: gzip\n\n";
const META: &[u8] = b"ObjectType = Image\nNDims = 3\nDimSize = 17 5 3\nElementSpacing = 1 1 1\n\
    ElementType = MET_UCHAR\nCompressedData = True\nElementDataFile = LOCAL\n";

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, packed)) = bytes.split_first() else {
        return;
    };
    let header = [&[][..], NRRD, META][usize::from(*kind) % 3];
    shared::read_bytes(&[header, packed].concat());
});
