//! Bodies of several parts (`multipart/related`, RFC 2046 and RFC 2387), as they come: a parser that is fed with bytes
//! and never holds more than a part's header.

use super::MediaType;
use crate::{Error, Result};
use memchr::memmem::Finder;
use std::collections::BTreeMap;
use std::io::Read;

/// Bytes before the first part, which have no meaning.
const LONGEST_PREAMBLE: usize = 1 << 16;

/// How much a body may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MultipartLimits {
    /// Parts. Default 100,000.
    pub parts: usize,
    /// Bytes of a part. Default 8 GiB.
    pub part_bytes: u64,
    /// Bytes of a part's header. Default 8,192.
    pub header_bytes: usize,
}

impl Default for MultipartLimits {
    fn default() -> Self {
        Self {
            parts: 100_000,
            part_bytes: 8 << 30,
            header_bytes: 8192,
        }
    }
}

/// What a parser finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultipartEvent<'a> {
    /// A part begins; its headers by their names in lower case.
    Begin(&'a BTreeMap<String, String>),
    /// Bytes of the part.
    Bytes(&'a [u8]),
    /// The part ends.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    AfterBoundary,
    Header,
    Body,
    Done,
}

/// A parser of a body of several parts, which is fed with the bytes as they come. It fits blocking and asynchronous code.
///
/// ```
/// use vesalius_pacs::{Multipart, MultipartEvent, MultipartLimits};
///
/// let kind = "multipart/related; type=\"application/dicom\"; boundary=a1";
/// let body = b"--a1\r\nContent-Type: application/dicom\r\n\r\nfirst\r\n--a1\r\n\r\nsecond\r\n--a1--";
/// let mut parser = Multipart::of_content_type(kind, MultipartLimits::default())?;
/// let mut parts: Vec<Vec<u8>> = Vec::new();
/// for bytes in body.chunks(7) {
///     parser.feed(bytes, &mut |event| {
///         match event {
///             MultipartEvent::Begin(_) => parts.push(Vec::new()),
///             MultipartEvent::Bytes(bytes) => parts.last_mut().unwrap().extend(bytes),
///             MultipartEvent::End => {}
///         }
///         Ok(())
///     })?;
/// }
/// parser.finish()?;
/// assert_eq!(parts, [b"first".to_vec(), b"second".to_vec()]);
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
pub struct Multipart {
    finder: Finder<'static>,
    limits: MultipartLimits,
    state: State,
    held: Vec<u8>,
    parts: usize,
    part_bytes: u64,
    skipped: usize,
}

type On<'a> = dyn FnMut(MultipartEvent<'_>) -> Result<()> + 'a;

impl Multipart {
    /// A parser for a body with this `Content-Type`.
    ///
    /// # Errors
    /// [`Error::Protocol`] for another type, or one without a boundary.
    pub fn of_content_type(text: &str, limits: MultipartLimits) -> Result<Self> {
        let media = MediaType::parse(text)?;
        if media.essence != "multipart/related" {
            return Err(Error::protocol("a body that is not multipart/related"));
        }
        let boundary = media.parameter("boundary").unwrap_or_default();
        Self::new(boundary, limits)
    }

