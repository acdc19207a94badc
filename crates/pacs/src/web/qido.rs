//! QIDO-RS: what a server has.

use super::WebClient;
use super::client::{encoded, failed};
use crate::client::{Found, Level, Query};
use crate::{Error, Result};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_json::DicomJson;
use dicom_object::InMemDicomObject;
use std::panic::{AssertUnwindSafe, catch_unwind};
use vesalius_control::Control;

const REQUEST: &str = "the query (QIDO-RS)";
/// Answers are held in memory.
const LONGEST_ANSWER: u64 = 64 << 20;

impl WebClient {
    /// Asks what the server has (QIDO-RS), for at most `limit` matches.
    ///
    /// # Errors
    /// As far as the server was not reached, refused the request, or answered with what is no DICOM JSON.
    pub fn find(&self, query: &Query, limit: usize, control: &Control) -> Result<Found> {
        control.check()?;
        let path = path(query, limit);
        let Some(answer) = self.get_body(&path, "application/dicom+json", REQUEST)? else {
            return Ok(Found {
                matches: Vec::new(),
                is_complete: true,
            });
        };
        let body = answer.into_body().into_with_config().limit(LONGEST_ANSWER);
        let bytes = body
            .read_to_vec()
            .map_err(|error| failed(REQUEST, &error))?;
        let mut matches = objects(&bytes)?;
        let is_complete = matches.len() <= limit;
        matches.truncate(limit);
        Ok(Found {
            matches,
            is_complete,
        })
    }
}

/// The objects of DICOM JSON.
pub(super) fn objects(bytes: &[u8]) -> Result<Vec<InMemDicomObject>> {
    let parse = || serde_json::from_slice::<Vec<DicomJson<InMemDicomObject>>>(bytes);
    match catch_unwind(AssertUnwindSafe(parse)) {
        Ok(Ok(objects)) => Ok(objects.into_iter().map(DicomJson::into_inner).collect()),
        // The message of the parser may quote a value.
        Ok(Err(error)) => Err(Error::DataSet(format!(
            "the answer is no DICOM JSON (line {}, column {})",
            error.line(),
            error.column()
        ))),
        Err(_) => Err(Error::DataSet("the parser of DICOM JSON failed".into())),
    }
}

fn path(query: &Query, limit: usize) -> String {
    let value = |tag: Tag| {
        let value = query.keys.get(&tag).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty() && !value.contains('\\'))
    };
    let study = value(tags::STUDY_INSTANCE_UID).filter(|_| query.level() > Level::Study);
    let series = value(tags::SERIES_INSTANCE_UID).filter(|_| query.level() > Level::Series);
    let (above, used): (String, Vec<Tag>) = match (study, series) {
        (Some(study), Some(series)) => (
            format!("/studies/{study}/series/{series}"),
            vec![tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID],
        ),
        (Some(study), None) => (format!("/studies/{study}"), vec![tags::STUDY_INSTANCE_UID]),
        _ => (String::new(), Vec::new()),
    };
    let what = match query.level() {
        Level::Study => "studies",
        Level::Series => "series",
        Level::Image => "instances",
    };
    // One more than is wanted tells whether there are more.
    let mut path = format!("{above}/{what}?limit={}", limit.saturating_add(1));
    for (tag, (vr, value)) in query.keys.iter().filter(|(tag, _)| !used.contains(*tag)) {
        let name = format!("{:04X}{:04X}", tag.0, tag.1);
        match value.as_str() {
            // Identifiers down to the level come unasked.
            "" if *vr == VR::UI => {}
            "" => path.push_str(&format!("&includefield={name}")),
            value => path.push_str(&format!("&{name}={}", encoded(value))),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_the_path_of_its_level() {
        let query = Query::series("1.2", "1.2.3")
            .unwrap()
            .asking("Modality")
            .unwrap();
        assert_eq!(
            path(&query, 10),
            "/studies/1.2/series?limit=11&includefield=00080060&0020000E=1.2.3"
        );
        let query = Query::new(Level::Image)
            .matching("SeriesInstanceUID", "1.3")
            .unwrap();
        assert_eq!(path(&query, 1), "/instances?limit=2&0020000E=1.3");
        let query = Query::new(Level::Study)
            .matching("PatientName", "A B*")
            .unwrap();
        assert_eq!(path(&query, 1), "/studies?limit=2&00100010=A%20B*");
    }

    #[test]
    fn what_is_no_dicom_json_is_an_error_without_its_content() {
        for bad in ["", "{}", "[1]", "{\"00100010\": \"Secret\"}"] {
            let error = objects(bad.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("Secret"), "{error}");
        }
    }
}
