//! `vesalius doctor`: what this machine can do, and what a report of a problem should begin with.

use super::Result;
use crate::interrupt::followed;
use crate::output::JsonOutput;
use std::time::Duration;
use vesalius::inferers::ByteSize;
use vesalius::tensor::parse_device;
use vesalius::workflow::doctor::{DoctorOptions, DoctorReport, LONGEST_TEST, examine};

/// Arguments of `vesalius doctor`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Seconds that the self-test measures, 0 to 20; 0 leaves it out
    #[arg(long, value_name = "SECONDS", default_value_t = 5, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u64).range(0..=LONGEST_TEST.as_secs()))]
    test: u64,
    /// What the self-test runs on: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    json: JsonOutput,
}

/// Looks and prints.
pub fn run(arguments: &Arguments) -> Result<()> {
    let options = DoctorOptions::default()
        .test(Duration::from_secs(arguments.test))
        .device(parse_device(&arguments.device)?)
        .control(followed());
    let report = examine(&options)?;
    if !arguments.json.replaces_table() {
        print(&report, &arguments.device);
    }
    arguments.json.write(&report)
}

fn print(report: &DoctorReport, device: &str) {
    let build = if report.optimised {
        ""
    } else {
        " (not optimised)"
    };
    line("version", &format!("vesalius {}{build}", report.version));
    line("system", &report.system);
    if let Some(processor) = &report.processor {
        line("processor", processor);
    }
    for set in &report.instructions {
        line(set.name, if set.present { "yes" } else { "no" });
    }
    line("threads", &report.threads.to_string());
    if let Some(free) = report.memory_free {
        line("memory free", &ByteSize(free).to_string());
    }
    for device in &report.devices {
        line(
            &device.name,
            device.reason.as_deref().unwrap_or("can be used"),
        );
    }
    let scratch = &report.scratch;
    let free = scratch
        .free
        .map_or(String::new(), |free| format!(", {} free", ByteSize(free)));
    let problem = scratch
        .problem
        .as_ref()
        .map_or(String::new(), |p| format!(" ({p})"));
    line(
        "scratch",
        &format!("{}{free}{problem}", scratch.folder.display()),
    );
    if let Some(speed) = &report.speed {
        let text = format!(
            "{:.2} million voxels a second on {device} ({}, patches of {:?}, median of {})",
            speed.million_voxels_per_second, speed.network, speed.patch, speed.passes
        );
        line("speed", &text);
    }
    for remark in &report.remarks {
        line("remark", remark);
    }
}

fn line(name: &str, value: &str) {
    out!("{name:<13} {value}");
}
