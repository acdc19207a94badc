//! Files that contradict themselves, lie about sizes or point elsewhere.

use std::path::Path;
use vesalius_onnx::proto::{
    AttributeProto, GraphProto, NodeProto, StringStringEntryProto, TensorProto, encode, model,
    value_info,
};
use vesalius_onnx::{Error, Limits, Model};

fn node(kind: &str, input: &[&str], output: &[&str]) -> NodeProto {
    NodeProto {
        op_type: kind.into(),
        input: input.iter().map(|name| (*name).to_owned()).collect(),
        output: output.iter().map(|name| (*name).to_owned()).collect(),
        ..NodeProto::default()
    }
}

fn tensor(name: &str, dims: &[i64], numbers: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: 1,
        float_data: numbers.to_vec(),
        ..TensorProto::default()
    }
}

/// y = x + w.
fn graph(weight: TensorProto) -> GraphProto {
    GraphProto {
        node: vec![node("Add", &["x", "w"], &["y"])],
        initializer: vec![weight],
        input: vec![value_info("x", 1, &[Some(2)])],
        output: vec![value_info("y", 1, &[Some(2)])],
        ..GraphProto::default()
    }
}

fn error(graph: GraphProto) -> String {
    Model::from_bytes(encode(&model(graph, 17)))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_whole_file_is_read_with_its_weights() {
    let bytes = encode(&model(graph(tensor("w", &[2], &[1.0, 2.0])), 17));
    let read = Model::from_bytes(bytes).unwrap();
    assert_eq!(
        (
            read.opset(),
            read.inputs().len(),
            read.weights()["w"].numbers()
        ),
        (17, 1, 2)
    );
    let data = read.weights()["w"].data(None).unwrap();
    assert_eq!(
        &data[..],
        [1.0_f32.to_le_bytes(), 2.0_f32.to_le_bytes()].concat()
    );
    // Any end of the file is an error and no panic.
    let bytes = encode(&model(graph(tensor("w", &[2], &[1.0, 2.0])), 17));
    for end in 0..bytes.len() {
        let _ = Model::from_bytes(bytes[..end].to_vec());
    }
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let _ = Model::from_bytes(damaged);
        }
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    for dims in [
        &[3][..],
        &[-2],
        &[i64::MAX, 2],
        &[1 << 40, 1 << 40],
        &[1; 9],
        &[0],
    ] {
        let text = error(graph(tensor("w", dims, &[1.0, 2.0])));
        assert!(text.contains("`w`"), "{dims:?}: {text}");
    }
    let mut raw = tensor("w", &[2], &[]);
    raw.raw_data = vec![0; 7].into();
    assert!(error(graph(raw)).contains("7 bytes"), "raw");
    let mut strange = tensor("w", &[2], &[1.0, 2.0]);
    strange.data_type = 8;
    assert!(error(graph(strange)).contains("element type 8"), "type");
}

#[test]
fn graphs_that_are_none_are_refused_with_the_node() {
    let good = || graph(tensor("w", &[2], &[1.0, 2.0]));
    let mut before = good();
    before.node.insert(0, node("Relu", &["y"], &["z"]));
    assert!(
        error(before).contains("node 0 (Relu): its input `y` is not defined"),
        "cycle"
    );
    let mut twice = good();
    twice.node.push(node("Relu", &["x"], &["y"]));
    assert!(error(twice).contains("a second time"), "twice");
    let mut none = good();
    none.output.push(value_info("q", 1, &[]));
    assert!(error(none).contains("`q`: no node computes it"), "none");
    let mut double = good();
    double.initializer.push(tensor("w", &[2], &[1.0, 2.0]));
    assert!(error(double).contains("twice"), "double");
}

/// A node with an inner graph and a constant.
fn holding(inner: Option<GraphProto>, constant: Option<TensorProto>) -> NodeProto {
    let mut outer = node("If", &["x"], &["held"]);
    outer.attribute.push(AttributeProto {
        name: "body".into(),
        g: inner.map(Box::new),
        t: constant,
        ..AttributeProto::default()
    });
    outer
}

#[test]
fn tensors_and_names_within_nodes_are_checked_as_those_of_the_graph() {
    let with = |held: NodeProto| {
        let mut outer = graph(tensor("w", &[2], &[1.0, 2.0]));
        outer.node.push(held);
        outer
    };
    let read = |graph: GraphProto| Model::from_bytes(encode(&model(graph, 17)));
    // An inner graph sees the names around it, which do not see its own.
    let inner = GraphProto {
        node: vec![node("Add", &["x", "w"], &["inside"])],
        output: vec![value_info("inside", 1, &[])],
        ..GraphProto::default()
    };
    assert!(read(with(holding(Some(inner.clone()), None))).is_ok());
    let mut outside = with(holding(Some(inner), None));
    outside.node.push(node("Relu", &["inside"], &["z"]));
    assert!(
        error(outside).contains("`inside` is not defined"),
        "outside"
    );
    let lying = || tensor("lies", &[3], &[1.0]);
    assert!(
        error(with(holding(None, Some(lying())))).contains("`lies`"),
        "constant"
    );
    let inner = GraphProto {
        initializer: vec![lying()],
        ..GraphProto::default()
    };
    assert!(
        error(with(holding(Some(inner), None))).contains("`lies`"),
        "inner"
    );
    let mut twice = graph(tensor("w", &[2], &[1.0, 2.0]));
    twice.input.push(value_info("x", 1, &[Some(2)]));
    assert!(
        error(twice).contains("the value `x`: it is there twice"),
        "input"
    );
    let mut limits = Limits::default();
    limits.weight_bytes = 15;
    let both = with(holding(None, Some(tensor("c", &[2], &[1.0, 2.0]))));
    let refused = Model::from_bytes_with(encode(&model(both, 17)), &limits);
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
}

