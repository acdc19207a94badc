//! Pickles by hand, and PyTorch's own cut and changed in every place.

use super::*;
use serde_json::json;

/// The pickle of `tests/data/checkpoints/odd.pt`.
fn odd() -> Vec<u8> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/checkpoints/odd.pt");
    let archive = crate::weights::archive::Archive::open(data.as_ref());
    archive.unwrap().pickle().unwrap()
}

fn refused(bytes: &[u8], word: &str) {
    let problem = read_pickle(bytes).unwrap_err();
    assert!(problem.contains(word), "{problem}");
}

#[test]
fn plain_values_of_every_protocol_are_read() {
    for (pickle, expected) in [
        (b"\x80\x04].".as_slice(), json!([])),
        (b"\x80\x04(K\x01K\x02t.", json!([1, 2])),
        (
            b"(lp0\nI3\naI01\naL-4L\naF2.5\naVtext\nag0\n0.",
            json!([3, true, -4, 2.5, "text"]),
        ),
        (
            b"\x80\x02}(K\x05NN\x89\x88G\x40\x04\x00\x00\x00\x00\x00\x00u.",
            json!({"5": null, "None": false, "True": 2.5}),
        ),
        (b"\x80\x04\x8f(K\x01K\x01\x90.", json!([1, 1])),
        (b"\x80\x02\x8a\x03\x00\x00\x80.", json!(-8_388_608)),
        (
            b"\x80\x02\x8a\x0a0123456789.",
            json!({"object": "builtins.int"}),
        ),
        (b"\x80\x02cm\nf\n.", json!({"function": "m.f"})),
        (
            b"\x80\x02cm\nC\n)\x81}\x8c\x01aK\x01sb.",
            json!({"object": "m.C"}),
        ),
        (b"\x80\x02cm\nC\n)\x81(\x8c\x01aK\x01u.", json!({"a": 1})),
        (b"\x80\x02(K\x01im\nC\n.", json!({"object": "m.C"})),
        (b"\x80\x02(cm\nC\nK\x01o.", json!({"object": "m.C"})),
    ] {
        assert_eq!(
            read_pickle(pickle).unwrap(),
            expected,
            "{}",
            pickle.escape_ascii()
        );
    }
}

#[test]
fn scalars_of_numpy_are_numbers_and_text() {
    let values = read_pickle(&odd()).unwrap()["values"].clone();
    let expected = json!({
        "text": "nnUNetTrainer_250epochs", "int64": -3, "uint8": 200, "int16": -2, "big": -258,
        "float32": 0.5, "float16": -1.5, "float64": 2.25, "bool": true, "axes": [0, 1],
        "large": {"object": "builtins.int"}, "wide": 1u64 << 40, "device": {"object": "torch.device"},
        "set": [4], "counter": {"a": 2, "b": 1},
        "3": "three", "2.5": "float", "None": "none", "True": "true"
    });
    assert_eq!(values, expected);
    // The order of bytes is in the type's state: here of `np.dtype(">i2")`, and of a text.
    let scalar = |kind: &str, order: &str, bytes: &[u8]| {
        let mut pickle = b"\x80\x04cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\n\x8c".to_vec();
        pickle.push(kind.len() as u8);
        pickle.extend_from_slice(kind.as_bytes());
        pickle.extend_from_slice(b"\x85R(K\x03\x8c\x01");
        pickle.extend_from_slice(order.as_bytes());
        pickle.extend_from_slice(b"NNNtbC");
        pickle.push(bytes.len() as u8);
        pickle.extend_from_slice(bytes);
        pickle.extend_from_slice(b"\x86R.");
        read_pickle(&pickle)
    };
    assert_eq!(scalar("i2", ">", b"\x01\x02").unwrap(), 258);
    assert_eq!(scalar("i2", "<", b"\x01\x02").unwrap(), 513);
    assert_eq!(scalar("U2", ">", b"\0\0\0A\0\0\0\0").unwrap(), "A");
    assert!(scalar("f8", "<", b"123").unwrap_err().contains("3 bytes"));
}

#[test]
fn arrays_of_numpy_are_lists_in_every_protocol() {
    let data = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/checkpoints");
        std::fs::read(format!("{folder}/{name}")).unwrap()
    };
    let expected: Value = serde_json::from_slice(&data("arrays.json")).unwrap();
    for protocol in [2, 4, 5] {
        let bytes = data(&format!("arrays_p{protocol}.pkl"));
        assert_eq!(read_pickle(&bytes).unwrap(), expected, "{protocol}");
        for place in 0..bytes.len() {
            for change in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[place] ^= change;
                let _ = read_pickle(&changed);
            }
        }
    }
}

#[test]
fn arrays_that_contradict_their_bytes_or_are_logs_are_not_read() {
    let array = |shape: &[u8], bytes: usize| {
        let mut pickle = b"\x80\x04cnumpy._core.numeric\n_frombuffer\n(B".to_vec();
        pickle.extend_from_slice(&(bytes as u32).to_le_bytes());
        pickle.extend(vec![0; bytes]);
        pickle.extend_from_slice(b"cnumpy\ndtype\n\x8c\x02u1\x85R");
        pickle.extend_from_slice(shape);
        pickle.extend_from_slice(b"\x8c\x01CtR.");
        read_pickle(&pickle)
    };
    assert_eq!(array(b"K\x03\x85", 3).unwrap(), json!([0, 0, 0]));
    assert!(array(b"K\x03\x85", 2).unwrap_err().contains("3 values"));
    assert!(array(b"K\x00\x85", 2).unwrap() == json!([]));
    let negative = b"J\xff\xff\xff\xff\x85";
    assert!(array(negative, 2).unwrap_err().contains("no list of sizes"));
    let log = array(b"J\x00\x00\x02\x00\x85", 0x20000).unwrap();
    assert_eq!(log, json!({"object": "numpy.ndarray"}));
    let hollow = array(b"J\xff\xff\xff\x7fK\x00\x86", 0).unwrap();
    assert_eq!(hollow, json!({"object": "numpy.ndarray"}));
}

