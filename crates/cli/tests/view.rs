//! `vesalius view`: montage, three planes, animation, window, names; and what is refused.

mod common;

use common::{dataset, error, success};
use std::path::Path;
use vesalius::io::{read, read_labels};
use vesalius::view::{Animation, Montage, Overlay, Plane, Scene, ThreePlanes, Window};

const IMAGE: &str = "images/spheres_001.nii.gz";
const LABELS: &str = "labels/spheres_001.nii.gz";

fn run(folder: &Path, words: &str) -> Vec<u8> {
    let mut arguments = vec!["view", IMAGE, "--labels", LABELS];
    arguments.extend(words.split(' '));
    success(folder, &arguments);
    std::fs::read(folder.join(words.split(' ').next_back().unwrap())).unwrap()
}

#[test]
fn pictures_are_what_the_library_draws() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 2);
    std::fs::write(
        folder.join("names.txt"),
        "1 255 0 0 1 1 1 \"dark\"\n2 0 255 0 1 1 1 \"bright\"\n",
    )
    .unwrap();
    let image = read(folder.join(IMAGE)).unwrap();
    let labels = read_labels(folder.join(LABELS)).unwrap();
    let scene = Scene {
        reference: Some(&labels),
        names: vec![(1, "dark".into()), (2, "bright".into())],
        ..Scene::of(&image)
    };

    let found = run(
        folder,
        "--names names.txt --plane coronal --slices 3 --columns 3 --window -1,2 --opacity 0 \
         --outline 1 --title case --tile 100 --output m.png",
    );
    let montage = Montage {
        plane: Plane::Coronal,
        slices: 3,
        columns: 3,
        window: Window::Range(-1.0, 2.0),
        overlay: Overlay {
            opacity: 0.0,
            outline: 1,
        },
        title: "case".into(),
        tile: 100,
        ..Montage::default()
    };
    assert!(found == montage.draw(&scene).unwrap().png().unwrap());

    let found = run(
        folder,
        "--names names.txt --plane three --through 9,8,7 --level 0.5 --width 2 --output t.png",
    );
    let planes = ThreePlanes {
        through: Some([9, 8, 7]),
        window: Window::level(0.5, 2.0),
        tile: 320,
        ..ThreePlanes::default()
    };
    assert!(found == planes.draw(&scene).unwrap().png().unwrap());

    let found = run(
        folder,
        "--names names.txt --tile 64 --at 3,4,6 --output walk.gif",
    );
    let animation = Animation {
        frame: Montage {
            at: vec![2, 3, 5],
            tile: 64,
            ..Montage::default()
        },
        ..Animation::default()
    };
    assert!(found == animation.gif(&scene).unwrap());
    assert!(found.starts_with(b"GIF89a"));

    // Without labels, and with a second set of them.
    success(folder, &["view", IMAGE, "--output", "plain.png"]);
    assert!(
        run(folder, "--output two.png")
            != run(folder, &format!("--prediction {LABELS} --output three.png"))
    );
}

#[test]
fn nonsense_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 2);
    let other = "labels/spheres_000.nii.gz";
    success(
        folder,
        &["resample", other, "other.nii", "--labels", "--spacing", "3"],
    );
    for (words, expected) in [
        ("--output out.jpg", ".png"),
        ("--output out", ".png"),
        ("--labels gone.nii --output out.png", "gone.nii"),
        ("--labels other.nii --output out.png", "reference"),
        ("--at 0 --output out.png", "from 1"),
        ("--at 999 --output out.png", "999"),
        ("--plane oblique --output out.png", "sagittal"),
        ("--plane three --output out.gif", "one plane"),
        ("--plane three --at 3 --output out.png", "--through"),
        ("--through 1,1,1 --output out.png", "--plane three"),
        ("--plane three --through 99,1,1 --output out.png", "99"),
        ("--window 1 --output out.png", "--window"),
        ("--level 1 --output out.png", "--width"),
        ("--opacity 2 --output out.png", "0 to 1"),
        ("--channel 1 --output out.png", "channel"),
        (
            "--prediction labels/spheres_001.nii.gz --output out.png",
            "--labels",
        ),
        ("--tile 90000 --output out.png", "16384"),
        ("--window nan,5 --output out.png", "--window"),
        ("--window 5,inf --output out.png", "--window"),
        ("--window 50,5 --output out.png", "--window"),
        ("--level 40 --width nan --output out.png", "--width"),
        ("--level 40 --width 0 --output out.png", "--width"),
        ("--tile 0 --output out.png", "--tile"),
        ("--slices 0 --output out.png", "--slices"),
        ("--columns 0 --output out.png", "--columns"),
    ] {
        let mut arguments = vec!["view", IMAGE];
        arguments.extend(words.split(' '));
        let text = error(folder, &arguments);
        assert!(text.contains(expected), "{words}: {text}");
        assert!(!folder.join("out.png").exists(), "{words} left a file");
    }
}
