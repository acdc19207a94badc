//! Failures of the device that computes, as errors: memory that ran out, and all else.

use crate::{Device, Error, Result};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Error {
    /// A backend's failure as an error. Burn passes on only the driver's own text (a panic's message, or the reason
    /// in its `ExecutionError`), so exhausted memory is recognised by the phrases of CUDA, wgpu and Vulkan for it. This
    /// is the only place that reads an error's text.
    pub fn of_device(message: &str) -> Self {
        const NO_MEMORY: [&str; 4] = [
            "out of memory",
            "out-of-memory",
            "out of device memory",
            "can't allocate buffer",
        ];
        let is_of_memory = |line: &&str| {
            let line = line.to_lowercase();
            NO_MEMORY.iter().any(|words| line.contains(words))
        };
        match message.lines().find(is_of_memory) {
            Some(line) => Self::DeviceMemory(line.trim().to_owned()),
            None => Self::Execution(reason(message)),
        }
    }

    /// The same of what a backend panicked with, caught or from a thread that was joined.
    pub fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Self::of_device(text.unwrap_or("it stopped without a message"))
    }
}

/// The first line, or what Burn names as its cause; backtraces follow.
fn reason(message: &str) -> String {
    let mut lines = message.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    match lines.next() {
        Some("Caused by:") => lines.next().unwrap_or(first).to_owned(),
        _ => first.to_owned(),
    }
}

/// Whether a device is the CPU, with autodiff or without.
pub fn is_cpu(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// Does work on a device. GPU backends panic when the driver fails; such a panic becomes an error. On the CPU a panic
/// is a fault of the program and is passed on.
///
/// # Errors
/// [`Error::DeviceMemory`], [`Error::Execution`].
pub fn on_device<T>(device: &Device, work: impl FnOnce() -> T) -> Result<T> {
    match is_cpu(device) {
        true => Ok(work()),
        false => catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Error::of_panic(&*panic)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::ErrorKind;

    #[test]
    fn what_a_panicking_backend_says_is_understood() {
        let kind = |panic: &(dyn Any + Send)| Error::of_panic(panic).kind();
        let full = "out of device memory allocating 5 bytes".to_owned();
        assert_eq!(kind(&full), ErrorKind::OutOfMemory);
        assert_eq!(
            kind(&"CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
            ErrorKind::OutOfMemory
        );
        assert_eq!(kind(&"device lost"), ErrorKind::Device);
        assert_eq!(kind(&7), ErrorKind::Device);
        let of_burn = "An error happened during execution\nCaused by:\n  a fault\nat 0x1";
        assert!(matches!(Error::of_device(of_burn), Error::Execution(text) if text == "a fault"));
    }

    #[test]
    fn a_panic_on_the_cpu_is_passed_on() {
        let device = Device::flex().autodiff();
        assert!(is_cpu(&device));
        assert_eq!(on_device(&device, || 3).unwrap(), 3);
        let passed = catch_unwind(|| on_device(&Device::flex(), || panic!("a fault")));
        assert!(passed.is_err());
    }
}
