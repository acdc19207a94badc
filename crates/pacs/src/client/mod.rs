//! Asking a peer: echo, store, find, move, get, commitment.

mod commit;
mod commit_here;
mod echo;
mod find;
mod get;
mod move_;
mod offered;
mod query;
mod store;

pub(crate) use commit::{read_report, read_request, send_report};
pub use find::Found;
pub use get::Retrieved;
pub(crate) use offered::Outgoing;
pub use query::{Level, Query};
pub use store::{SentInstance, StoreOutcome};

use crate::association::{Association, Proposal, Requestor};
use crate::{AeTitle, ClientTls, Limits, Result, Timeouts};
use vesalius_control::Control;

/// A peer, and the title under which it is asked.
///
/// Each operation opens an association and ends it.
///
/// ```no_run
/// use vesalius_control::Control;
/// use vesalius_pacs::{AeTitle, Client, Level, Query};
///
/// let pacs = Client::new("pacs.example:104", AeTitle::new("PACS")?, AeTitle::new("VESALIUS")?);
/// pacs.echo(&Control::new())?;
/// let query = Query::new(Level::Series).matching("PatientID", "4711")?.asking("Modality")?;
/// for series in pacs.find(&query, 1000, &Control::new())?.matches {
///     let modality = series.element_by_name("Modality").ok().and_then(|element| element.to_str().ok());
///     println!("{}", modality.unwrap_or_default());
/// }
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    /// Host and port.
    pub address: String,
    /// The peer's title.
    pub called: AeTitle,
    /// The title of this side. Many peers answer only to titles that they know.
    pub calling: AeTitle,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// How much the peer may send.
    pub limits: Limits,
    /// TLS, where the peer wants it.
    pub tls: Option<ClientTls>,
}

impl Client {
    /// A peer at `host:port`, without TLS.
    pub fn new(address: impl Into<String>, called: AeTitle, calling: AeTitle) -> Self {
        Self {
            address: address.into(),
            called,
            calling,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            tls: None,
        }
    }

    fn associate(&self, proposals: &[Proposal], control: &Control) -> Result<Association> {
        let requestor = Requestor {
            address: &self.address,
            called: &self.called,
            calling: &self.calling,
            timeouts: self.timeouts,
            limits: self.limits,
            tls: self.tls.as_ref(),
            control,
        };
        requestor.associate(proposals)
    }
}
