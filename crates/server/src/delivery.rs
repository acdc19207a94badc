//! Where results are sent when they exist, such as to the archive of a hospital.

use crate::job::Job;
use std::path::Path;
use vesalius_control::Control;

/// Why a result was not delivered: a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// It may succeed later: no connection, no answer.
    #[error("{0}")]
    Later(String),
    /// It will not: the receiver does not take such objects.
    #[error("{0}")]
    Never(String),
}

/// Sends results. After a crash a result may be sent twice, so a delivery names its objects the same each time.
pub trait Delivery: Send + Sync + 'static {
    /// Whether the results of this job are sent anywhere.
    fn wants(&self, job: &Job) -> bool;

    /// Sends the results of a job, which lie in `folder/results`.
    ///
    /// # Errors
    /// [`DeliveryError::Later`] is tried again with growing pauses, up to the limit
    /// [`Limits::sendings`](crate::Limits::sendings); [`DeliveryError::Never`] fails the job.
    fn deliver(&self, job: &Job, folder: &Path, control: &Control) -> Result<(), DeliveryError>;
}

/// Nothing is sent: results are fetched over HTTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDelivery;

impl Delivery for NoDelivery {
    fn wants(&self, _job: &Job) -> bool {
        false
    }

    fn deliver(&self, _: &Job, _: &Path, _: &Control) -> Result<(), DeliveryError> {
        Ok(())
    }
}
