//! The abilities of this machine: instructions, threads, memory, devices, the folder of scratch files, and the speed
//! of a small network. A bug report should begin with this.

use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vesalius_control::Control;
use vesalius_networks::{NetworkConfig, UNetConfig};
use vesalius_tensor::{Device, DeviceName, Tensor, processor_name};
use vesalius_volume::{ErrorKind, available_memory};

/// The longest that a self-test takes.
pub const LONGEST_TEST: Duration = Duration::from_secs(20);

/// Scratch folders with less free space than this get a remark.
const LITTLE_SPACE: u64 = 10 << 30;

/// What is looked at.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DoctorOptions {
    /// How long the self-test measures, at most [`LONGEST_TEST`]; zero leaves it out.
    pub test: Duration,
    /// What the self-test runs on.
    pub device: Device,
    /// The folder of scratch files.
    pub scratch: PathBuf,
    /// Cancels the self-test between two runs of the network.
    pub control: Control,
}

impl Default for DoctorOptions {
    fn default() -> Self {
        Self {
            test: Duration::from_secs(5),
            device: Device::flex(),
            scratch: std::env::temp_dir(),
            control: Control::new(),
        }
    }
}

impl DoctorOptions {
    /// How long the self-test measures.
    #[must_use]
    pub fn test(mut self, time: Duration) -> Self {
        self.test = time;
        self
    }

    /// What the self-test runs on.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Cancels the self-test.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.control = control;
        self
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DoctorReport {
    /// Of Vesalius.
    pub version: &'static str,
    /// Whether this build was optimised.
    pub optimised: bool,
    /// Operating system and processor family, such as `linux x86_64`.
    pub system: String,
    /// The processor's name, where the system provides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Vector instructions that the kernels have code for, and whether the processor has them.
    pub instructions: Vec<Instructions>,
    /// Threads that work is spread over.
    pub threads: usize,
    /// Bytes that can still be taken: by the machine, the container and the process's own limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_free: Option<u64>,
    /// The kinds of devices.
    pub devices: Vec<DeviceState>,
    /// The folder of scratch files.
    pub scratch: Scratch,
    /// The self-test, where it was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
    /// What makes work slow or fail here, a sentence each.
    pub remarks: Vec<String>,
}

/// A set of vector instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Instructions {
    /// Such as `AVX2 with FMA`.
    pub name: &'static str,
    /// Whether the processor has them.
    pub present: bool,
}

/// A kind of device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeviceState {
    /// As configs name it.
    pub name: String,
    /// Whether it can be used.
    pub usable: bool,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The folder of scratch files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Scratch {
    /// The folder.
    pub folder: PathBuf,
    /// Free bytes there, where the system provides them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<u64>,
    /// Why it cannot be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How fast a small 3-D U-Net runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Speed {
    /// The network.
    pub network: &'static str,
    /// Voxels of its input.
    pub patch: [usize; 3],
    /// Forward passes that were timed.
    pub passes: usize,
    /// The median of their seconds.
    pub seconds: f64,
    /// Millions of voxels a second.
    pub million_voxels_per_second: f64,
}

/// Why the self-test failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It was cancelled.
    #[error("{0}")]
    Cancelled(#[from] vesalius_control::Cancelled),
    /// The network did not run.
    #[error("the self-test failed: {0}")]
    Network(#[from] vesalius_networks::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Network(error) => error.kind(),
        }
    }
}

