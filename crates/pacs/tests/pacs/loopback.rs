//! Client and server of this crate with each other.

use crate::made::*;
use std::sync::Arc;
use vesalius_pacs::{
    Admission, Callers, Client, Error, FileMeta, FolderReceiver, InstanceHeader, Peer,
    ReceivedInstance, Receiver, Status, StorageClasses, StoreOutcome,
};

#[test]
fn an_object_that_was_acknowledged_is_in_its_file_with_the_bytes_that_were_sent() {
    let node = Node::start();
    let folder = tempfile::tempdir().unwrap();
    let objects: Vec<_> = (1..=5)
        .map(|k| Object::new(&format!("1.2.3.4.{k}")))
        .collect();
    let files: Vec<_> = objects
        .iter()
        .map(|object| object.write(folder.path()))
        .collect();
    let sent = node.client().store(&files, &control()).unwrap();
    assert!(sent.iter().all(|one| one.outcome.is_stored()) && sent.len() == 5);
    assert_eq!(node.receiver.kept().len(), 5);
    for object in &objects {
        let path = node
            .folder
            .path()
            .join(format!("1.2.3/1.2.3.4/{}.dcm", object.instance));
        let bytes = std::fs::read(path).unwrap();
        let (meta, start) = FileMeta::read(bytes.as_slice()).unwrap();
        assert_eq!(
            (meta.class.as_str(), &meta.instance),
            (CT, &object.instance)
        );
        assert!(
            bytes[start as usize..] == object.data_set(),
            "the data set is not touched"
        );
    }
    assert_eq!(node.unfinished(), 0);
}

#[test]
fn parts_of_any_length_carry_a_message() {
    for (pdu, length) in [
        (4096, 0),
        (4096, 4084),
        (4096, 4085),
        (4096, 40_000),
        (1 << 20, 3_000_000),
    ] {
        let node = Node::with(|options| options.limits.pdu = pdu);
        let folder = tempfile::tempdir().unwrap();
        let object = Object {
            pixels: vec![7; length],
            ..Object::new("1.2.3.4.1")
        };
        let sent = node
            .client()
            .store(&[object.write(folder.path())], &control())
            .unwrap();
        assert!(
            sent[0].outcome.is_stored(),
            "{pdu} {length}: {}",
            sent[0].outcome
        );
    }
}

#[test]
fn an_object_that_comes_again_is_a_success_and_one_with_other_bytes_is_refused() {
    let node = Node::start();
    let folder = tempfile::tempdir().unwrap();
    let mut object = Object::new("1.2.3.4.1");
    let file = object.write(folder.path());
    for _ in 0..2 {
        let sent = node.client().store(&[&file], &control()).unwrap();
        assert!(sent[0].outcome.is_stored());
    }
    assert_eq!(
        node.receiver.kept().len(),
        1,
        "nothing was done the second time"
    );
    object.pixels[0] ^= 1;
    object.write(folder.path());
    let sent = node.client().store(&[&file], &control()).unwrap();
    let refused = matches!(
        sent[0].outcome,
        StoreOutcome::Refused(Status::DUPLICATE_INSTANCE)
    );
    assert!(refused && !sent[0].outcome.may_succeed_later());
    let kept = std::fs::read(&node.receiver.kept()[0]).unwrap();
    assert!(!kept.ends_with(&object.pixels), "the first one is kept");
}

#[test]
fn a_file_is_converted_to_the_transfer_syntax_that_the_peer_takes() {
    let folder = tempfile::tempdir().unwrap();
    for (has, takes) in [(EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT)] {
        let node = Node::with(|options| options.syntaxes = vec![takes.into()]);
        let object = Object {
            syntax: has.into(),
            ..Object::new("1.2.3.4.1")
        };
        let sent = node
            .client()
            .store(&[object.write(folder.path())], &control())
            .unwrap();
        assert!(sent[0].outcome.is_stored(), "{}", sent[0].outcome);
        let bytes = std::fs::read(&node.receiver.kept()[0]).unwrap();
        let (meta, start) = FileMeta::read(bytes.as_slice()).unwrap();
        assert_eq!(meta.syntax, takes);
        let expected = Object {
            syntax: takes.into(),
            ..object
        };
        assert!(
            bytes[start as usize..] == expected.data_set(),
            "texts keep their bytes"
        );
    }
}

