//! PyTorch's archives that pytorch-reader refuses, whole and damaged.

use super::*;
use std::path::PathBuf;

fn data(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/checkpoints");
    Path::new(folder).join(name)
}

#[test]
fn numbers_of_several_pieces_keep_their_order() {
    let count = PIECE / 4 * 2 + 5;
    let data: Vec<u8> = (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let values = drained(data, f32::from_le_bytes);
    assert_eq!(values.len(), count);
    assert!(values.iter().enumerate().all(|(i, &v)| v == i as f32));
    assert!(drained(Vec::new(), f32::from_le_bytes).is_empty());
    assert_eq!(
        drained(7i64.to_le_bytes().to_vec(), |b| i64::from_le_bytes(b)
            as f32),
        [7.0]
    );
}

/// A `defaultdict` of views, parameters and halves, compared with what `torch.load` reads of it.
#[test]
fn an_archive_that_pytorch_reader_refuses_has_the_tensors_that_pytorch_reads() {
    assert!(PytorchReader::new(data("odd.pt")).is_err());
    let weights = Weights::open(data("odd.pt")).unwrap();
    let told = std::fs::read_to_string(data("odd.json")).unwrap();
    let told: serde_json::Map<String, Value> = serde_json::from_str(&told).unwrap();
    assert_eq!(weights.len(), told.len());
    for (name, expected) in &told {
        let tensor = weights.get(name).unwrap();
        assert_eq!(
            serde_json::json!(tensor.shape()),
            expected["shape"],
            "{name}"
        );
        let values: Vec<f32> = serde_json::from_value(expected["values"].clone()).unwrap();
        assert_eq!(tensor.values().unwrap(), values, "{name}");
    }
}

/// pytorch-reader finds the weights of a module; one with a `defaultdict` among its attributes it refuses.
#[test]
fn a_whole_module_is_refused_by_its_class() {
    let refused = Weights::open(data("module.pt")).unwrap_err().to_string();
    assert!(refused.contains("module.pt"), "{refused}");
    assert!(
        refused.contains("Linear") && refused.contains("state_dict"),
        "{refused}"
    );
}

/// TorchScript's archives have the weights of their module by the names of its state dict; their code is not read.
#[test]
fn scripted_and_traced_modules_have_the_tensors_of_their_state_dict() {
    let plain = Weights::open(data("plain.pt")).unwrap();
    assert!(plain.len() >= 8);
    for name in ["scripted.ts", "traced.ts"] {
        let found = Weights::open(data(name)).unwrap();
        assert!(found.names().eq(plain.names()), "{name}");
        for (tensor, expected) in found.iter().zip(plain.iter()) {
            assert_eq!(tensor.1.shape(), expected.1.shape(), "{name}: {}", tensor.0);
            let values = tensor.1.values().unwrap();
            assert_eq!(values, expected.1.values().unwrap(), "{name}: {}", tensor.0);
        }
    }
}

/// Each flip is refused, or is where nothing that counts is.
#[test]
fn damaged_archives_are_refused_or_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pt");
    let whole = std::fs::read(data("odd.pt")).unwrap();
    let read = |bytes: &[u8]| -> Result<Vec<(String, Vec<f32>)>> {
        std::fs::write(&path, bytes).unwrap();
        read_pytorch_values(&path)?;
        let weights = Weights::open(&path)?;
        let tensors = weights.iter();
        tensors
            .map(|(name, tensor)| Ok((name.to_owned(), tensor.values()?)))
            .collect()
    };
    let unchanged = read(&whole).unwrap();
    for length in (0..whole.len()).step_by(41) {
        let refused = read(&whole[..length]).unwrap_err().to_string();
        assert!(refused.contains("weights.pt"), "{refused}");
    }
    let mut refused = 0;
    for place in (0..whole.len()).step_by(13) {
        let mut changed = whole.clone();
        changed[place] ^= 1 << (place % 8);
        match read(&changed) {
            Ok(same) => assert_eq!(same, unchanged, "bit {} of byte {place}", place % 8),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn tensors_that_modules_share_are_written_once() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/checkpoints");
    let all = Weights::open(format!("{folder}/shared.pt")).unwrap();
    let once = all.clone().each_stored_once();
    assert_eq!((all.len(), once.shared_names()), (11, 6));
    let bytes = once.to_safetensors().unwrap();
    let stored = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = stored.names();
    names.sort_unstable();
    let kept = [
        "decoder.out.bias",
        "decoder.out.weight",
        "decoder.twin",
        "encoder.conv.bias",
        "encoder.conv.weight",
    ];
    assert_eq!(names, kept.map(|name| format!("network_weights.{name}")));
    let again = Weights::from_safetensors("memory", &bytes).unwrap();
    for (name, tensor) in all.iter() {
        let found = again.get(name).unwrap();
        assert_eq!(found.shape(), tensor.shape(), "{name}");
        assert_eq!(found.values().unwrap(), tensor.values().unwrap(), "{name}");
    }
}
