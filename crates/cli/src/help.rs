//! What `--help` shows beyond the arguments: commands by task, and an example of each.

use clap::Command;

/// The commands by task.
const TASKS: [(&str, &[&str]); 6] = [
    ("Look at images", &["info", "view"]),
    (
        "Change images and labels",
        &["convert", "resample", "filter", "transform"],
    ),
    ("Segment and score", &["predict", "ensemble", "evaluate"]),
    (
        "Take scans from a hospital, and give results to it",
        &["clinic", "pacs", "serve"],
    ),
    ("Train", &["data", "train", "auto"]),
    (
        "Models and this program",
        &["model", "doctor", "completions", "man"],
    ),
];

/// An example of each command.
const EXAMPLES: &[&str] = &[
    "vesalius info scan.nii.gz",
    "vesalius view scan.nii.gz --labels labels.nii.gz --output picture.png",
    "vesalius convert dicom_folder scan.nii.gz",
    "vesalius resample scan.nii.gz fine.nii.gz --spacing 1,1,1",
    "vesalius filter median scan.nii.gz smooth.nii.gz --radius 1",
    "vesalius transform chain.yaml scan.nii.gz --output looked_at --samples 4",
    "vesalius train config.yaml --data dataset --output runs/first",
    "vesalius predict --model runs/first --input scans --output segmentations",
    "vesalius ensemble first second --output segmentations",
    "vesalius clinic seg labels.nii.gz --source dicom_folder --output seg.dcm",
    "vesalius clinic rtstruct labels.nii.gz --source dicom_folder --output contours.dcm",
    "vesalius clinic sr seg.dcm --source dicom_folder --output sr.dcm",
    "vesalius clinic picture labels.nii.gz --source dicom_folder --output picture.dcm",
    "vesalius clinic check seg.dcm sr.dcm --source dicom_folder",
    "vesalius clinic deidentify study nameless --key study.key --dates shift",
    "vesalius clinic reidentify results named --originals study --key study.key",
    "vesalius pacs echo PACS@10.1.2.3:104",
    "vesalius pacs find PACS@10.1.2.3:104 --level series --match PatientID=4711",
    "vesalius pacs get PACS@10.1.2.3:104 --study 1.2.840.1 --output scans",
    "vesalius pacs move PACS@10.1.2.3:104 --study 1.2.840.1 --to WORKSTATION",
    "vesalius pacs send PACS@10.1.2.3:104 seg.dcm sr.dcm",
    "vesalius serve --model runs/first --spool spool",
    "vesalius evaluate --prediction segmentations --reference labels --metrics dice,hd95",
    "vesalius evaluate interactive --model bundle --input scans --reference labels --clicks 1,3,5,10",
    "vesalius auto run input.yaml --output work --minutes 60",
    "vesalius auto analyze --data dataset --output work",
    "vesalius auto plan work --algorithms vesalius",
    "vesalius auto train work",
    "vesalius auto tune work --trials 20",
    "vesalius auto ensemble work",
    "vesalius auto predict work",
    "vesalius auto report work",
    "vesalius auto export work trained",
    "vesalius auto import work trained",
    "vesalius auto submit work --input input.yaml --minutes 60",
    "vesalius auto task work train 3",
    "vesalius auto task work plan --input input.yaml",
    "vesalius auto task work ensemble",
    "vesalius auto task work predict 0 --parts 4",
    "vesalius auto status work",
    "vesalius auto cancel work",
    "vesalius data list",
    "vesalius data fetch hippocampus --output datasets",
    "vesalius model info runs/first",
    "vesalius model convert nnunet_folder converted",
    "vesalius model ensemble runs/first runs/second --output both",
    "vesalius model cascade --coarse runs/coarse --fine runs/fine --output cascade",
    "vesalius model union union.yaml --output total",
    "vesalius model run --architecture net.yaml --weights net.safetensors --input in.npy --output out.npy",
    "vesalius doctor",
    "vesalius completions bash > ~/.local/share/bash-completion/completions/vesalius",
    "vesalius man ~/.local/share/man/man1",
];

/// Placeholders for the parser; the commands are in `after-help`.
const TEMPLATE: &str =
    "{about-with-newline}\n{usage-heading} {usage}\n\n{after-help}\n\nOptions:\n{options}";

/// Adds all that to a command.
pub fn with_help(command: Command) -> Command {
    let command = with_examples(command, &mut Vec::new());
    let tasks = by_task(&command);
    command.help_template(TEMPLATE).after_help(tasks)
}

/// The commands with what they do, by task.
fn by_task(command: &Command) -> String {
    let mut text = String::new();
    for (task, names) in TASKS {
        text.push_str(&format!("{task}:\n"));
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            text.push_str(&format!("  {name:<12} {about}\n"));
        }
        text.push('\n');
    }
    text.push_str("`vesalius COMMAND --help` shows a command's arguments and an example.");
    text
}

/// The example of a command of these words.
fn example(words: &[String]) -> Option<&'static str> {
    // Arguments may stand between the words of a command: `auto task WORK train`.
    let begins = |example: &&&str| {
        let mut parts = example.split(' ').skip(1);
        let (first, more) = (words.first(), words.iter().skip(1));
        parts.next() == first.map(String::as_str) && { more }
            .all(|word| parts.any(|part| part == word))
    };
    EXAMPLES.iter().find(begins).copied()
}

fn with_examples(mut command: Command, words: &mut Vec<String>) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(&name, |sub| {
            words.push(name.clone());
            let sub = with_examples(sub, words);
            let sub = match example(words) {
                Some(example) => sub.after_help(format!("Example:\n  {example}")),
                None => sub,
            };
            words.pop();
            sub
        });
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::command;

    #[test]
    fn every_command_stands_under_one_task() {
        let command = command::<crate::Arguments>();
        let mut known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let mut listed: Vec<&str> = TASKS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, known);
    }

    #[test]
    fn every_command_has_an_example_that_it_takes() {
        fn missing(command: &Command, words: &mut Vec<String>) -> Vec<String> {
            let mut found = Vec::new();
            for sub in command.get_subcommands() {
                words.push(sub.get_name().to_owned());
                if example(words).is_none() && words[0] != "filter" {
                    found.push(words.join(" "));
                }
                found.extend(missing(sub, words));
                words.pop();
            }
            found
        }
        let command = command::<crate::Arguments>();
        assert_eq!(missing(&command, &mut Vec::new()), Vec::<String>::new());
        for example in EXAMPLES {
            let words = example.split(" > ").next().unwrap().split(' ');
            let parsed = command.clone().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }
}
