//! Peers that break the rules.

use crate::made::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use vesalius_pacs::Status;

/// A request of an association for CT images in explicit little-endian.
pub fn association_request(called: &str, contexts: &[(u8, &str)]) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    body.extend(format!("{called:16}RAW             ").as_bytes());
    body.extend([0; 32]);
    let item = |kind: u8, content: &[u8]| {
        let mut bytes = vec![kind, 0];
        bytes.extend((content.len() as u16).to_be_bytes());
        bytes.extend(content);
        bytes
    };
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    for (id, class) in contexts {
        let mut content = vec![*id, 0, 0, 0];
        content.extend(item(0x30, class.as_bytes()));
        content.extend(item(0x40, EXPLICIT.as_bytes()));
        body.extend(item(0x20, &content));
    }
    body.extend(item(0x50, &item(0x51, &16384_u32.to_be_bytes())));
    pdu(1, &body)
}

pub fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend((body.len() as u32).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn part(context: u8, flags: u8, bytes: &[u8]) -> Vec<u8> {
    let mut part = ((bytes.len() + 2) as u32).to_be_bytes().to_vec();
    part.extend([context, flags]);
    part.extend(bytes);
    part
}

/// A connection on which an association was accepted.
fn associated(node: &Node) -> TcpStream {
    let mut stream = connect(node);
    stream
        .write_all(&association_request("VESALIUS", &[(1, CT)]))
        .unwrap();
    assert_eq!(receive(&mut stream).0, 2, "accepted");
    stream
}

fn connect(node: &Node) -> TcpStream {
    let stream = TcpStream::connect(node.server.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

fn receive(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut header = [0; 6];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; u32::from_be_bytes(header[2..].try_into().unwrap()) as usize];
    stream.read_exact(&mut body).unwrap();
    (header[0], body)
}

/// What the server does next: an abort, or the end of the connection.
fn is_ended(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest.is_empty() || rest[0] == 7 || rest[0] == 3,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

fn element(number: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend(number.to_le_bytes());
    bytes.extend((value.len() as u32).to_le_bytes());
    bytes.extend(value);
    bytes
}

fn padded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(bytes.len() + bytes.len() % 2, 0);
    bytes
}

fn store_command(class: &str, instance: &str, id: u16) -> Vec<u8> {
    let mut bytes = element(0x0002, &padded(class));
    bytes.extend(element(0x0100, &1_u16.to_le_bytes()));
    bytes.extend(element(0x0110, &id.to_le_bytes()));
    bytes.extend(element(0x0800, &0_u16.to_le_bytes()));
    bytes.extend(element(0x1000, &padded(instance)));
    bytes
}

/// The number of the message and the status in an answer.
fn answer(stream: &mut TcpStream) -> (u16, Status) {
    let (kind, body) = receive(stream);
    assert_eq!(kind, 4);
    let command = vesalius_pacs::Command::decode(&body[6..]).unwrap();
    (command.u16(0x0120).unwrap(), command.status().unwrap())
}

fn still_serves(node: &Node) {
    node.client().echo(&control()).unwrap();
}

#[test]
fn garbage_on_the_port_is_answered_by_the_end() {
    let node = Node::start();
    for garbage in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\0",
        "\0\0\0\0\0\0\0\0",
        "\x01\0\0\0\0\x04abcd",
    ] {
        let mut stream = connect(&node);
        stream.write_all(garbage.as_bytes()).unwrap();
        assert!(is_ended(&mut stream), "{garbage:?}");
    }
    // The same number of random bytes each time.
    let mut state = 7_u32;
    for _ in 0..50 {
        let bytes: Vec<u8> = (0..200)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let mut stream = connect(&node);
        let mut sent = pdu(1, &bytes);
        sent.truncate(100 + bytes[0] as usize % 100);
        let _ = stream.write_all(&sent);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        assert!(is_ended(&mut stream));
    }
    still_serves(&node);
}

#[test]
fn a_pdu_of_4_gib_is_refused_before_memory_is_taken() {
    let node = Node::start();
    let before = memory();
    for kind in [1, 2, 4, 5, 7] {
        let mut stream = connect(&node);
        stream
            .write_all(&[kind, 0, 0xFF, 0xFF, 0xFF, 0xFF])
            .unwrap();
        assert!(is_ended(&mut stream), "{kind}");
        let mut stream = associated(&node);
        stream
            .write_all(&[kind, 0, 0xFF, 0xFF, 0xFF, 0xFF])
            .unwrap();
        assert!(is_ended(&mut stream), "{kind}");
    }
    // A part that is longer than its PDU.
    let mut stream = associated(&node);
    stream
        .write_all(&pdu(4, &[0xFF, 0xFF, 0xFF, 0xFF, 1, 3, 0, 0]))
        .unwrap();
    assert!(is_ended(&mut stream));
    assert!(memory() < before + (1 << 30), "no gigabytes were taken");
    still_serves(&node);
}

/// The address space of this process, bytes; 0 where it is not known.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

#[test]
fn a_peer_that_sends_a_byte_now_and_then_is_ended_in_time() {
    let node = Node::with(|options| {
        options.timeouts.association = Duration::from_millis(700);
        options.timeouts.pdu = Duration::from_millis(700);
        options.timeouts.idle = Duration::from_millis(700);
    });
    let request = association_request("VESALIUS", &[(1, CT)]);
    // Before the association, within a PDU, within a message, idle, and a command in parts without end.
    let mut half = pdu(4, &part(1, 3, &[0; 100]));
    half.truncate(50);
    let within = pdu(4, &part(1, 1, &[]));
    let parts = pdu(4, &part(1, 1, b"a")).repeat(20);
    for (associates, bytes) in [
        (false, request.as_slice()),
        (true, &half),
        (true, &within[..6]),
        (true, &[]),
        (true, &parts),
    ] {
        let mut stream = if associates {
            associated(&node)
        } else {
            connect(&node)
        };
        let began = Instant::now();
        let mut sender = stream.try_clone().unwrap();
        let bytes = bytes.to_vec();
        let thread = std::thread::spawn(move || {
            for byte in bytes {
                if sender.write_all(&[byte]).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        assert!(is_ended(&mut stream));
        assert!(
            began.elapsed() < Duration::from_secs(4),
            "{:?}",
            began.elapsed()
        );
        drop(stream);
        thread.join().unwrap();
    }
    still_serves(&node);
}

#[test]
fn peers_that_ask_for_nothing_do_not_keep_others_out() {
    let node = Node::with(|options| options.associations = 2);
    let silent: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(node.server.address()).unwrap())
        .collect();
    still_serves(&node);
    drop(silent);
    still_serves(&node);
}

#[test]
fn a_sender_that_is_killed_or_aborts_leaves_whole_objects_alone() {
    let node = Node::start();
    for abort in [false, true] {
        let mut stream = associated(&node);
        let object = Object::new(if abort { "1.2.3.4.1" } else { "1.2.3.4.2" });
        stream
            .write_all(&pdu(
                4,
                &part(1, 3, &store_command(CT, &object.instance, 1)),
            ))
            .unwrap();
        stream
            .write_all(&pdu(4, &part(1, 2, &object.data_set())))
            .unwrap();
        assert_eq!(answer(&mut stream), (1, Status::SUCCESS));
        stream
            .write_all(&pdu(4, &part(1, 3, &store_command(CT, "1.2.3.4.9", 2))))
            .unwrap();
        stream
            .write_all(&pdu(4, &part(1, 0, &object.data_set()[..200])))
            .unwrap();
        wait_for("the file of the second object", || node.unfinished() == 1);
        if abort {
            stream.write_all(&pdu(7, &[0, 0, 0, 0])).unwrap();
        }
        drop(stream);
        wait_for("the end of the association", || {
            node.server.associations() == 0 && node.unfinished() == 0
        });
    }
    assert_eq!(node.receiver.kept().len(), 2);
    still_serves(&node);
}

#[test]
fn identifiers_that_are_paths_never_become_names_of_files() {
    let node = Node::start();
    let mut stream = associated(&node);
    for (id, instance) in (1..).zip([
        "../../../tmp/x",
        "/etc/passwd",
        "1..2",
        "",
        "1.2;id",
        &"1".repeat(65),
    ]) {
        stream
            .write_all(&pdu(4, &part(1, 3, &store_command(CT, instance, id))))
            .unwrap();
        stream.write_all(&pdu(4, &part(1, 2, b"abcd"))).unwrap();
        assert_eq!(
            answer(&mut stream),
            (id, Status::INVALID_INSTANCE),
            "{instance}"
        );
    }
    // A good identifier in the command, and paths in the data set.
    let evil = Object {
        study: "../../1".into(),
        ..Object::new("1.2.3")
    };
    stream
        .write_all(&pdu(4, &part(1, 3, &store_command(CT, "1.2.3", 70))))
        .unwrap();
    stream
        .write_all(&pdu(4, &part(1, 2, &evil.data_set())))
        .unwrap();
    assert_eq!(answer(&mut stream), (70, Status::CANNOT_UNDERSTAND));
    let left = std::fs::read_dir(node.folder.path()).unwrap().count();
    assert_eq!((left, node.receiver.kept().len()), (0, 0));
}

#[test]
fn a_command_that_does_not_fit_its_context_or_its_data_set_is_answered_with_its_number() {
    let node = Node::start();
    let mut stream = associated(&node);
    let object = Object::new("1.2.3.4.5");
    // Another class than that of the context.
    stream
        .write_all(&pdu(
            4,
            &part(
                1,
                3,
                &store_command("1.2.840.10008.5.1.4.1.1.4", "1.2", 513),
            ),
        ))
        .unwrap();
    stream
        .write_all(&pdu(4, &part(1, 2, &object.data_set())))
        .unwrap();
    assert_eq!(answer(&mut stream), (513, Status::CLASS_NOT_SUPPORTED));
    // Another object than that of the data set.
    stream
        .write_all(&pdu(4, &part(1, 3, &store_command(CT, "1.2", 514))))
        .unwrap();
    stream
        .write_all(&pdu(4, &part(1, 2, &object.data_set())))
        .unwrap();
    assert_eq!(answer(&mut stream), (514, Status::DATA_SET_MISMATCH));
    // What is no data set.
    stream
        .write_all(&pdu(4, &part(1, 3, &store_command(CT, "1.2", 515))))
        .unwrap();
    stream
        .write_all(&pdu(4, &part(1, 2, b"this is text")))
        .unwrap();
    assert_eq!(answer(&mut stream), (515, Status::CANNOT_UNDERSTAND));
    // An operation that is not offered.
    let mut find = element(0x0100, &0x20_u16.to_le_bytes());
    find.extend(element(0x0110, &516_u16.to_le_bytes()));
    find.extend(element(0x0800, &0x0101_u16.to_le_bytes()));
    stream.write_all(&pdu(4, &part(1, 3, &find))).unwrap();
    assert_eq!(answer(&mut stream), (516, Status::UNRECOGNISED_OPERATION));
    assert_eq!(node.receiver.kept().len(), 0);
}

#[test]
fn commands_and_data_sets_in_any_number_of_parts_and_pdus_are_understood() {
    let node = Node::start();
    let object = Object::new("1.2.3.4.5");
    let (command, data) = (store_command(CT, &object.instance, 9), object.data_set());
    // All in one PDU.
    let mut stream = associated(&node);
    let mut body = part(1, 1, &command[..11]);
    body.extend(part(1, 1, &[]));
    body.extend(part(1, 3, &command[11..]));
    body.extend(part(1, 0, &data[..101]));
    body.extend(part(1, 2, &data[101..]));
    stream.write_all(&pdu(4, &body)).unwrap();
    assert_eq!(answer(&mut stream), (9, Status::SUCCESS));
    // A byte each, and the end of the data set in a part without bytes.
    let mut bytes = Vec::new();
    for (k, byte) in command.iter().enumerate() {
        let flags = 1 | (u8::from(k + 1 == command.len()) << 1);
        bytes.extend(pdu(4, &part(1, flags, &[*byte])));
    }
    bytes.extend(data.chunks(100).flat_map(|some| pdu(4, &part(1, 0, some))));
    bytes.extend(pdu(4, &part(1, 2, &[])));
    stream.write_all(&bytes).unwrap();
    assert_eq!(answer(&mut stream), (9, Status::SUCCESS));
    assert_eq!(node.receiver.kept().len(), 1, "the same object twice");
}

#[test]
fn contexts_with_even_or_repeated_numbers_end_the_association_and_128_are_taken() {
    let node = Node::start();
    for contexts in [vec![(2, CT)], vec![(1, CT), (1, CT)], vec![(0, CT)]] {
        let mut stream = connect(&node);
        stream
            .write_all(&association_request("VESALIUS", &contexts))
            .unwrap();
        assert!(is_ended(&mut stream), "{contexts:?}");
    }
    let all: Vec<_> = (1..=255).step_by(2).map(|id| (id, CT)).collect();
    let mut stream = connect(&node);
    stream
        .write_all(&association_request("VESALIUS", &all))
        .unwrap();
    assert_eq!(receive(&mut stream).0, 2);
    // The last one, 255, is used.
    let object = Object::new("1.2.3.4.5");
    stream
        .write_all(&pdu(
            4,
            &part(255, 3, &store_command(CT, &object.instance, 1)),
        ))
        .unwrap();
    stream
        .write_all(&pdu(4, &part(255, 2, &object.data_set())))
        .unwrap();
    assert_eq!(answer(&mut stream), (1, Status::SUCCESS));
    // One that was not proposed.
    stream
        .write_all(&pdu(4, &part(2, 3, &store_command(CT, "1.2", 2))))
        .unwrap();
    assert!(is_ended(&mut stream));
}

#[test]
fn an_association_without_an_accepted_context_is_accepted_and_ends_in_order() {
    let node = Node::start();
    let mut stream = connect(&node);
    stream
        .write_all(&association_request("VESALIUS", &[(1, "1.2.3.4.999")]))
        .unwrap();
    let (kind, body) = receive(&mut stream);
    assert_eq!(kind, 2);
    let at = body
        .windows(5)
        .position(|bytes| bytes[0] == 0x21 && bytes[4] == 1)
        .unwrap();
    assert_eq!(body[at + 6], 3, "the class is not supported");
    stream.write_all(&pdu(5, &[0; 4])).unwrap();
    assert_eq!(receive(&mut stream).0, 6, "released");
}

#[test]
fn a_data_set_beyond_the_limit_ends_the_association_and_leaves_nothing() {
    let node = Node::with(|options| options.limits.data_set = 1000);
    let mut stream = associated(&node);
    stream
        .write_all(&pdu(4, &part(1, 3, &store_command(CT, "1.2", 1))))
        .unwrap();
    stream.write_all(&pdu(4, &part(1, 0, &[0; 600]))).unwrap();
    stream.write_all(&pdu(4, &part(1, 0, &[0; 600]))).unwrap();
    assert!(is_ended(&mut stream));
    wait_for("the removal of the file", || node.unfinished() == 0);
}

#[test]
fn every_cut_and_every_changed_byte_of_a_request_is_survived() {
    let node = Node::with(|options| options.timeouts.association = Duration::from_secs(2));
    let request = association_request("VESALIUS", &[(1, CT)]);
    for place in 6..request.len() {
        let mut changed = request.clone();
        changed[place] ^= 0xFF;
        let mut stream = connect(&node);
        stream.write_all(&changed).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(
            answer.is_empty() || [2, 3, 7].contains(&answer[0]),
            "{place}"
        );
    }
    still_serves(&node);
}
