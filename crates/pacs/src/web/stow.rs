//! STOW-RS: files to a server.

use super::WebClient;
use super::client::{Watched, failed};
use super::qido::objects;
use crate::client::{Outgoing, SentInstance, StoreOutcome};
use crate::uid::{random_name, unpadded};
use crate::{Error, Result, Status};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use ureq::SendBody;
use vesalius_control::Control;

const REQUEST: &str = "the upload (STOW-RS)";
/// Files and bytes of one request: servers have limits, and what fails is sent again.
const MOST_FILES: usize = 100;
const MOST_BYTES: u64 = 256 << 20;
const LONGEST_ANSWER: u64 = 16 << 20;

impl WebClient {
    /// Sends files (STOW-RS), as they are. Returns what became of each, in no given order.
    ///
    /// # Errors
    /// [`Error::Cancelled`], and [`Error::File`] for certificates that cannot be read; other errors are those of single files.
    pub fn store<P: AsRef<Path>>(
        &self,
        files: &[P],
        control: &Control,
    ) -> Result<Vec<SentInstance>> {
        let stage = control.stage("send", files.len() as u64);
        let mut sent = Vec::new();
        let mut batch: Vec<(Outgoing, u64)> = Vec::new();
        for path in files.iter().map(AsRef::as_ref) {
            control.check()?;
            match opened(path) {
                Ok((file, length)) => {
                    let bytes: u64 = batch.iter().map(|(_, length)| length).sum();
                    if batch.len() == MOST_FILES || bytes + length > MOST_BYTES {
                        let full = std::mem::take(&mut batch);
                        stage.advance(full.len() as u64);
                        self.send(full, &mut sent, control)?;
                    }
                    batch.push((file, length));
                }
                Err(error) => {
                    stage.advance(1);
                    sent.push(SentInstance::unreadable(path, error));
                }
            }
        }
        stage.advance(batch.len() as u64);
        self.send(batch, &mut sent, control)?;
        Ok(sent)
    }

    fn send(
        &self,
        batch: Vec<(Outgoing, u64)>,
        sent: &mut Vec<SentInstance>,
        control: &Control,
    ) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let told = match self.post(&batch, control) {
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error @ Error::File { .. }) => return Err(error),
            told => told,
        };
        for (file, _) in batch {
            let outcome = match &told {
                Ok(told) => match told.get(&file.reference.instance) {
                    Some(status) if status.is_success() || status.is_warning() => {
                        StoreOutcome::Stored(*status)
                    }
                    Some(status) => StoreOutcome::Refused(*status),
                    None => StoreOutcome::Refused(Status::PROCESSING_FAILURE),
                },
                Err(Error::Http { status, request }) => StoreOutcome::Lost(Error::Http {
                    status: *status,
                    request,
                }),
                Err(error) => StoreOutcome::Lost(Error::Request {
                    request: REQUEST,
                    problem: error.to_string(),
                }),
            };
            sent.push(SentInstance {
                path: file.path,
                reference: Some(file.reference),
                outcome,
            });
        }
        Ok(())
    }

    /// What the server tells of each object.
    fn post(
        &self,
        batch: &[(Outgoing, u64)],
        control: &Control,
    ) -> Result<BTreeMap<String, Status>> {
        let boundary = random_name()?;
        let body = Parts::new(batch, &boundary);
        let kind = format!("multipart/related; type=\"application/dicom\"; boundary={boundary}");
        let mut call = self
            .agent()?
            .post(self.url("/studies"))
            .header("Content-Type", kind)
            .header("Content-Length", body.length.to_string())
            .header("Accept", "application/dicom+json");
        if let Some(authorization) = self.authorization() {
            call = call.header("Authorization", authorization);
        }
        let mut body = Watched {
            from: body,
            control,
        };
        let answer = call.send(SendBody::from_reader(&mut body));
        let answer = answer.map_err(|error| failed(REQUEST, &error))?;
        let status = answer.status().as_u16();
        // 202: some failed; 409: all failed, with the reasons.
        if !matches!(status, 200 | 202 | 409) {
            let request = REQUEST;
            return Err(Error::Http { status, request });
        }
        let body = answer.into_body().into_with_config().limit(LONGEST_ANSWER);
        let bytes = body
            .read_to_vec()
            .map_err(|error| failed(REQUEST, &error))?;
        told(&bytes)
    }
}

