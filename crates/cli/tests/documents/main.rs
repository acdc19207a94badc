//! Every command in README.md and the book is run unchanged, on made files of the names that it has, or is in a table
//! with the reason why not. Output that a page shows must be the command's. Links lead to something, programs are
//! compiled, and the picture of the crates is that of their manifests.

mod blocks;
mod code;
#[path = "../common/mod.rs"]
mod common;
mod crates;
#[path = "../../../io/tests/io/dicom_writer.rs"]
mod dicom_writer;
mod links;
mod made;
mod table;

use blocks::{Block, blocks, documents};
use std::path::Path;
use std::process::Command;

/// Runs the commands of a document in a folder with the files that it names.
fn run(document: &str, prepare: &[fn(&Path)]) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    prepare.iter().for_each(|prepare| prepare(folder));
    for block in blocks(document) {
        for (line, command, shown) in block.commands() {
            let place = format!("{document}:{line}");
            if table::reason(document, &command).is_some() {
                continue;
            }
            let said = said(folder, &table::shortened(&command), &place);
            if let Err(missing) = blocks::is_shown(&shown, &said) {
                panic!("{place} shows `{missing}`, but `{command}` says:\n{said}");
            }
        }
    }
}

/// A command's output, the results last, run by the shell as a reader would.
fn said(folder: &Path, command: &str, place: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_vesalius"));
    let own = binary.parent().unwrap().as_os_str().to_owned();
    let path = std::env::join_paths(
        std::iter::once(own.into())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let output = Command::new("sh")
        .args(["-e", "-c", command])
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env("HOME", folder)
        .output()
        .unwrap();
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(
        output.status.success(),
        "{place}: `{command}` failed:\n{said}"
    );
    said
}

#[test]
fn the_readme_runs() {
    run(
        "README.md",
        &[made::dataset, made::configs, made::scans, made::references],
    );
}

#[test]
fn the_guide_of_training_runs() {
    run("docs/training.md", &[made::dataset, made::configs]);
}

#[test]
fn the_guide_of_auto_runs() {
    run(
        "docs/auto.md",
        &[
            made::dataset,
            made::nnunet_dataset,
            made::input_of_the_guide,
            made::plan,
        ],
    );
}

#[test]
fn the_guide_of_inference_runs() {
    run(
        "docs/inference.md",
        &[made::dataset, made::scans, made::models, made::nnunet_model],
    );
}

#[test]
fn the_guide_of_metrics_runs() {
    run(
        "docs/metrics.md",
        &[
            made::scan,
            made::references,
            made::predictions,
            made::other_predictions,
        ],
    );
}

#[test]
fn the_guide_of_filters_runs() {
    run("docs/filters.md", &[made::scan, made::maps]);
}

#[test]
fn the_guide_of_transforms_runs() {
    run("docs/transforms.md", &[made::scan, made::configs]);
}

#[test]
fn the_guide_of_networks_runs() {
    run(
        "docs/networks.md",
        &[
            made::dataset,
            made::first_model,
            made::bundle,
            made::weights,
        ],
    );
}

#[test]
fn the_guide_of_bundles_runs() {
    run(
        "docs/models.md",
        &[made::scan, made::bundle, made::deepedit],
    );
}

#[test]
fn the_guide_of_clusters_runs() {
    run(
        "docs/cluster.md",
        &[made::dataset, made::input_of_the_guide, made::plan],
    );
}

#[test]
fn the_guide_of_unions_runs() {
    run(
        "docs/unions.md",
        &[made::dataset, made::scans, made::models, made::union],
    );
}

#[test]
fn the_page_of_installing_runs() {
    run("docs/install.md", &[]);
}

#[test]
fn the_page_of_a_first_model_runs() {
    run(
        "docs/first-model.md",
        &[made::dataset, made::configs, made::scans, made::references],
    );
}

#[test]
fn the_page_of_devices_runs() {
    run("docs/devices.md", &[]);
}

#[test]
fn the_page_from_monai_runs() {
    run(
        "docs/from-monai.md",
        &[
            made::dataset,
            made::scans,
            made::bundle,
            made::input_of_the_guide,
        ],
    );
}

#[test]
fn the_page_from_nnunet_runs() {
    run(
        "docs/from-nnunet.md",
        &[
            made::nnunet_folder,
            made::nnunet_model,
            made::scans,
            made::references,
        ],
    );
}

#[test]
fn the_page_of_questions_runs() {
    run(
        "docs/faq.md",
        &[
            made::dataset,
            made::configs,
            made::scan,
            made::scans,
            made::references,
            made::predictions,
            made::models,
            made::study,
            made::slanted,
        ],
    );
}

#[test]
fn the_page_of_dicom_runs() {
    run("docs/from-dicom.md", &[made::series]);
}

#[test]
fn the_guide_for_hospitals_runs() {
    run(
        "docs/clinic.md",
        &[made::dataset, made::models, made::series, made::organs],
    );
}

#[test]
fn no_document_and_no_command_is_left_out() {
    let run_here = [
        "README.md",
        "docs/auto.md",
        "docs/clinic.md",
        "docs/cluster.md",
        "docs/devices.md",
        "docs/faq.md",
        "docs/filters.md",
        "docs/first-model.md",
        "docs/from-dicom.md",
        "docs/from-monai.md",
        "docs/from-nnunet.md",
        "docs/inference.md",
        "docs/install.md",
        "docs/metrics.md",
        "docs/models.md",
        "docs/networks.md",
        "docs/training.md",
        "docs/transforms.md",
        "docs/unions.md",
    ];
    let mut used = vec![false; table::NOT_RUN.len()];
    for document in documents() {
        for block in blocks(&document) {
            check_language(&document, &block);
            for (line, command, _) in block.commands() {
                let reason = table::reason(&document, &command);
                assert!(
                    reason.is_some() || run_here.contains(&document.as_str()),
                    "{document}:{line}: `{command}` is run by no test and has no reason in `table.rs`"
                );
                if let Some(number) = reason {
                    used[number] = true;
                    table::check_cargo(&command);
                    // What is not run exists at least, with its options.
                    if let Some(rest) = command.strip_prefix("vesalius ") {
                        let rest = rest.split(" #").next().unwrap_or_default();
                        common::advice::check_command(rest, &format!("{document}:{line}"));
                    }
                }
            }
        }
    }
    let stale = table::NOT_RUN.iter().zip(used).find(|(_, used)| !used);
    assert!(stale.is_none(), "nothing matches {stale:?}");
}

/// Commands are in blocks that are run.
fn check_language(document: &str, block: &Block) {
    let is_command = |line: &str| {
        let line = line.trim_start_matches("$ ");
        ["vesalius ", "cargo "]
            .iter()
            .any(|name| line.starts_with(name) && !line.contains(" = "))
    };
    let is_run = ["sh", "console"].contains(&block.language.as_str());
    assert!(
        is_run || !block.text.lines().any(is_command),
        "{document}:{}: commands in a block `{}`; give it the language sh or console",
        block.line,
        block.language
    );
    assert!(
        !block.language.is_empty(),
        "{document}:{}: a block without a language",
        block.line
    );
}
