//! Devices by name, chosen at run time; the error for a missing device says how to get it.

use crate::{Device, Error, Result};
use serde::{Deserialize, Serialize};

/// A device as the command line and configs name it: `cpu`, `cuda[:n]`, `wgpu[:n]`, `vulkan[:n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum DeviceName {
    /// The processor; always there.
    #[default]
    Cpu,
    /// An NVIDIA GPU by number.
    Cuda(usize),
    /// A GPU that WebGPU reaches, by number in the list of adapters.
    Wgpu(usize),
    /// A GPU through Vulkan, by number in the list of adapters.
    Vulkan(usize),
}

impl std::str::FromStr for DeviceName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownDevice(name.to_owned());
        let (kind, number) = match name.split_once(':') {
            Some((kind, number)) => (kind, number.parse().map_err(|_| unknown())?),
            None => (name, 0),
        };
        match kind {
            "cpu" if !name.contains(':') => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(number)),
            "wgpu" => Ok(Self::Wgpu(number)),
            "vulkan" => Ok(Self::Vulkan(number)),
            _ => Err(unknown()),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
            Self::Wgpu(n) => write!(f, "wgpu:{n}"),
            Self::Vulkan(n) => write!(f, "vulkan:{n}"),
        }
    }
}

impl DeviceName {
    /// The device itself, for inference; add [`Device::autodiff`] for training.
    ///
    /// # Errors
    /// [`Error::NotCompiledIn`] with the feature to build with, [`Error::DeviceAbsent`] with what
    /// was found instead.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::flex()),
            Self::Cuda(number) => open_cuda(self, number),
            Self::Wgpu(number) => open_wgpu(self, number),
            Self::Vulkan(number) => open_vulkan(self, number),
        }
    }
}

/// The device that `name` (`cpu`, `cuda[:n]`, `wgpu[:n]`, `vulkan[:n]`) stands for.
///
/// ```
/// use vesalius_tensor::{device_words, parse_device};
///
/// let device = parse_device("cpu")?;
/// assert_eq!(device_words(&device), "CPU");
/// assert!(parse_device("gpu").is_err());
/// # Ok::<(), vesalius_tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::UnknownDevice`], and as [`DeviceName::open`].
pub fn parse_device(name: &str) -> Result<Device> {
    name.parse::<DeviceName>()?.open()
}

/// A device in words, for people: `CPU`, `GPU 0 (CUDA)`, `GPU 1 (Vulkan)`.
pub fn device_words(device: &Device) -> String {
    match crate::is_cpu(device) {
        true => "CPU".to_owned(),
        false => words_of(&format!("{:?}", device.clone().inner())),
    }
}