fn opened(path: &Path) -> Result<(Outgoing, u64)> {
    let file = Outgoing::open(path)?;
    let length = std::fs::metadata(path).map_err(|error| Error::file(path, error.to_string()))?;
    Ok((file, length.len()))
}

/// The statuses in the answer: one data set, alone or in a list.
fn told(bytes: &[u8]) -> Result<BTreeMap<String, Status>> {
    let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let list = match is_list {
        true => objects(bytes)?,
        false => objects(&[b"[", bytes, b"]"].concat())?,
    };
    let mut told = BTreeMap::new();
    for object in list {
        let stored = statuses(
            &object,
            tags::REFERENCED_SOP_SEQUENCE,
            tags::WARNING_REASON,
            0,
        );
        told.extend(stored);
        told.extend(statuses(
            &object,
            tags::FAILED_SOP_SEQUENCE,
            tags::FAILURE_REASON,
            0x0110,
        ));
    }
    Ok(told)
}

fn statuses(
    object: &InMemDicomObject,
    sequence: Tag,
    reason: Tag,
    otherwise: u16,
) -> Vec<(String, Status)> {
    let items = object
        .get(sequence)
        .and_then(|element| element.items())
        .unwrap_or_default();
    let of = |item: &InMemDicomObject| {
        let uid = item.get(tags::REFERENCED_SOP_INSTANCE_UID)?.to_str().ok()?;
        let code = item.get(reason).and_then(|element| element.to_int().ok());
        Some((unpadded(uid.as_bytes()), Status(code.unwrap_or(otherwise))))
    };
    items.iter().filter_map(of).collect()
}

/// The body of a request: files with a header each, read as they are sent.
struct Parts {
    length: u64,
    rest: std::vec::IntoIter<Piece>,
    now: Option<Box<dyn Read>>,
}

enum Piece {
    Text(Vec<u8>),
    /// As many bytes of the file as were announced.
    File(std::path::PathBuf, u64),
}

impl Parts {
    fn new(batch: &[(Outgoing, u64)], boundary: &str) -> Self {
        let mut pieces = Vec::new();
        let mut length = 0;
        let mut add = |piece: Piece, bytes: u64| {
            length += bytes;
            pieces.push(piece);
        };
        for (file, bytes) in batch {
            let header = format!("--{boundary}\r\nContent-Type: application/dicom\r\n\r\n");
            let size = header.len() as u64;
            add(Piece::Text(header.into_bytes()), size);
            add(Piece::File(file.path.clone(), *bytes), *bytes);
            add(Piece::Text(b"\r\n".to_vec()), 2);
        }
        let end = format!("--{boundary}--\r\n");
        let size = end.len() as u64;
        add(Piece::Text(end.into_bytes()), size);
        Self {
            length,
            rest: pieces.into_iter(),
            now: None,
        }
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(now) = &mut self.now {
                let count = now.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
            }
            self.now = match self.rest.next() {
                None => return Ok(0),
                Some(Piece::Text(text)) => Some(Box::new(Cursor::new(text))),
                Some(Piece::File(path, length)) => Some(Box::new(File::open(path)?.take(length))),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_tells_what_became_of_each_object() {
        let answer = br#"{"00081190": {"vr": "UR", "Value": ["http://x"]},
            "00081199": {"vr": "SQ", "Value": [{"00081150": {"vr": "UI", "Value": ["1.1"]},
                "00081155": {"vr": "UI", "Value": ["1.2"]}}]},
            "00081198": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.3"]},
                "00081197": {"vr": "US", "Value": [43264]}}]}}"#;
        let told = told(answer).unwrap();
        assert_eq!(told["1.2"], Status::SUCCESS);
        assert_eq!(told["1.3"], Status(0xA900));
        assert!(super::told(b"<html>").is_err());
    }
}