#[test]
fn a_call_that_does_harm_is_refused_and_others_are_objects() {
    refused(b"\x80\x04cos\nsystem\n\x8c\x02ls\x85R.", "os.system");
    refused(
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02ls\x85R.",
        "posix.system",
    );
    refused(b"\x80\x04cbuiltins\neval\n\x8c\x011\x85R.", "builtins.eval");
    refused(b"\x80\x02csubprocess\nPopen\n)\x81.", "subprocess.Popen");
    refused(b"(S'ls'\nios\nsystem\n.", "not understood");
    refused(b"(Vls\nios\nsystem\n.", "os.system");
    // In the state of an object, too.
    refused(b"\x80\x04cm\nC\n)\x81cos\nsystem\n)Rb.", "os.system");
    let other = read_pickle(b"\x80\x04cdatetime\ndate\nC\x04abcd\x85R.").unwrap();
    assert_eq!(other, json!({"object": "datetime.date"}));
    refused(b"\x80\x04K\x01)R.", "no function");
}

#[test]
fn small_files_that_claim_or_mean_much_are_refused() {
    // A text of 2⁶⁴ − 1 bytes, a place of 2³² − 1, a list within itself.
    refused(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends in");
    assert_eq!(
        read_pickle(b"]r\xff\xff\xff\xff0j\xff\xff\xff\xff.").unwrap(),
        json!([])
    );
    refused(b"\x80\x04]\x94h\x00a.", "within itself");
    refused(
        &[vec![b']'; 100_000], vec![b'a'; 99_999], b".".to_vec()].concat(),
        "nested",
    );
    // Lists of ten times the list before: 10²⁰ objects in 400 bytes.
    let mut laughs = b"]q\0".to_vec();
    for level in 0..20u8 {
        laughs.push(b'(');
        laughs.extend([b'h', level].repeat(10));
        laughs.extend([b'l', b'q', level + 1]);
    }
    laughs.push(b'.');
    refused(&laughs, "too many times");
    // One text as the bytes of many calls.
    let mut copies = b"c_codecs\nencode\nq\0X\0\0\x10\0".to_vec();
    copies.extend(vec![b'a'; 1 << 20]);
    copies.extend(b"\x85q\x01");
    copies.extend(b"h\0h\x01R0".repeat(100));
    copies.extend(b"N.");
    refused(&copies, "too many times");
}

#[test]
fn tensors_that_reach_beyond_their_storage_are_refused() {
    let tensor = |numbers: &[&[u8]; 4]| {
        let [count, offset, size, stride] = numbers;
        let mut pickle = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpu".to_vec();
        pickle.extend_from_slice(count);
        pickle.extend(b"tQ");
        pickle.extend_from_slice(offset);
        pickle.extend_from_slice(size);
        pickle.extend(b"\x85");
        pickle.extend_from_slice(stride);
        pickle.extend(b"\x85\x89}tR.");
        Pickle::read(&pickle)
    };
    let tensors = tensor(&[b"K\x06", b"K\x01", b"K\x03", b"K\x02"])
        .unwrap()
        .tensors()
        .unwrap();
    assert_eq!(tensors[""].shape, [3]);
    let huge = b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f".as_slice();
    for numbers in [
        [b"K\x06", b"K\x02", b"K\x03", b"K\x02".as_slice()],
        [b"K\x06", b"K\x00", b"K\x02", huge],
        [b"K\x06", b"K\x00", huge, b"K\x00"],
        [b"K\x06", huge, b"K\x01", b"K\x01"],
        [huge, b"K\x00", b"K\x01", b"K\x01"],
        [b"K\x06", b"K\x00", b"J\xff\xff\xff\xff", b"K\x01"],
        [b"K\x06", b"K\x00", b"N", b"K\x01"],
    ] {
        assert!(tensor(&numbers).is_err(), "{numbers:?}");
    }
}

/// Any bytes give a value or an error, and no panic.
#[test]
fn cut_and_changed_pickles_never_panic() {
    let whole = odd();
    let tried = |bytes: &[u8]| {
        let pickle = Pickle::read(bytes).ok()?;
        Some((pickle.json().ok()?, pickle.tensors().ok()?))
    };
    let unchanged = tried(&whole);
    assert!(unchanged.is_some());
    for length in 0..whole.len() {
        assert_eq!(tried(&whole[..length]), None, "cut after {length}");
    }
    let mut read = 0;
    for place in 0..whole.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[place] ^= change;
            read += usize::from(tried(&changed).is_some());
        }
    }
    // Most changes are of names and numbers.
    assert!(read > whole.len(), "{read}");
    // Operations in no order at all.
    let mut state = 7u64;
    for _ in 0..20_000 {
        let random: Vec<u8> = (0..40)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let codes = b"(.012FGIJKLMNQRTUVXabcdeghijlopqrstu}])\x80\x81\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x91\x93\x94\n\x00\x01";
                codes[(state >> 33) as usize % codes.len()]
            })
            .collect();
        tried(&random);
    }
}
