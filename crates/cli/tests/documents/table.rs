//! Which commands are not run, and why; and what is run in a shorter form.

use crate::blocks::root;

/// Document, beginning of the command, reason.
pub const NOT_RUN: &[(&str, &str, &str)] = &[
    (
        "README.md",
        "cargo run --release",
        "builds with optimisation",
    ),
    ("README.md", "cargo test", "is what runs this"),
    ("README.md", "cargo install", "builds and installs"),
    ("docs/clinic.md", "storescu", "needs a PACS"),
    ("docs/clinic.md", "curl", "needs a PACS"),
    ("docs/cluster.md", "vesalius auto cancel", "needs Slurm"),
    ("docs/cluster.md", "rustup target", "changes the toolchain"),
    ("docs/cluster.md", "cargo build", "builds with optimisation"),
    (
        "docs/devices.md",
        "cargo install",
        "builds, for a GPU that the machine may not have",
    ),
    (
        "docs/devices.md",
        "vesalius doctor --device cuda",
        "needs a GPU",
    ),
    (
        "docs/devices.md",
        "vesalius train configs/hippocampus_gpu.yaml",
        "needs a GPU",
    ),
    (
        "docs/devices.md",
        "vesalius predict --model runs/gpu",
        "needs a GPU",
    ),
    (
        "docs/first-model.md",
        "cargo run --release",
        "builds with optimisation",
    ),
    (
        "docs/first-model.md",
        "vesalius data fetch",
        "downloads, or needs an archive that was downloaded",
    ),
    (
        "docs/first-model.md",
        "vesalius auto run input.yaml --output runs/hippocampus",
        "needs the dataset that was downloaded",
    ),
    ("docs/install.md", "cargo install", "builds and installs"),
    ("docs/pacs.md", "vesalius pacs", "needs a PACS"),
    (
        "docs/serve.md",
        "vesalius serve",
        "runs until it is stopped; tests/serve.rs does so",
    ),
    ("docs/serve.md", "curl", "needs a service"),
    (
        "docs/performance.md",
        "cargo run",
        "builds with optimisation, and measures for minutes",
    ),
    (
        "docs/performance.md",
        "RAYON_NUM_THREADS",
        "measures for minutes",
    ),
    ("docs/performance.md", "benches/gpu.sh", "needs a GPU"),
];

/// What takes minutes to hours in a guide, and what is run in its place.
const SHORTER: &[(&str, &str)] = &[
    // The self-test of its speed takes seconds.
    ("vesalius doctor", "vesalius doctor --test 0"),
    ("--steps 1000", "--steps 2"),
    ("--steps 2000", "--steps 4"),
    ("--minutes 10", "--steps 2"),
    ("--minutes 3", "--steps 2"),
    // The existing plan has the number of steps: what is learnt does not depend on the machine.
    ("--output work --minutes 45", "--output work"),
    ("--trials 20 --minutes 2", "--trials 2 --steps 2"),
    ("auto train work --minutes 30", "auto train work"),
    ("--size 512,512,300", "--size 40,40,30"),
];

/// The entry of [`NOT_RUN`] for a command.
pub fn reason(document: &str, command: &str) -> Option<usize> {
    let mut entries = NOT_RUN.iter();
    entries.position(|(of, beginning, _)| *of == document && command.starts_with(beginning))
}

/// The command in the form that is run.
pub fn shortened(command: &str) -> String {
    let longest = SHORTER.iter().rev();
    let fits = |(long, _): &&(&str, &str)| {
        let after = command.split_once(long).map(|(_, after)| after);
        after.is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut found = longest.filter(fits);
    found.next().map_or(command.to_owned(), |(long, short)| {
        command.replace(long, short)
    })
}

/// The examples, benches and scripts that a command names are there.
pub fn check_cargo(command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    for pair in words.windows(2) {
        let folder = match pair[0] {
            "--example" => "examples",
            "--bench" => "benches",
            _ => continue,
        };
        let file = root().join(folder).join(format!("{}.rs", pair[1]));
        let is_there = file.is_file() || file.with_extension("").join("main.rs").is_file();
        assert!(is_there, "{} is not there: {command}", file.display());
    }
    if words[0].ends_with(".sh") {
        assert!(root().join(words[0]).is_file(), "{command}");
    }
}

#[test]
fn what_takes_long_is_shortened_by_the_rule_that_says_most() {
    assert_eq!(shortened("x --minutes 10 y"), "x --steps 2 y");
    assert_eq!(shortened("auto train work --minutes 30"), "auto train work");
    assert_eq!(shortened("x --minutes 3"), "x --steps 2");
    assert_eq!(
        shortened("auto plan work --minutes 45"),
        "auto plan work --minutes 45"
    );
}
