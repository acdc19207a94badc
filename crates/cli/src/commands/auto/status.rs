//! `vesalius auto status` and `cancel`: how the jobs of a work folder stand.

use crate::commands::Result;
use crate::interrupt::followed;
use crate::output::{JsonOutput, table};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vesalius::workflow::auto::cluster::{self, Status};

/// How often `--watch` looks.
const PAUSE: Duration = Duration::from_secs(5);

/// Arguments of `vesalius auto status`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
    /// Look again every 5 seconds until all is done
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    json: JsonOutput,
}

/// Arguments of `vesalius auto cancel`.
#[derive(clap::Args)]
pub struct CancelArguments {
    /// The work folder
    work: PathBuf,
}

/// Prints how the runs and stages stand.
pub fn run(arguments: &Arguments) -> Result<()> {
    let control = followed();
    loop {
        let status = known(&arguments.work)?;
        if !arguments.json.replaces_table() {
            print(&status);
        }
        arguments.json.write(&status)?;
        let is_done = status.stages.iter().all(|(_, state)| state == "done");
        if !arguments.watch || is_done {
            return Ok(());
        }
        let pauses = PAUSE.as_millis() / 100;
        for _ in 0..pauses {
            control.check()?;
            std::thread::sleep(Duration::from_millis(100));
        }
        out!("");
    }
}

fn known(work: &Path) -> Result<Status> {
    if !work.is_dir() {
        return Err(format!("{}: is no work folder", work.display()).into());
    }
    Ok(cluster::status(work)?)
}

fn print(status: &Status) {
    let rows = status.tasks.iter().map(|task| {
        vec![
            task.number.to_string(),
            task.algorithm.clone(),
            task.fold.to_string(),
            task.state.clone(),
            task.step.map_or("-".to_owned(), |step| step.to_string()),
            task.dice
                .map_or("-".to_owned(), |dice| format!("{dice:.4}")),
            task.queue.clone().unwrap_or_default(),
        ]
    });
    let header = ["run", "algorithm", "fold", "state", "step", "Dice", "queue"];
    match status.tasks.is_empty() {
        true => out!("no run is planned yet"),
        false => out!("{}", table(&header, rows.collect())),
    }
    for (stage, state) in &status.stages {
        out!("{stage}: {state}");
    }
    if let Some(reason) = &status.no_queue {
        note!("the queue is not known: {reason}");
    }
}

/// Ends the jobs of a work folder.
pub fn cancel(arguments: &CancelArguments) -> Result<()> {
    let count = cluster::cancel(&arguments.work)?;
    match count {
        0 => out!("no job of this work is in the queue"),
        _ => {
            let jobs = vesalius::volume::counted(count, "job");
            out!("{jobs} cancelled; what runs saves first");
        }
    }
    Ok(())
}
