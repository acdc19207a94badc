//! Whole data sets in memory: queries, answers and requests of commitment.

use super::walk::{Encoding, Walk};
use crate::classes::UNCOMPRESSED;
use crate::error::reasons;
use crate::{Error, Result};
use dicom_encoding::transfer_syntax::{TransferSyntax, TransferSyntaxIndex};
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn syntax(name: &str) -> Result<&'static TransferSyntax> {
    TransferSyntaxRegistry
        .get(name)
        .filter(|_| UNCOMPRESSED.contains(&name))
        .ok_or_else(|| Error::DataSet(format!("transfer syntax {name} is not expected here")))
}

/// Reads a data set. Its elements are walked over first, so that a length beyond the bytes never reaches the parser.
pub(crate) fn decode(bytes: &[u8], name: &str) -> Result<InMemDicomObject> {
    let syntax = syntax(name)?;
    let mut walk = Walk::new(bytes, Encoding::of(name));
    let walked = std::iter::from_fn(|| {
        let element = walk.next().transpose()?;
        Some(element.and_then(|element| walk.skip(element)))
    });
    walked
        .collect::<std::io::Result<()>>()
        .map_err(|error| Error::DataSet(error.to_string()))?;
    let read = || InMemDicomObject::read_dataset_with_ts(bytes, syntax);
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(object)) => Ok(object),
        Ok(Err(error)) => Err(Error::DataSet(reasons(&error))),
        Err(_) => Err(Error::DataSet("its parser failed".into())),
    }
}

/// The bytes of a data set.
pub(crate) fn encode(object: &InMemDicomObject, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    object
        .write_dataset_with_ts(&mut bytes, syntax(name)?)
        .map_err(|error| Error::DataSet(reasons(&error)))?;
    Ok(bytes)
}
