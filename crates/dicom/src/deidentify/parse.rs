//! Reads data sets element by element. What a file declares is compared with what it holds before memory is taken.

use super::element::{Element, Form, Value, known_vr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use std::io::{self, Read, Write};

/// Sequences in sequences beyond this are refused.
const DEEPEST: usize = 32;
/// Bytes of a header, pixels not counted, beyond which a file is refused.
const LARGEST_HEADER: u64 = 1 << 30;
const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

type Parsed<T> = Result<T, String>;

/// The start of an element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Head {
    pub tag: Tag,
    pub vr: VR,
    pub length: u32,
}

/// Reads a data set that is `form`.
pub(crate) struct Parser<R> {
    input: R,
    form: Form,
    /// Bytes read up to now, without pixels.
    read: u64,
}

impl<R: Read> Parser<R> {
    pub fn new(input: R, form: Form) -> Self {
        Self {
            input,
            form,
            read: 0,
        }
    }

    /// The elements up to the pixels, whose start is read too, or up to the end.
    ///
    /// # Errors
    /// What is wrong, without values.
    pub fn elements(&mut self) -> Parsed<(Vec<Element>, Option<Head>)> {
        let mut set = Vec::new();
        while let Some(head) = self.head(self.form)? {
            let pixels = [
                tags::PIXEL_DATA,
                tags::FLOAT_PIXEL_DATA,
                tags::DOUBLE_FLOAT_PIXEL_DATA,
            ];
            if pixels.contains(&head.tag) {
                return Ok((set, Some(head)));
            }
            if head.tag.group() == 0xFFFE {
                return Err(format!("{} where an element was expected", head.tag));
            }
            set.push(self.element(head, self.form, 0)?);
        }
        Ok((set, None))
    }

    /// The next element.
    ///
    /// # Errors
    /// What is wrong, without values.
    pub fn one(&mut self) -> Parsed<Option<Element>> {
        match self.head(self.form)? {
            Some(head) => self.element(head, self.form, 0).map(Some),
            None => Ok(None),
        }
    }

    /// Copies the pixels that `head` starts, byte for byte.
    ///
    /// # Errors
    /// What is wrong, or the error of writing.
    pub fn copy_pixels(&mut self, head: Head, to: &mut dyn Write) -> io::Result<Parsed<()>> {
        if head.length != UNDEFINED {
            return self.copy(u64::from(head.length), to);
        }
        loop {
            let item = match self.head(self.form) {
                Ok(Some(item)) => item,
                Ok(None) => return Ok(Err("it ends within its pixels".to_owned())),
                Err(problem) => return Ok(Err(problem)),
            };
            let end = item.tag == SEQUENCE_END;
            if !end && (item.tag != ITEM || item.length == UNDEFINED) {
                return Ok(Err("its compressed pixels are damaged".to_owned()));
            }
            let length = if end { 0 } else { item.length };
            to.write_all(&self.form.word_bytes(item.tag.group()))?;
            to.write_all(&self.form.word_bytes(item.tag.element()))?;
            to.write_all(&self.form.long_bytes(length))?;
            if end {
                return Ok(Ok(()));
            }
            if let Err(problem) = self.copy(u64::from(length), to)? {
                return Ok(Err(problem));
            }
        }
    }

