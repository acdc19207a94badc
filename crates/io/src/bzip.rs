//! Voxels in a bzip2 stream, which NRRD allows; what comes out of it bounds what is allocated.

use crate::watch::Watch;
use crate::{Error, Layout, Result, gzip};
use bzip2::bufread::MultiBzDecoder;
use std::io::{self, BufReader, Read};

/// The bytes of a layout's bzip2 stream without those that are skipped, and how many bytes follow them.
pub(crate) fn read(layout: &Layout, watch: Watch) -> Result<(Vec<u8>, u64)> {
    const PIECE: u64 = 1 << 20;
    let path = layout.file().path();
    let packed = layout.file().open_at(layout.start)?;
    let mut stream = MultiBzDecoder::new(BufReader::with_capacity(1 << 16, packed));
    let expected = layout.skip.saturating_add(layout.bytes());
    let fail = |at: u64, e: &io::Error| gzip::fault(path, at, expected, e);
    let skipped = io::copy(&mut stream.by_ref().take(layout.skip), &mut io::sink());
    let mut at = skipped.map_err(|e| fail(0, &e))?;
    let mut out = Vec::new();
    let work = watch.count("unpacking", expected);
    while at < expected {
        let piece = PIECE.min(expected - at);
        let got = stream.by_ref().take(piece).read_to_end(&mut out);
        let got = got.map_err(|e| fail(at, &e))? as u64;
        if got == 0 {
            return Err(layout.truncated(0, expected, at));
        }
        at += got;
        work.done(got)?;
    }
    // The check sums are at the end of the stream.
    let most = gzip::most_behind(expected);
    let behind = io::copy(&mut stream.take(most + 1), &mut io::sink());
    match behind.map_err(|e| fail(at, &e))? {
        behind if behind > most => Err(Error::Compression {
            path: path.to_owned(),
            offset: at,
            reason: format!("over {most} bytes follow the voxels that the header announces"),
        }),
        behind => Ok((out, behind)),
    }
}
