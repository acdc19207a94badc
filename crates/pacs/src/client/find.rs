//! C-FIND: what a peer has.

use super::echo::{expect, succeeded};
use super::{Client, Query};
use crate::association::{Association, Proposal};
use crate::classes::UNCOMPRESSED;
use crate::data_set::{decode, encode};
use crate::message::{Request, element, field};
use crate::{Error, Result};
use dicom_object::InMemDicomObject;
use vesalius_control::Control;

/// Queries below the root of studies.
const FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";

/// The matches of a query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The attributes of each match, texts decoded.
    pub matches: Vec<InMemDicomObject>,
    /// Whether these are all. If not, the limit was reached, and the peer was asked to stop.
    pub is_complete: bool,
}

impl Client {
    /// Asks what the peer has (C-FIND), for at most `limit` matches.
    ///
    /// # Errors
    /// As far as the peer was not reached, rejected the association, does not offer queries, or answered with a failure.
    pub fn find(&self, query: &Query, limit: usize, control: &Control) -> Result<Found> {
        let mut association = self.associate(&[Proposal::user(FIND, &UNCOMPRESSED)], control)?;
        let result = find(&mut association, query, limit, control);
        association.finish(result)
    }

    /// How many objects the peer has of a series; nothing where it does not tell
    /// (NumberOfSeriesRelatedInstances is optional).
    ///
    /// # Errors
    /// As [`Client::find`].
    pub fn series_count(
        &self,
        study: &str,
        series: &str,
        control: &Control,
    ) -> Result<Option<usize>> {
        const COUNT: &str = "NumberOfSeriesRelatedInstances";
        let query = Query::series(study, series)?.asking(COUNT)?;
        let found = self.find(&query, 2, control)?;
        let [only] = found.matches.as_slice() else {
            return Ok(None);
        };
        let count = only.element_by_name(COUNT).ok();
        Ok(count.and_then(|element| element.to_int().ok()))
    }
}

fn find(
    association: &mut Association,
    query: &Query,
    limit: usize,
    control: &Control,
) -> Result<Found> {
    let context = association
        .context(FIND)
        .ok_or_else(|| Error::NotAccepted("queries below studies (C-FIND)".into()))?;
    let (context, syntax) = (context.id, context.syntax.clone());
    let id = association.next_id();
    let request = Request::new(field::C_FIND_RQ, id)
        .class(FIND)
        .u16(element::PRIORITY, 0)
        .data_set();
    association.send_command(context, &request.command())?;
    let identifier = encode(&query.identifier(), &syntax)?;
    association.send_data(context, &mut identifier.as_slice())?;
    let stage = control.stage("matches", None);
    let (mut matches, mut is_complete) = (Vec::new(), true);
    loop {
        let (_, answer) = association.receive_command("an answer to C-FIND")?;
        let (status, answer) = expect(&answer, field::C_FIND_RQ, id, "C-FIND")?;
        if answer.has_data_set() {
            let bytes = association.receive_bytes(context)?;
            if status.is_pending() && matches.len() < limit {
                matches.push(decode(&bytes, &syntax)?);
                stage.advance(1);
                continue;
            }
        }
        if !status.is_pending() {
            if is_complete {
                succeeded("C-FIND", status, &answer)?;
            }
            return Ok(Found {
                matches,
                is_complete,
            });
        }
        if matches.len() >= limit && is_complete {
            is_complete = false;
            let cancel = Request::new(field::C_CANCEL_RQ, id).command();
            association.send_command(context, &cancel)?;
        }
    }
}