    fn copy(&mut self, length: u64, to: &mut dyn Write) -> io::Result<Parsed<()>> {
        let mut left = length;
        let mut buffer = vec![0; 1 << 18];
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let got = match self.input.read(&mut buffer[..most]) {
                Ok(0) => return Ok(Err("it ends within its pixels".to_owned())),
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(error.to_string())),
            };
            to.write_all(&buffer[..got])?;
            left -= got as u64;
        }
        Ok(Ok(()))
    }

    fn exact<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(ended)?;
        self.count(N as u64)?;
        Ok(bytes)
    }

    fn count(&mut self, bytes: u64) -> Parsed<()> {
        self.read += bytes;
        if self.read > LARGEST_HEADER {
            let most = LARGEST_HEADER >> 20;
            return Err(format!("its header has more than {most} MiB"));
        }
        Ok(())
    }

    /// The start of the next element, or nothing at the end of the file.
    fn head(&mut self, form: Form) -> Parsed<Option<Head>> {
        let mut group = [0; 2];
        let mut got = 0;
        while got < 2 {
            match self.input.read(&mut group[got..]) {
                // A single zero fills a deflated data set up to an even length.
                Ok(0) if got == 0 || group[0] == 0 => return Ok(None),
                Ok(0) => return Err("it ends within an element".to_owned()),
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        self.count(2)?;
        let tag = Tag(form.word(group), form.word(self.exact()?));
        if !form.explicit || tag.group() == 0xFFFE {
            let vr = match known_vr(tag) {
                _ if tag.group() == 0xFFFE => VR::UN,
                vr => vr.unwrap_or(VR::UN),
            };
            let length = form.long(self.exact()?);
            return Ok(Some(Head { tag, vr, length }));
        }
        let name: [u8; 2] = self.exact()?;
        if !name.iter().all(u8::is_ascii_uppercase) {
            return Err(format!("element {tag} has no value type"));
        }
        // A type that is not known yet has a long length (PS3.5 6.2.2).
        let vr = VR::from_binary(name);
        let length = if vr.is_some_and(is_short) {
            u32::from(form.word(self.exact()?))
        } else {
            let _: [u8; 2] = self.exact()?;
            form.long(self.exact()?)
        };
        let vr = vr.unwrap_or(VR::UN);
        Ok(Some(Head { tag, vr, length }))
    }

    fn element(&mut self, head: Head, form: Form, depth: usize) -> Parsed<Element> {
        let Head { tag, length, .. } = head;
        let mut vr = head.vr;
        let value = if vr == VR::SQ {
            Value::Items(self.items(length, form, depth)?)
        } else if length != UNDEFINED {
            Value::Bytes(self.bytes(length)?)
        } else if vr == VR::UN {
            // A sequence of unknown type is written without types (PS3.5 6.2.2).
            vr = VR::SQ;
            Value::Items(self.items(length, Form::IMPLICIT, depth)?)
        } else if matches!(vr, VR::OB | VR::OW) {
            let mut bytes = Vec::new();
            let start = Head { tag, vr, length };
            self.copy_pixels(start, &mut bytes)
                .map_err(|error| error.to_string())??;
            self.count(bytes.len() as u64)?;
            Value::Fragments(bytes)
        } else {
            return Err(format!("element {tag} has no length"));
        };
        if vr == VR::UN {
            vr = known_vr(tag).unwrap_or(VR::UN);
        }
        let value = match value {
            Value::Bytes(bytes) if vr == VR::SQ => sequence(bytes, depth),
            value => value,
        };
        Ok(Element { tag, vr, value })
    }

    fn bytes(&mut self, length: u32) -> Parsed<Vec<u8>> {
        self.count(u64::from(length))?;
        let mut bytes = Vec::new();
        // Takes memory as bytes come, not as the file declares.
        let mut part = (&mut self.input).take(u64::from(length));
        part.read_to_end(&mut bytes).map_err(ended)?;
        match bytes.len() == length as usize {
            true => Ok(bytes),
            false => Err("it ends within an element".to_owned()),
        }
    }

    fn items(&mut self, length: u32, form: Form, depth: usize) -> Parsed<Vec<Vec<Element>>> {
        if depth >= DEEPEST {
            return Err(format!("sequences are nested more than {DEEPEST} deep"));
        }
        let end = self.end(length);
        let mut items = Vec::new();
        while self.before(end)? {
            let head = self.head(form)?.ok_or("it ends within a sequence")?;
            match head.tag {
                SEQUENCE_END if end.is_none() => break,
                ITEM => items.push(self.item(head.length, form, depth + 1)?),
                other => return Err(format!("{other} where an item was expected")),
            }
        }
        Ok(items)
    }

    fn item(&mut self, length: u32, form: Form, depth: usize) -> Parsed<Vec<Element>> {
        let end = self.end(length);
        let mut set = Vec::new();
        while self.before(end)? {
            let head = self.head(form)?.ok_or("it ends within an item")?;
            if head.tag == ITEM_END && end.is_none() {
                break;
            }
            if head.tag.group() == 0xFFFE {
                return Err(format!("{} where an element was expected", head.tag));
            }
            set.push(self.element(head, form, depth)?);
        }
        Ok(set)
    }

    fn end(&self, length: u32) -> Option<u64> {
        (length != UNDEFINED).then(|| self.read + u64::from(length))
    }

    fn before(&self, end: Option<u64>) -> Parsed<bool> {
        match end {
            Some(end) if self.read > end => Err("a sequence is longer than it says".to_owned()),
            Some(end) => Ok(self.read < end),
            None => Ok(true),
        }
    }
}

/// A sequence that was written as of unknown type: without types (PS3.5 6.2.2), or, where it is not, still its bytes.
fn sequence(bytes: Vec<u8>, depth: usize) -> Value {
    let mut parser = Parser::new(&bytes[..], Form::IMPLICIT);
    let items =
        u32::try_from(bytes.len()).map(|length| parser.items(length, Form::IMPLICIT, depth));
    match items {
        Ok(Ok(items)) => Value::Items(items),
        _ => Value::Bytes(bytes),
    }
}

fn ended(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends within an element".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether the length of values of this type has 16 bits.
pub(crate) fn is_short(vr: VR) -> bool {
    !matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}