#[test]
fn what_the_peer_does_not_take_is_told_for_each_file_and_does_not_end_the_others() {
    let node = Node::with(|options| {
        options.syntaxes = vec![EXPLICIT.into()];
        options.classes =
            StorageClasses::AllBut(vec![vesalius_pacs::LABEL_MAP_SEGMENTATION.into()]);
    });
    let folder = tempfile::tempdir().unwrap();
    let compressed = Object {
        syntax: "1.2.840.10008.1.2.4.90".into(),
        ..Object::new("1.2.3.4.1")
    };
    let label_map = Object {
        class: vesalius_pacs::LABEL_MAP_SEGMENTATION.into(),
        ..Object::new("1.2.3.4.2")
    };
    let plain = Object::new("1.2.3.4.3");
    let mut files: Vec<_> = [&compressed, &label_map, &plain]
        .map(|o| o.write(folder.path()))
        .to_vec();
    let text = folder.path().join("text.dcm");
    std::fs::write(&text, "not DICOM").unwrap();
    files.push(text.clone());
    let sent = node.client().store(&files, &control()).unwrap();
    let of =
        |path: &std::path::PathBuf| &sent.iter().find(|one| one.path == *path).unwrap().outcome;
    assert!(matches!(of(&files[0]), StoreOutcome::NotAccepted));
    assert!(matches!(of(&files[1]), StoreOutcome::NotAccepted));
    assert!(of(&files[2]).is_stored());
    assert!(matches!(of(&text), StoreOutcome::Unreadable(_)));
}

#[test]
fn more_kinds_of_files_than_an_association_has_contexts_are_sent_by_several() {
    let node = Node::with(|options| {
        options.classes = StorageClasses::Only((0..150).map(|k| format!("1.2.999.{k}")).collect());
    });
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..150)
        .map(|k| {
            let object = Object {
                class: format!("1.2.999.{k}"),
                ..Object::new(&format!("1.2.3.4.{k}"))
            };
            object.write(folder.path())
        })
        .collect();
    let sent = node.client().store(&files, &control()).unwrap();
    // Private classes are none of storage, so that the request is refused after its context was accepted.
    assert!(sent.iter().all(|one| matches!(
        one.outcome,
        StoreOutcome::Refused(Status::CLASS_NOT_SUPPORTED) | StoreOutcome::Stored(_)
    )));
    assert_eq!(sent.len(), 150);
}

#[test]
fn a_wrong_title_is_rejected_for_good_with_its_reason() {
    let node = Node::with(|options| {
        options.callers = Callers::Known(vec![vesalius_pacs::Caller::new(title("SCANNER"))]);
    });
    node.client().echo(&control()).unwrap();
    let error = client(node.port(), "OTHER").echo(&control()).unwrap_err();
    assert!(matches!(
        error,
        Error::Rejected {
            permanent: true,
            ..
        }
    ));
    assert!(
        error.to_string().contains("called AE title `OTHER`"),
        "{error}"
    );
    let unknown = Client {
        calling: title("STRANGER"),
        ..node.client()
    };
    let error = unknown.echo(&control()).unwrap_err();
    assert!(
        error.to_string().contains("calling AE title `STRANGER`"),
        "{error}"
    );
    assert!(!error.may_succeed_later());
}

/// Has no room.
struct Full(tempfile::TempDir);

impl Receiver for Full {
    fn incoming(&self) -> &std::path::Path {
        self.0.path()
    }

    fn admit(&self, peer: &Peer) -> Admission {
        match peer.title.as_str() {
            "BUSY" => Admission::Busy,
            "NEVER" => Admission::Refuse,
            _ => Admission::Accept,
        }
    }

    fn begin(&self, _: &Peer, _: &str, instance: &str) -> Result<(), Status> {
        match instance {
            "1.1" => Err(Status::OUT_OF_RESOURCES),
            _ => Ok(()),
        }
    }

    fn on_store(&self, _: &Peer, instance: ReceivedInstance) -> Status {
        assert!(
            instance.header().instance != "1.2",
            "a fault of the receiver"
        );
        Status::SUCCESS
    }
}

#[test]
fn a_receiver_without_room_or_with_a_fault_does_not_end_the_association() {
    let server = serve(Arc::new(Full(tempfile::tempdir().unwrap())), |_| {});
    let client = client(server.address().port(), "VESALIUS");
    let folder = tempfile::tempdir().unwrap();
    let files = ["1.1", "1.2", "1.3"].map(|uid| Object::new(uid).write(folder.path()));
    let sent = client.store(&files, &control()).unwrap();
    assert!(matches!(
        sent[0].outcome,
        StoreOutcome::Refused(Status::OUT_OF_RESOURCES)
    ));
    assert!(sent[0].outcome.may_succeed_later());
    assert!(matches!(
        sent[1].outcome,
        StoreOutcome::Refused(Status::PROCESSING_FAILURE)
    ));
    assert!(sent[2].outcome.is_stored());

    let busy = Client {
        calling: title("BUSY"),
        ..client.clone()
    };
    let error = busy.echo(&control()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Rejected {
                permanent: false,
                ..
            }
        ) && error.may_succeed_later()
    );
    let never = Client {
        calling: title("NEVER"),
        ..client
    };
    assert!(matches!(
        never.echo(&control()).unwrap_err(),
        Error::Rejected {
            permanent: true,
            ..
        }
    ));
}

