//! DICOM over the network: DIMSE and DICOMweb, client and server. It knows no models.
//!
//! A [`Client`] asks a peer (C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET, storage commitment); a [`Server`] answers peers and
//! gives what it receives to a [`Receiver`].
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | asking a peer | [`Client`], [`Query`], [`Level`], [`Found`], [`Retrieved`], [`SentInstance`], [`StoreOutcome`] |
//! | answering peers | [`Server`], [`ServerOptions`], [`Callers`], [`Caller`], [`StorageClasses`] |
//! | received objects | [`Receiver`], [`FolderReceiver`], [`ReceivedInstance`], [`IncomingFile`], [`remove_incoming`], [`Admission`], [`End`], [`Peer`] |
//! | DICOMweb | [`WebClient`] (STOW-RS, QIDO-RS, WADO-RS), [`Multipart`], [`MultipartEvent`], [`MultipartLimits`], [`MediaType`] |
//! | complete series | [`SeriesArrivals`], [`CompletenessRule`], [`Completeness`], [`Missing`], [`Arrival`] |
//! | which model runs on what | [`RouteRules`], [`RouteRule`], [`RoutedSeries`] |
//! | where results are sent | [`Destination`], [`Outlet`], [`PeerAddress`], [`TlsFiles`] |
//! | storage commitment | [`CommitmentRequest`], [`CommitmentReport`], [`InstanceReference`] |
//! | how long and how much | [`Timeouts`], [`Limits`] |
//! | TLS | [`ClientTls`], [`ServerTls`] |
//! | names | [`AeTitle`], [`is_uid`], [`new_uid`], [`is_storage_class`], [`retrieved_classes`], [`READABLE_SYNTAXES`] |
//! | headers of objects | [`InstanceHeader`], [`Frame`], [`FileMeta`], [`Header`] |
//! | messages | [`Command`], [`Status`] |
//! | errors | [`Error`](enum@Error) |

#![forbid(unsafe_code)]

mod address;
mod association;
mod classes;
mod client;
mod complete;
mod data_set;
mod destination;
mod error;
mod limits;
mod message;
mod net;
mod route;
mod server;
mod status;
mod store;
mod title;
mod uid;
mod web;

pub use address::PeerAddress;
pub use association::Peer;
pub use classes::{
    DEFLATED, EXPLICIT_BIG_ENDIAN, EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN,
    LABEL_MAP_SEGMENTATION, READABLE_SYNTAXES, is_storage_class, retrieved_classes,
};
pub use client::{Client, Found, Level, Query, Retrieved, SentInstance, StoreOutcome};
pub use complete::{Arrival, Completeness, CompletenessRule, Missing, SeriesArrivals};
pub use data_set::{FileMeta, Frame, Header, InstanceHeader};
pub use destination::{Destination, Outlet, TlsFiles};
pub use dicom_core::Tag;
pub use dicom_object::InMemDicomObject;
pub use error::Error;
pub use limits::{Limits, Timeouts};
pub use message::Command;
pub use net::{ClientTls, ServerTls};
pub use route::{RouteRule, RouteRules, RoutedSeries};
pub use server::{Caller, Callers, Server, ServerOptions, StorageClasses};
pub use status::Status;
pub use store::{
    Admission, CommitmentReport, CommitmentRequest, End, FolderReceiver, IncomingFile,
    InstanceReference, ReceivedInstance, Receiver, remove_incoming,
};
pub use title::AeTitle;
pub use uid::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, is_uid, new_uid};
pub use web::{MediaType, Multipart, MultipartEvent, MultipartLimits, WebClient};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
