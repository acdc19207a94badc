//! De-identifies for the peers of `tests/parity/deidentify.py`: `deidentify INPUT OUTPUT basic|shift|all`, a file or a folder;
//! `deidentify RESULT OUTPUT back ORIGINALS` gives a result back to its patient.
//! What is not an image or is damaged is left out, pixels that may show text are kept; the report goes to standard output.

use std::error::Error;
use std::path::Path;
use vesalius_control::Control;
use vesalius_dicom::{
    BrokenRule, Dates, Deidentifier, DeidentifyKey, DocumentRule, PixelRule, Reidentifier,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let key = DeidentifyKey::from_bytes([42; 32]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (input, output, options) = match arguments[..] {
        [input, output, "back", originals] => {
            let back = Reidentifier::new(key, originals, &Control::new())?;
            println!("{}", back.file(input, output)?);
            return Ok(());
        }
        [input, output, options] => (input, output, options),
        _ => {
            return Err(
                "give: INPUT OUTPUT basic|shift|all, or RESULT OUTPUT back ORIGINALS".into(),
            );
        }
    };
    let by = Deidentifier::new(key)
        .pixels(PixelRule::Keep)
        .documents(DocumentRule::LeaveOut)
        .broken(BrokenRule::LeaveOut);
    let by = match options {
        "basic" => by,
        "shift" => by.dates(Dates::Shift).clean_descriptors(),
        "all" => by
            .dates(Dates::Shift)
            .clean_descriptors()
            .retain_safe_private()
            .retain_patient_characteristics()
            .retain_device_identity()
            .retain_institution_identity(),
        _ => return Err("options are basic, shift or all".into()),
    };
    let report = match Path::new(input).is_dir() {
        true => by.folder(input, output, &Control::new())?,
        false => by.file(input, output)?,
    };
    println!("{report}");
    Ok(())
}