#[test]
fn a_disk_that_fails_is_told_and_the_association_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("gone");
    let receiver = Arc::new(FolderReceiver::new(&inner).unwrap());
    let server = serve(receiver, |_| {});
    std::fs::remove_dir_all(&inner).unwrap();
    let client = client(server.address().port(), "VESALIUS");
    let files = ["1.1", "1.2"].map(|uid| Object::new(uid).write(folder.path()));
    let sent = client.store(&files, &control()).unwrap();
    assert!(sent.iter().all(|one| matches!(
        one.outcome,
        StoreOutcome::Refused(Status::PROCESSING_FAILURE)
    )));
}

#[test]
fn more_associations_than_allowed_are_rejected_for_the_moment() {
    let node = Node::with(|options| options.associations = 3);
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| node.client().echo(&control())))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let done = results.iter().filter(|result| result.is_ok()).count();
    assert!(done >= 3, "{done}");
    for error in results.into_iter().filter_map(Result::err) {
        assert!(
            matches!(
                error,
                Error::Rejected {
                    permanent: false,
                    ..
                }
            ),
            "{error}"
        );
    }
    wait_for("the end of all associations", || {
        node.server.associations() == 0
    });
    node.client().echo(&control()).unwrap();
}

#[test]
fn one_hundred_associations_at_once_lose_no_object() {
    let node = Node::with(|options| options.associations = 100);
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..100)
        .map(|k| Object::new(&format!("1.2.3.4.{k}")).write(folder.path()))
        .collect();
    let stored = std::thread::scope(|scope| {
        let threads: Vec<_> = files
            .iter()
            .map(|file| {
                let node = &node;
                scope.spawn(move || {
                    node.client()
                        .store(&[file], &control())
                        .unwrap()
                        .remove(0)
                        .outcome
                        .is_stored()
                })
            })
            .collect();
        threads
            .into_iter()
            .filter(|_| true)
            .map(|thread| thread.join().unwrap())
            .filter(|&stored| stored)
            .count()
    });
    assert_eq!((stored, node.receiver.kept().len()), (100, 100));
}

#[test]
fn a_cancelled_client_and_a_stopped_server_end_at_once() {
    let node = Node::start();
    let stopped = control();
    stopped.cancel();
    assert!(matches!(
        node.client().echo(&stopped),
        Err(Error::Cancelled)
    ));
    let _idle = std::net::TcpStream::connect(node.server.address()).unwrap();
    let began = std::time::Instant::now();
    let client = node.client();
    node.server.stop();
    assert!(began.elapsed().as_secs() < 3);
    assert!(matches!(
        client.echo(&control()),
        Err(Error::Connect { .. })
    ));
}

#[test]
fn objects_of_this_library_are_recognised() {
    let header =
        |object: &Object| InstanceHeader::read(object.data_set().as_slice(), EXPLICIT).unwrap();
    let scan = header(&Object::new("1.2"));
    assert!(!scan.is_own("1.2.3") && !scan.is_derived_object());
    assert!(scan.is_own(vesalius_pacs::IMPLEMENTATION_CLASS_UID));
    let seg = Object {
        modality: "SEG".into(),
        ..Object::new("1.2")
    };
    assert!(header(&seg).is_derived_object());
    let own = InstanceHeader {
        manufacturer: "Vesalius".into(),
        ..scan
    };
    assert!(own.is_own("1.2.3"));
}

#[test]
fn a_destination_of_a_config_gets_all_but_the_classes_that_are_left_out() {
    let node = Node::start();
    let folder = tempfile::tempdir().unwrap();
    let label_map = Object {
        class: vesalius_pacs::LABEL_MAP_SEGMENTATION.into(),
        ..Object::new("1.2.3.4.2")
    };
    let files = [
        Object::new("1.2.3.4.1").write(folder.path()),
        label_map.write(folder.path()),
    ];
    let config = format!(
        r#"{{"name": "PACS", "address": "VESALIUS@127.0.0.1:{}"}}"#,
        node.port()
    );
    let mut destination: vesalius_pacs::Destination = serde_json::from_str(&config).unwrap();
    let store = |destination: &vesalius_pacs::Destination| {
        let sent = destination
            .store(&files, &title("NODE"), &control())
            .unwrap();
        sent.iter().filter(|one| one.outcome.is_stored()).count()
    };
    assert_eq!(store(&destination), 1);
    destination.left_out.clear();
    assert_eq!(store(&destination), 2);
}
