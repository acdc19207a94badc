//! WADO-RS: objects of a server.

use super::client::{Watched, broken};
use super::{Multipart, MultipartEvent, MultipartLimits, WebClient};
use crate::client::{Level, Query, Retrieved};
use crate::store::{IncomingFile, Receiver};
use crate::{Error, Peer, Result, Status};
use dicom_dictionary_std::tags;
use vesalius_control::Control;

const REQUEST: &str = "the retrieval (WADO-RS)";
/// Objects in the transfer syntax in which the server has them.
const ACCEPT: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

impl WebClient {
    /// Asks for a study, a series or an object (WADO-RS), and gives the objects to the receiver as they come.
    ///
    /// # Errors
    /// As far as the server was not reached, refused the request, or broke off. Objects that were whole before then were given
    /// to the receiver.
    pub fn get(
        &self,
        query: &Query,
        receiver: &dyn Receiver,
        control: &Control,
    ) -> Result<Retrieved> {
        let mut retrieved = Retrieved {
            status: Status::SUCCESS,
            completed: 0,
            failed: 0,
            warnings: 0,
            failed_instances: Vec::new(),
        };
        let Some(answer) = self.get_body(&path(query)?, ACCEPT, REQUEST)? else {
            return Ok(retrieved);
        };
        let kind = answer
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        let limits = MultipartLimits {
            part_bytes: self.limits.data_set,
            ..MultipartLimits::default()
        };
        let parser = Multipart::of_content_type(kind.unwrap_or_default(), limits)?;
        let peer = Peer::of_web();
        let stage = control.stage("objects", None);
        let mut file = None;
        let mut on = |event: MultipartEvent<'_>| {
            match event {
                MultipartEvent::Begin(_) => {
                    file = Some(IncomingFile::part_ten(receiver.incoming())?)
                }
                MultipartEvent::Bytes(bytes) => {
                    file.as_mut().map_or(Ok(()), |file| file.write(bytes))?;
                }
                MultipartEvent::End => {
                    let status = match file.take().map(IncomingFile::finish) {
                        Some(Ok(instance)) => receiver.on_store(&peer, instance),
                        Some(Err(Error::DataSet(_))) => Status::CANNOT_UNDERSTAND,
                        Some(Err(error)) => return Err(error),
                        None => Status::PROCESSING_FAILURE,
                    };
                    count(&mut retrieved, status);
                    stage.advance(1);
                }
            }
            Ok(())
        };
        let from = answer
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        let mut from = Watched { from, control };
        let read = parser.read(&mut from, &mut on);
        read.map_err(|error| broken(REQUEST, error))?;
        Ok(retrieved)
    }
}

fn count(retrieved: &mut Retrieved, status: Status) {
    let field = match status {
        _ if status.is_success() => &mut retrieved.completed,
        _ if status.is_warning() => &mut retrieved.warnings,
        _ => &mut retrieved.failed,
    };
    *field = field.saturating_add(1);
    if retrieved.failed > 0 {
        retrieved.status = Status::SOME_FAILED;
    }
}

fn path(query: &Query) -> Result<String> {
    // Checks that the identifiers down to the level are there.
    query.unique_keys()?;
    let value = |tag| query.keys.get(&tag).map_or("", |(_, value)| value.as_str());
    let mut path = format!("/studies/{}", value(tags::STUDY_INSTANCE_UID));
    if query.level() >= Level::Series {
        path.push_str(&format!("/series/{}", value(tags::SERIES_INSTANCE_UID)));
    }
    if query.level() >= Level::Image {
        path.push_str(&format!("/instances/{}", value(tags::SOP_INSTANCE_UID)));
    }
    match path.contains('\\') {
        true => Err(Error::Settings(
            "one object or series is asked for at once".into(),
        )),
        false => Ok(path),
    }
}
