//! One job: what is known about it, and its states. Where it lies on disk is in `spool.rs`.

use crate::engine::LabelInfo;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// The name of a job: 128 random bits, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// A new one.
    ///
    /// # Errors
    /// A system without random numbers.
    pub fn random() -> std::io::Result<Self> {
        Ok(Self(crate::token::random_hex()?))
    }

    /// The id in this text: 32 digits from `0` to `f`. Everything else is no id, so that an id is always safe as the name
    /// of a folder.
    ///
    /// ```
    /// use vesalius_server::JobId;
    ///
    /// assert!(JobId::parse("00112233445566778899aabbccddeeff").is_some());
    /// assert!(JobId::parse("../../etc/passwd").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(digits)).then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for JobId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or("a job id is 32 hexadecimal digits".to_owned())
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// The input lies on disk; it was not looked at.
    Received,
    /// The input is an image; the job waits for a device.
    Ready,
    /// A device works on it.
    Running,
    /// The results lie on disk, whole.
    Results,
    /// The results are being sent to where they were asked for.
    Sending,
    /// All is done.
    Done,
    /// It failed; [`Job::reason`] says why.
    Failed,
}

impl State {
    /// All, in their order.
    pub const ALL: [Self; 7] = [
        Self::Received,
        Self::Ready,
        Self::Running,
        Self::Results,
        Self::Sending,
        Self::Done,
        Self::Failed,
    ];

    /// Its name, as in files and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Results => "results",
            Self::Sending => "sending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// What an input is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum InputKind {
    /// NIfTI.
    Nifti,
    /// NIfTI, compressed by gzip.
    NiftiGz,
    /// NRRD.
    Nrrd,
    /// MetaImage in one file.
    MetaImage,
    /// A zip archive, of a DICOM series.
    Zip,
}

impl InputKind {
    /// How many bytes [`InputKind::of`] needs.
    pub const PREFIX: usize = 352;

    /// The kind by the first bytes of a file.
    ///
    /// ```
    /// use vesalius_server::InputKind;
    ///
    /// assert_eq!(InputKind::of(b"NRRD0004\n"), Some(InputKind::Nrrd));
    /// assert_eq!(InputKind::of(b"PK\x03\x04 and more"), Some(InputKind::Zip));
    /// assert_eq!(InputKind::of(b"%PDF-1.7"), None);
    /// ```
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let at = |place: usize, text: &[u8]| bytes.get(place..place + text.len()) == Some(text);
        let nifti = || {
            let first = at(344, b"n+1\0") || at(4, b"n+2\0");
            first || at(344, b"ni1\0")
        };
        match () {
            () if at(0, b"PK\x03\x04") => Some(Self::Zip),
            () if at(0, b"\x1f\x8b") => Some(Self::NiftiGz),
            () if at(0, b"NRRD000") => Some(Self::Nrrd),
            () if at(0, b"ObjectType") || at(0, b"NDims") => Some(Self::MetaImage),
            () if nifti() => Some(Self::Nifti),
            () => None,
        }
    }

    /// The name of its file within the folder of a job.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Nifti => "input.nii",
            Self::NiftiGz => "input.nii.gz",
            Self::Nrrd => "input.nrrd",
            Self::MetaImage => "input.mha",
            Self::Zip => "input.zip",
        }
    }
}

/// The volume of a label in a version of the labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelVolume {
    /// The label.
    #[serde(flatten)]
    pub label: LabelInfo,
    /// How many voxels it has.
    pub voxels: u64,
    /// Its volume.
    pub millilitres: f64,
}

/// A version of the labels: the first is the model's, the others were edited by a person. None replaces another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its number, from 1.
    pub number: u32,
    /// When it was made, in milliseconds since 1970.
    pub created: u64,
    /// The volumes of the labels.
    pub volumes: Vec<LabelVolume>,
}

/// What is known about a job; `job.json` in its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its number: jobs run in the order of their numbers.
    pub number: u64,
    /// The name of the model.
    pub model: String,
    /// What the user called the scan. It may name a patient, so it is shown and never logged.
    pub name: String,
    /// Which DICOM series of an archive.
    pub series: Option<String>,
    /// Whether probabilities were asked for.
    pub probabilities: bool,
    /// What the input is.
    pub kind: InputKind,
    /// The size of the input.
    pub bytes: u64,
    /// How far it is.
    pub state: State,
    /// How often a run was begun.
    pub attempts: u32,
    /// When it was received, in milliseconds since 1970.
    pub created: u64,
    /// When its state changed last, in milliseconds since 1970.
    pub changed: u64,
    /// How long the run took.
    pub seconds: Option<f64>,
    /// Why it failed.
    pub reason: Option<String>,
    /// The versions of the labels, the first being the model's.
    pub versions: Vec<Version>,
    /// How many bytes its folder holds, as far as known.
    pub stored: u64,
    /// Whether it was deleted while it ran.
    pub deleted: bool,
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_lower_hexadecimal_digits_are_an_id() {
        let id = JobId::random().unwrap();
        assert_eq!(JobId::parse(id.as_str()), Some(id));
        for wrong in [
            "",
            "..",
            "00112233445566778899AABBCCDDEEFF",
            "0011",
            "é0112233445566778899aabbccddeef",
        ] {
            assert_eq!(JobId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn kinds_are_known_by_their_first_bytes() {
        let mut nifti = vec![0; 352];
        nifti[344..348].copy_from_slice(b"n+1\0");
        assert_eq!(InputKind::of(&nifti), Some(InputKind::Nifti));
        assert_eq!(InputKind::of(b"\x1f\x8b\x08"), Some(InputKind::NiftiGz));
        assert_eq!(InputKind::of(b""), None);
    }
}
