//! Opens DICOM files up to their pixels, and writes them again in their own transfer syntax with new file meta information.

use super::element::{Element, Form, ascii};
use super::encode;
use super::parse::{Head, Parser};
use crate::{Error, Result, file};
use dicom_core::Tag;
use dicom_dictionary_std::{tags, uids};
use dicom_encoding::transfer_syntax::Endianness;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Pixels are at an address, or a part of a stream.
const ELSEWHERE: [&str; 5] = [
    "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.95",
    "1.2.840.10008.1.2.4.204",
    "1.2.840.10008.1.2.4.205",
    "1.2.840.10008.1.2.7",
];

/// Why a file cannot be opened.
#[derive(Debug)]
pub(crate) enum Closed {
    NotDicom,
    Directory,
    Broken(String),
    Unreadable(Error),
}

/// A file up to its pixels.
pub(crate) struct Opened {
    pub set: Vec<Element>,
    pub form: Form,
    pub pixels: Option<Head>,
    syntax: String,
    parser: Parser<Box<dyn Read>>,
}

type Attempt<T> = std::result::Result<T, Closed>;

fn broken(problem: impl Into<String>) -> Closed {
    Closed::Broken(problem.into())
}

/// Opens a file and reads it up to its pixels.
pub(crate) fn open(path: &Path) -> Attempt<Opened> {
    let unreadable = |source| Closed::Unreadable(Error::read(path, source));
    let file = File::open(path).map_err(unreadable)?;
    let mut file = BufReader::with_capacity(1 << 17, file);
    let mut start = Vec::new();
    (&mut file)
        .take(132)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    if start.get(128..132) != Some(b"DICM") {
        // The first element of a file without preamble is of group 2 or 8.
        let bare = matches!(start[..], [2 | 8, 0, _, 0, ..]) && start.len() > 12;
        return Err(match bare {
            true => broken("it has no preamble and no file meta information"),
            false => Closed::NotDicom,
        });
    }
    let meta = meta(&mut file)?;
    if ascii(&meta, tags::MEDIA_STORAGE_SOP_CLASS_UID) == uids::MEDIA_STORAGE_DIRECTORY_STORAGE {
        return Err(Closed::Directory);
    }
    let syntax = ascii(&meta, tags::TRANSFER_SYNTAX_UID).to_owned();
    let form = form(&syntax)?;
    let content: Box<dyn Read> = match syntax.as_str() {
        DEFLATED => Box::new(BufReader::new(DeflateDecoder::new(file))),
        _ => Box::new(file),
    };
    let mut parser = Parser::new(content, form);
    let (set, pixels) = parser.elements().map_err(broken)?;
    if set.iter().any(|e| e.tag == tags::DIRECTORY_RECORD_SEQUENCE) {
        return Err(Closed::Directory);
    }
    for (tag, name) in [
        (tags::SOP_CLASS_UID, "SOPClassUID"),
        (tags::SOP_INSTANCE_UID, "SOPInstanceUID"),
    ] {
        if ascii(&set, tag).is_empty() {
            return Err(broken(format!("it has no {name}")));
        }
    }
    Ok(Opened {
        set,
        form,
        pixels,
        syntax,
        parser,
    })
}

/// The file meta information: the elements of group 2.
fn meta(file: &mut BufReader<File>) -> Attempt<Vec<Element>> {
    let explicit = Form {
        explicit: true,
        order: Endianness::Little,
    };
    let mut meta = Vec::new();
    loop {
        let ahead = file.fill_buf().map_err(|e| broken(e.to_string()))?;
        if ahead.len() < 2 || ahead[..2] != [2, 0] {
            return Ok(meta);
        }
        let mut parser = Parser::new(&mut *file, explicit);
        meta.extend(parser.one().map_err(broken)?);
    }
}

fn form(syntax: &str) -> Attempt<Form> {
    let explicit = |order| Form {
        explicit: true,
        order,
    };
    if ELSEWHERE
        .iter()
        .any(|name| syntax == *name || syntax.starts_with("1.2.840.10008.1.2.7."))
    {
        return Err(broken("its pixels are not in the file"));
    }
    match syntax {
        file::IMPLICIT => Ok(Form::IMPLICIT),
        "1.2.840.10008.1.2.2" => Ok(explicit(Endianness::Big)),
        _ if syntax.starts_with("1.2.840.10008.1.2.") => Ok(explicit(Endianness::Little)),
        _ => Err(broken("its transfer syntax is not one of the standard")),
    }
}

impl Opened {
    /// Writes this file with other elements in the place of its own; its pixels are copied byte for byte, and what comes
    /// behind them is made by `rest`.
    ///
    /// The result is what is wrong with the pixels and what follows, without values.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(
        mut self,
        set: &[Element],
        rest: impl FnOnce(Vec<Element>) -> Vec<Element>,
        to: &mut dyn Write,
    ) -> io::Result<std::result::Result<(), String>> {
        let uid = |tag: Tag| ascii(set, tag);
        let [class, instance] = [tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID].map(uid);
        file::begin(to, class, instance, &self.syntax)?;
        if self.syntax != DEFLATED {
            return self.content(set, rest, to);
        }
        let mut deflated = DeflateEncoder::new(Counted { to, count: 0 }, Compression::default());
        let result = self.content(set, rest, &mut deflated)?;
        let counted = deflated.finish()?;
        if counted.count % 2 == 1 {
            counted.to.write_all(&[0])?;
        }
        Ok(result)
    }

    fn content(
        &mut self,
        set: &[Element],
        rest: impl FnOnce(Vec<Element>) -> Vec<Element>,
        to: &mut dyn Write,
    ) -> io::Result<std::result::Result<(), String>> {
        encode::elements(to, set, self.form)?;
        let Some(pixels) = self.pixels else {
            return Ok(Ok(()));
        };
        encode::pixels(to, pixels, self.form)?;
        if let Err(problem) = self.parser.copy_pixels(pixels, to)? {
            return Ok(Err(problem));
        }
        match self.parser.elements() {
            Err(problem) => Ok(Err(problem)),
            Ok((_, Some(_))) => Ok(Err("it has pixels twice".to_owned())),
            Ok((more, None)) => {
                encode::elements(to, &rest(more), self.form)?;
                Ok(Ok(()))
            }
        }
    }
}

/// Counts what is written.
struct Counted<'a> {
    to: &'a mut dyn Write,
    count: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Closed {
    /// As an error, for callers that leave nothing out.
    pub fn error(self, path: &Path) -> Error {
        let problem = match self {
            Self::Unreadable(error) => return error,
            Self::NotDicom => "it is not a DICOM file (no preamble); choose DICOM files".to_owned(),
            Self::Directory => {
                "it is a DICOMDIR, whose references would be wrong; choose the files that it names"
                    .to_owned()
            }
            Self::Broken(problem) => format!(
                "it cannot be read ({problem}); get it again from its source, or leave such files of a folder out by `Deidentifier::broken`"
            ),
        };
        Error::source(path, problem)
    }
}

/// The result of the crate for one that may have failed in the file itself.
pub(crate) fn sound(path: &Path, written: std::result::Result<(), String>) -> Result<()> {
    written.map_err(|problem| Closed::Broken(problem).error(path))
}