    /// A parser for a body with this boundary.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a boundary that is empty, longer than 70 characters, or has other than printable ones.
    pub fn new(boundary: &str, limits: MultipartLimits) -> Result<Self> {
        let allowed = boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !allowed || boundary.is_empty() || boundary.len() > 70 || boundary.ends_with(' ') {
            return Err(Error::protocol("a multipart body without a valid boundary"));
        }
        let delimiter = format!("\r\n--{boundary}");
        Ok(Self {
            finder: Finder::new(delimiter.as_bytes()).into_owned(),
            limits,
            state: State::Preamble,
            // The first boundary may stand at the start, without a line before it.
            held: b"\r\n".to_vec(),
            parts: 0,
            part_bytes: 0,
            skipped: 0,
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::Protocol`] and [`Error::TooLarge`] for a body that is not valid or exceeds a limit, and the errors of `on`.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        on: &mut dyn FnMut(MultipartEvent<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut held = std::mem::take(&mut self.held);
        held.extend(bytes);
        let mut rest = held.as_slice();
        while let Some(after) = self.step(rest, on)? {
            rest = after;
        }
        let kept = self.keep(rest, on)?;
        let used = held.len() - kept;
        held.drain(..used);
        self.held = held;
        Ok(())
    }

    /// Reads a whole body.
    ///
    /// # Errors
    /// As [`Multipart::feed`] and [`Multipart::finish`], and [`Error::Io`].
    pub fn read(
        mut self,
        from: &mut dyn Read,
        on: &mut dyn FnMut(MultipartEvent<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return self.finish(),
                Ok(count) => self.feed(&buffer[..count], on)?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("receiving a body", error)),
            }
        }
    }

    /// Checks that the body ended with its last boundary.
    ///
    /// # Errors
    /// [`Error::Closed`] for a body that was cut.
    pub fn finish(self) -> Result<()> {
        match self.state {
            State::Done => Ok(()),
            _ => Err(Error::Closed("the parts of a body came")),
        }
    }

    /// Goes on by one state, and returns what is left; nothing where more bytes are needed.
    fn step<'a>(&mut self, bytes: &'a [u8], on: &mut On<'_>) -> Result<Option<&'a [u8]>> {
        match self.state {
            State::Preamble | State::Body => {
                let Some(place) = self.finder.find(bytes) else {
                    return Ok(None);
                };
                if self.state == State::Body {
                    self.pass(&bytes[..place], on)?;
                    on(MultipartEvent::End)?;
                }
                self.state = State::AfterBoundary;
                Ok(Some(&bytes[place + self.finder.needle().len()..]))
            }
            State::AfterBoundary => self.after_boundary(bytes),
            State::Header => self.header(bytes, on),
            State::Done => Ok(None),
        }
    }

    fn after_boundary<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>> {
        if bytes.starts_with(b"--") {
            self.state = State::Done;
            return Ok(Some(&[]));
        }
        let padding = bytes
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let rest = &bytes[padding..];
        if padding > 256 || !b"\r\n".starts_with(&rest[..rest.len().min(2)]) && rest != b"-" {
            return Err(Error::protocol(
                "a boundary that is not followed by a line's end",
            ));
        }
        if rest.len() < 2 {
            return Ok(None);
        }
        self.state = State::Header;
        // The line's end stays: a part without headers begins with it and another one.
        Ok(Some(rest))
    }

    fn header<'a>(&mut self, bytes: &'a [u8], on: &mut On<'_>) -> Result<Option<&'a [u8]>> {
        let end = bytes
            .windows(4)
            .take(self.limits.header_bytes)
            .position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return match bytes.len() > self.limits.header_bytes {
                true => Err(Error::protocol("a part with a header that is too long")),
                false => Ok(None),
            };
        };
        self.parts += 1;
        if self.parts > self.limits.parts {
            return Err(Error::protocol("a body with more parts than are taken"));
        }
        let mut headers = BTreeMap::new();
        for line in bytes[..end].split(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            if let Some((name, value)) = line.trim().split_once(':') {
                headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        on(MultipartEvent::Begin(&headers))?;
        self.state = State::Body;
        self.part_bytes = 0;
        // The second line's end stays: a part without content is followed by the boundary at once.
        Ok(Some(&bytes[end + 4..]))
    }

    fn pass(&mut self, bytes: &[u8], on: &mut On<'_>) -> Result<()> {
        self.part_bytes += bytes.len() as u64;
        if self.part_bytes > self.limits.part_bytes {
            return Err(Error::TooLarge {
                what: "a part of a body",
                found: self.part_bytes,
                limit: self.limits.part_bytes,
            });
        }
        match bytes.is_empty() {
            true => Ok(()),
            false => on(MultipartEvent::Bytes(bytes)),
        }
    }

    /// Passes on what cannot be a part of a boundary, and returns how many bytes at the end are kept.
    fn keep(&mut self, bytes: &[u8], on: &mut On<'_>) -> Result<usize> {
        let tail = bytes.len().min(self.finder.needle().len() - 1);
        let (known, _) = bytes.split_at(bytes.len() - tail);
        match self.state {
            State::Body => self.pass(known, on)?,
            State::Preamble => {
                self.skipped += known.len();
                if self.skipped > LONGEST_PREAMBLE {
                    return Err(Error::protocol("a body without its boundary"));
                }
            }
            State::Done => return Ok(0),
            State::AfterBoundary | State::Header => return Ok(bytes.len()),
        }
        Ok(tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8], chunk: usize, limits: MultipartLimits) -> Result<Vec<(usize, Vec<u8>)>> {
        let mut parser = Multipart::new("b", limits)?;
        let (mut parts, mut ended) = (Vec::new(), 0);
        for bytes in body.chunks(chunk) {
            parser.feed(bytes, &mut |event| {
                match event {
                    MultipartEvent::Begin(headers) => parts.push((headers.len(), Vec::new())),
                    MultipartEvent::Bytes(bytes) => parts.last_mut().unwrap().1.extend(bytes),
                    MultipartEvent::End => ended += 1,
                }
                Ok(())
            })?;
        }
        parser.finish()?;
        assert_eq!(ended, parts.len());
        Ok(parts)
    }

    const BODY: &[u8] = b"preamble\r\n--b \r\nContent-Type: application/dicom\r\nX: y\r\n\r\na\r\n-\r\n--c\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\nz\r\n--b--\r\nend";

    #[test]
    fn parts_are_the_same_however_the_bytes_come() {
        let expected = vec![
            (2, b"a\r\n-\r\n--c\r\n".to_vec()),
            (0, Vec::new()),
            (0, b"z".to_vec()),
        ];
        for chunk in 1..BODY.len() {
            assert_eq!(
                parse(BODY, chunk, MultipartLimits::default()).unwrap(),
                expected,
                "{chunk}"
            );
        }
    }

    #[test]
    fn bodies_that_are_cut_exceed_a_limit_or_have_no_boundary_are_refused() {
        let limits = MultipartLimits::default();
        let end = BODY.len() - 5;
        for cut in 0..end - 1 {
            assert!(parse(&BODY[..cut], 5, limits).is_err(), "{cut}");
        }
        assert!(parse(BODY, 9, MultipartLimits { parts: 2, ..limits }).is_err());
        assert!(
            parse(
                BODY,
                9,
                MultipartLimits {
                    part_bytes: 4,
                    ..limits
                }
            )
            .is_err()
        );
        assert!(
            parse(
                BODY,
                9,
                MultipartLimits {
                    header_bytes: 20,
                    ..limits
                }
            )
            .is_err()
        );
        assert!(parse(&[b'x'; 1 << 17], 1000, limits).is_err());
        assert!(parse(b"--bx\r\n\r\n", 3, limits).is_err());
        for kind in [
            "text/plain",
            "multipart/related",
            "multipart/related; boundary=\"",
            "multipart/related; boundary=",
        ] {
            assert!(Multipart::of_content_type(kind, limits).is_err(), "{kind}");
        }
    }
}
