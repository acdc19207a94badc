//! What a run runs on: how much memory there is, is taken and is free.

use vesalius_tensor::Device;

/// Bytes of memory that a device holds for this process: the process's own resident memory on the CPU, the
/// allocator's on others. `None` where the system does not report it.
pub(crate) fn memory_of(device: &Device) -> Option<u64> {
    let device = device.clone().inner();
    if device == Device::flex() {
        return kilobytes("/proc/self/status", "VmRSS:").map(|kb| kb * 1024);
    }
    device.memory_pool_usage().map(|usage| usage.bytes_reserved)
}

/// Bytes of memory that this process can still take: what the machine, its container and the process's own limits leave.
pub fn free_memory() -> Option<u64> {
    vesalius_volume::available_memory()
}

/// Bytes of the machine's memory.
pub fn total_memory() -> Option<u64> {
    kilobytes("/proc/meminfo", "MemTotal:").map(|kb| kb * 1024)
}

/// A line of a file of `name: number kB`.
fn kilobytes(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_is_known_and_sensible() {
        let held = memory_of(&Device::flex().autodiff()).unwrap();
        assert!(held > 1 << 20 && held < 1 << 40, "{held}");
        assert!(free_memory().unwrap() > 1 << 20 && total_memory().unwrap() > 1 << 20);
    }
}