#[test]
fn many_inner_graphs_are_checked_in_the_time_of_their_size() {
    // A copy of the known names for each of them would be five thousand million names.
    let mut outer = GraphProto::default();
    for number in 0..100_000 {
        let mut one = holding(Some(GraphProto::default()), None);
        one.input.clear();
        one.output = vec![format!("n{number}")];
        outer.node.push(one);
    }
    assert!(Model::from_bytes(encode(&model(outer, 17))).is_ok());
}

#[test]
fn many_messages_and_deep_graphs_are_refused_before_they_are_decoded() {
    // Half a million empty nodes are a megabyte in the file and hundreds in memory.
    let many = GraphProto {
        node: vec![NodeProto::default(); 3_000],
        ..GraphProto::default()
    };
    let bytes = encode(&model(many, 17));
    let mut limits = Limits::default();
    limits.messages = 1_000;
    let refused = Model::from_bytes_with(bytes, &limits);
    assert!(
        matches!(
            refused,
            Err(Error::Limit {
                what: "messages",
                ..
            })
        ),
        "{refused:?}"
    );
    let mut deep = GraphProto::default();
    for _ in 0..20 {
        let attribute = AttributeProto {
            name: "body".into(),
            g: Some(Box::new(deep)),
            ..AttributeProto::default()
        };
        let mut outer = node("Loop", &[], &[]);
        outer.attribute.push(attribute);
        deep = GraphProto {
            node: vec![outer],
            ..GraphProto::default()
        };
    }
    let refused = Model::from_bytes(encode(&model(deep, 17)));
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
    limits = Limits::default();
    limits.weight_bytes = 7;
    let bytes = encode(&model(graph(tensor("w", &[2], &[1.0, 2.0])), 17));
    assert!(matches!(
        Model::from_bytes_with(bytes, &limits),
        Err(Error::Limit { .. })
    ));
}

fn external(location: &str, offset: &str, length: &str) -> TensorProto {
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: key.into(),
        value: value.into(),
    };
    TensorProto {
        external_data: vec![
            entry("location", location),
            entry("offset", offset),
            entry("length", length),
        ],
        data_location: 1,
        ..tensor("w", &[2], &[])
    }
}

fn data_of(folder: &Path, weight: TensorProto) -> Result<Vec<u8>, String> {
    let path = folder.join("model.onnx");
    std::fs::write(&path, encode(&model(graph(weight), 17))).unwrap();
    let read = Model::read(&path).map_err(|error| error.to_string())?;
    let data = read.weights()["w"].data(read.folder());
    data.map(|bytes| bytes.to_vec())
        .map_err(|error| error.to_string())
}

#[test]
fn weights_beside_the_file_are_read_from_its_folder_alone() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("models");
    std::fs::create_dir_all(folder.join("parts")).unwrap();
    let numbers: Vec<u8> = [0.0_f32, 1.0, 2.0]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    std::fs::write(folder.join("parts/w.bin"), &numbers).unwrap();
    std::fs::write(outer.path().join("secret"), [7; 100]).unwrap();
    assert_eq!(
        data_of(&folder, external("parts/w.bin", "4", "8")).unwrap(),
        &numbers[4..]
    );
    assert_eq!(
        data_of(&folder, external("parts/w.bin", "", "")).unwrap(),
        &numbers[..8]
    );
    #[cfg(unix)]
    std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).unwrap();
    let absolute = outer.path().join("secret");
    #[cfg(unix)]
    {
        let made = std::process::Command::new("mkfifo")
            .arg(folder.join("pipe"))
            .status();
        assert!(made.unwrap().success());
        let text = data_of(&folder, external("pipe", "0", "8")).unwrap_err();
        assert!(text.contains("too few"), "{text}");
        let text = Model::read(folder.join("pipe")).unwrap_err().to_string();
        assert!(text.contains("not a file"), "{text}");
    }
    let cases = [
        ("../secret", "0", "8", "without `..`"),
        ("parts/../../secret", "0", "8", "without `..`"),
        (absolute.to_str().unwrap(), "0", "8", "without `..`"),
        ("", "0", "8", "without `..`"),
        ("link", "0", "8", "symbolic link"),
        ("parts", "0", "8", "too few"),
        ("parts/none.bin", "0", "8", "No such file"),
        ("parts/w.bin", "8", "8", "too few"),
        ("parts/w.bin", "18446744073709551615", "8", "too few"),
        ("parts/w.bin", "-1", "8", "no whole number"),
        ("parts/w.bin", "0", "9", "9 bytes are announced"),
    ];
    for (location, offset, length, says) in cases {
        let text = data_of(&folder, external(location, offset, length)).unwrap_err();
        assert!(
            text.contains(says) && text.contains("`w`"),
            "{location}: {text}"
        );
    }
    let bytes = encode(&model(graph(external("parts/w.bin", "0", "8")), 17));
    let read = Model::from_bytes(bytes).unwrap();
    assert!(read.weights()["w"].data(read.folder()).is_err());
}