/// Looks at the machine and runs the self-test.
///
/// # Errors
/// A self-test that fails or is cancelled; everything else that is wrong is part of the report.
pub fn examine(options: &DoctorOptions) -> Result<DoctorReport, Error> {
    let mut report = DoctorReport {
        version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        processor: processor_name(),
        instructions: instructions(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        memory_free: available_memory(),
        devices: ["cpu", "cuda", "vulkan", "wgpu"].map(device).to_vec(),
        scratch: scratch(&options.scratch),
        speed: None,
        remarks: Vec::new(),
    };
    report.remarks = remarks(&report);
    if !options.test.is_zero() {
        report.speed = Some(self_test(options)?);
    }
    Ok(report)
}

fn remarks(report: &DoctorReport) -> Vec<String> {
    let mut remarks = Vec::new();
    if !report.optimised {
        remarks
            .push("this build is not optimised: build it with `cargo build --release`".to_owned());
    }
    if !report.instructions.is_empty() && report.instructions.iter().all(|set| !set.present) {
        remarks.push(
            "the processor has no vector instructions that the kernels have code for".to_owned(),
        );
    }
    if let Some(problem) = &report.scratch.problem {
        let folder = report.scratch.folder.display();
        remarks.push(format!("scratch files cannot be written to {folder}: {problem}; set TMPDIR to a folder that can be"));
    } else if report.scratch.free.is_some_and(|free| free < LITTLE_SPACE) {
        let folder = report.scratch.folder.display();
        remarks.push(format!("{folder} has little space for scratch files of large images; set TMPDIR to a folder with more"));
    }
    remarks
}

/// The sets that the kernels have code for on this family of processors, as the kernels themselves find them.
fn instructions() -> Vec<Instructions> {
    let sets: &[(&str, &'static str)] = match std::env::consts::ARCH {
        "x86_64" => &[("avx2", "AVX2 with FMA"), ("avx512", "AVX-512")],
        "aarch64" => &[("neon", "NEON")],
        _ => &[],
    };
    let available = vesalius_kernels::SimdLevel::available();
    let present = |path: &str| available.iter().any(|found| found.name() == path);
    sets.iter()
        .map(|&(path, name)| Instructions {
            name,
            present: present(path),
        })
        .collect()
}

fn device(name: &str) -> DeviceState {
    let opened = name.parse::<DeviceName>().and_then(DeviceName::open);
    DeviceState {
        name: name.to_owned(),
        usable: opened.is_ok(),
        reason: opened.err().map(|error| error.to_string()),
    }
}

fn scratch(folder: &Path) -> Scratch {
    let probe = tempfile::tempfile_in(folder);
    Scratch {
        folder: folder.to_owned(),
        free: free_space(folder),
        problem: probe.err().map(|error| error.to_string()),
    }
}

/// Bytes that this user may still write to a folder's disk.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

/// Times forward passes of a small U-Net.
fn self_test(options: &DoctorOptions) -> Result<Speed, Error> {
    const PATCH: [usize; 3] = [64; 3];
    const MOST: usize = 200;
    let config = NetworkConfig::UNet(UNetConfig {
        channels: vec![16, 32, 64],
        strides: vec![2.into(), 2.into()],
        num_res_units: 1,
        ..UNetConfig::default()
    });
    let network = config.init_seeded(&options.device, 0)?;
    let [x, y, z] = PATCH;
    let pass = || -> Result<f64, Error> {
        options.control.check()?;
        let input = Tensor::<5>::ones([1, 1, z, y, x], &options.device);
        let began = Instant::now();
        let output = network.try_forward(input)?;
        // Work on a device is done once its numbers are here.
        drop(
            output
                .into_iter()
                .map(|o| o.into_data())
                .collect::<Vec<_>>(),
        );
        Ok(began.elapsed().as_secs_f64())
    };
    let began = Instant::now();
    let time = options.test.min(LONGEST_TEST);
    // The first pass makes buffers and, on a GPU, kernels.
    let first = pass()?;
    let mut passes = Vec::new();
    while passes.len() < MOST
        && (passes.is_empty() || began.elapsed() + Duration::from_secs_f64(first) < time)
    {
        passes.push(pass()?);
    }
    passes.sort_by(f64::total_cmp);
    let seconds = passes[passes.len() / 2];
    Ok(Speed {
        network: "U-Net, 16, 32 and 64 channels",
        patch: PATCH,
        passes: passes.len(),
        seconds,
        million_voxels_per_second: (x * y * z) as f64 / 1e6 / seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_every_kind_of_device_and_a_speed() {
        let options = DoctorOptions::default().test(Duration::from_millis(1));
        let report = examine(&options).unwrap();
        assert_eq!(report.devices.len(), 4);
        assert!(report.devices[0].usable && report.devices[0].name == "cpu");
        let absent = report.devices.iter().filter(|device| !device.usable);
        assert!(absent.into_iter().all(|device| device.reason.is_some()));
        let speed = report.speed.unwrap();
        assert!(speed.passes >= 1 && speed.million_voxels_per_second > 0.0);
        assert!(report.scratch.problem.is_none() && report.threads > 0);
    }

    #[test]
    fn a_scratch_folder_that_is_not_there_is_a_remark() {
        let mut options = DoctorOptions::default().test(Duration::ZERO);
        options.scratch = PathBuf::from("nowhere/at/all");
        let report = examine(&options).unwrap();
        assert!(report.speed.is_none());
        assert!(
            report
                .remarks
                .iter()
                .any(|remark| remark.contains("nowhere/at/all"))
        );
    }

    #[test]
    fn a_cancelled_test_ends() {
        let options = DoctorOptions::default();
        options.control.cancel();
        assert!(matches!(examine(&options), Err(Error::Cancelled(_))));
    }
}
