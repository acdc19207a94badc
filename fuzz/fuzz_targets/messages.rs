//! Fuzzes what is read of bytes from the network: command sets, headers of data sets, file meta information, bodies of
//! several parts. The first byte chooses.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vesalius_pacs::{
    Command, EXPLICIT_LITTLE_ENDIAN, FileMeta, IMPLICIT_LITTLE_ENDIAN, InstanceHeader, MediaType, Multipart,
    MultipartLimits,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    match choice % 6 {
        0 => {
            if let Ok(command) = Command::decode(bytes) {
                assert_eq!(Command::decode(&command.encode()).expect("what was written"), command);
            }
        }
        1 => drop(InstanceHeader::read(bytes, EXPLICIT_LITTLE_ENDIAN)),
        2 => drop(InstanceHeader::read(bytes, IMPLICIT_LITTLE_ENDIAN)),
        3 => drop(FileMeta::read(bytes)),
        4 => {
            let parser = Multipart::new("b", MultipartLimits::default()).expect("a boundary");
            let _ = parser.read(&mut &bytes[..], &mut |_| Ok(()));
        }
        _ => drop(MediaType::parse(&String::from_utf8_lossy(bytes))),
    }
});
