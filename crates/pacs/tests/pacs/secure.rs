//! TLS with certificates made for the test.

use crate::made::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use std::path::{Path, PathBuf};
use vesalius_pacs::{Caller, Callers, Client, ClientTls, Error, ServerTls};

/// An authority, and a certificate with its key for `localhost`.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        for name in ["server", "client"] {
            let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            let mut params = CertificateParams::new(names).unwrap();
            params.extended_key_usages = vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ];
            let key = KeyPair::generate().unwrap();
            let signed = params.signed_by(&key, &authority).unwrap();
            std::fs::write(folder.path().join(format!("{name}.pem")), signed.pem()).unwrap();
            std::fs::write(
                folder.path().join(format!("{name}.key")),
                key.serialize_pem(),
            )
            .unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self) -> ServerTls {
        ServerTls::new(self.path("server.pem"), self.path("server.key")).unwrap()
    }

    fn client(&self) -> ClientTls {
        ClientTls::new(self.path("ca.pem")).unwrap()
    }

    fn with_certificate(&self) -> ClientTls {
        self.client()
            .certificate(self.path("client.pem"), self.path("client.key"))
            .unwrap()
    }
}

fn with(client: Client, tls: ClientTls) -> Client {
    Client {
        tls: Some(tls),
        ..client
    }
}

#[test]
fn objects_are_sent_over_tls_and_a_client_without_it_is_refused() {
    let certificates = Certificates::new();
    let node = Node::with(|options| {
        options.tls = Some(certificates.server());
        options.timeouts.association = std::time::Duration::from_secs(3);
    });
    let folder = tempfile::tempdir().unwrap();
    let object = Object {
        pixels: vec![1; 1_000_000],
        ..Object::new("1.2.3.4.1")
    };
    let file = object.write(folder.path());
    let secure = with(node.client(), certificates.client());
    let sent = secure.store(&[&file], &control()).unwrap();
    assert!(sent[0].outcome.is_stored(), "{}", sent[0].outcome);
    assert!(node.client().echo(&control()).is_err());
    let other = Certificates::new();
    let error = with(node.client(), other.client())
        .echo(&control())
        .unwrap_err();
    assert!(matches!(error, Error::Tls(_)), "{error}");
    certificates.server().reload().unwrap();
}

#[test]
fn a_server_that_asks_for_certificates_takes_only_those_of_its_authority() {
    let certificates = Certificates::new();
    let fingerprint = fingerprint(&certificates.path("client.pem"));
    let node = Node::with(|options| {
        let tls = certificates
            .server()
            .require_clients(certificates.path("ca.pem"));
        options.tls = Some(tls.unwrap());
        let mut caller = Caller::new(title("SCANNER"));
        caller.certificate = Some(fingerprint);
        options.callers = Callers::Known(vec![caller]);
    });
    with(node.client(), certificates.with_certificate())
        .echo(&control())
        .unwrap();
    assert!(
        with(node.client(), certificates.client())
            .echo(&control())
            .is_err()
    );
    let other = Certificates::new();
    let foreign = certificates
        .client()
        .certificate(other.path("client.pem"), other.path("client.key"))
        .unwrap();
    assert!(with(node.client(), foreign).echo(&control()).is_err());
    // A certificate of the authority, and not the caller's.
    let servers = certificates.client().certificate(
        certificates.path("server.pem"),
        certificates.path("server.key"),
    );
    let error = with(node.client(), servers.unwrap())
        .echo(&control())
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Rejected {
                permanent: true,
                ..
            }
        ),
        "{error}"
    );
}

/// The hash of a certificate, as an administrator gets it.
fn fingerprint(path: &Path) -> String {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let der = CertificateDer::from_pem_file(path).unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, &der);
    let parts: Vec<_> = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    parts.join(":")
}