/// Burn shows which GPU a device is only in its debug form, such as `Device<Cube(Cuda(CudaDevice { index: 0 }))>`.
fn words_of(debug: &str) -> String {
    const APIS: [(&str, &str); 6] = [
        ("cuda", "CUDA"),
        ("vulkan", "Vulkan"),
        ("metal", "Metal"),
        ("rocm", "ROCm"),
        ("hip", "ROCm"),
        ("gpu", "WebGPU"),
    ];
    let lower = debug.to_lowercase();
    let api = APIS.iter().find(|(part, _)| lower.contains(part));
    let Some((_, api)) = api else {
        return debug.to_owned();
    };
    let number = debug
        .split(|c: char| !c.is_ascii_digit())
        .find(|n| !n.is_empty());
    match number {
        Some(number) => format!("GPU {number} ({api})"),
        None => format!("GPU ({api})"),
    }
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(name: DeviceName, _: usize) -> Result<Device> {
    not_compiled_in(name, "cuda")
}

#[cfg(not(feature = "wgpu"))]
fn open_wgpu(name: DeviceName, _: usize) -> Result<Device> {
    not_compiled_in(name, "wgpu")
}

#[cfg(not(feature = "vulkan"))]
fn open_vulkan(name: DeviceName, _: usize) -> Result<Device> {
    not_compiled_in(name, "vulkan")
}

#[cfg(not(all(feature = "cuda", feature = "wgpu", feature = "vulkan")))]
fn not_compiled_in(name: DeviceName, feature: &'static str) -> Result<Device> {
    Err(Error::NotCompiledIn {
        name: name.to_string(),
        feature,
    })
}

#[cfg(feature = "cuda")]
fn open_cuda(name: DeviceName, number: usize) -> Result<Device> {
    use burn::tensor::DeviceType;
    nth(
        name,
        number,
        || Device::enumerate(DeviceType::Cuda).into_vec(),
        "install the NVIDIA driver, check `nvidia-smi`, or use `cpu`",
    )
}

#[cfg(feature = "wgpu")]
fn open_wgpu(name: DeviceName, number: usize) -> Result<Device> {
    use burn::tensor::DeviceType;
    nth(
        name,
        number,
        || Device::enumerate(DeviceType::Wgpu).into_vec(),
        "install a graphics driver (software: `mesa-vulkan-drivers`), or use `cpu`",
    )
}

#[cfg(feature = "vulkan")]
fn open_vulkan(name: DeviceName, number: usize) -> Result<Device> {
    use burn::tensor::DeviceType;
    nth(
        name,
        number,
        || Device::enumerate(DeviceType::Vulkan).into_vec(),
        "install a Vulkan driver (software: `mesa-vulkan-drivers`), or use `cpu`",
    )
}

/// Name of the thread that looks for devices; a program with a panic hook may ignore its panics.
pub const DEVICE_SEARCH_THREAD: &str = "vesalius-device-search";

/// The device of that number among those that the backend finds. A missing driver makes some
/// backends panic while they look. They look in a thread of their own, so that this is an absent device.
#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn nth(
    name: DeviceName,
    number: usize,
    devices: impl FnOnce() -> Vec<Device> + Send + 'static,
    remedy: &'static str,
) -> Result<Device> {
    let absent = |found: String| Error::DeviceAbsent {
        name: name.to_string(),
        found,
        remedy,
    };
    let search = std::thread::Builder::new()
        .name(DEVICE_SEARCH_THREAD.to_owned())
        .spawn(devices)
        .map_err(|error| absent(format!("no thread can be started: {error}")))?;
    let devices = search
        .join()
        .map_err(|_| absent("its driver could not be loaded".to_owned()))?;
    let count = devices.len();
    devices.into_iter().nth(number).ok_or_else(|| {
        absent(match count {
            0 => "no such device".to_owned(),
            1 => "1 such device, number 0".to_owned(),
            n => format!("{n} such devices, numbers 0 to {}", n - 1),
        })
    })
}

/// The name of this machine's processor, where the system has it (on Linux `model name` in `/proc/cpuinfo`).
pub fn processor_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (name, device) in [
            ("cpu", DeviceName::Cpu),
            ("cuda:3", DeviceName::Cuda(3)),
            ("wgpu:0", DeviceName::Wgpu(0)),
            ("vulkan:1", DeviceName::Vulkan(1)),
        ] {
            assert_eq!(name.parse::<DeviceName>().unwrap(), device);
            assert_eq!(device.to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceName>().unwrap(), DeviceName::Cuda(0));
        for wrong in ["gpu", "cuda:", "cuda:x", "cpu:0", ""] {
            let message = wrong.parse::<DeviceName>().unwrap_err().to_string();
            assert!(
                message.contains(&format!("`{wrong}`")) && message.contains("cuda:1"),
                "{message}"
            );
        }
    }

    #[test]
    fn devices_are_told_in_words() {
        assert_eq!(device_words(&Device::flex()), "CPU");
        assert_eq!(device_words(&Device::flex().autodiff()), "CPU");
        for (debug, words) in [
            (
                "Device<Cube(Cuda(CudaDevice { index: 0 }))>",
                "GPU 0 (CUDA)",
            ),
            ("Device<Cube(Wgpu(DiscreteGpu(1)))>", "GPU 1 (WebGPU)"),
            ("Device<Vulkan(DefaultDevice)>", "GPU (Vulkan)"),
            ("Device<Other>", "Device<Other>"),
        ] {
            assert_eq!(words_of(debug), words);
        }
    }

    #[test]
    fn the_cpu_is_always_there_and_a_missing_device_says_how_to_get_it() {
        assert!(!parse_device("cpu").unwrap().is_autodiff());
        #[cfg(not(feature = "cuda"))]
        {
            let message = parse_device("cuda:1").unwrap_err().to_string();
            assert!(
                message.contains("`cuda:1`") && message.contains("--features cuda"),
                "{message}"
            );
        }
        #[cfg(feature = "wgpu")]
        {
            let message = parse_device("wgpu:99").unwrap_err().to_string();
            assert!(message.contains("wgpu:99"), "{message}");
        }
    }
}
