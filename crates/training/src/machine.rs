//! What a run runs on: the machine in words, and how much memory is taken and free.

use vesalius_tensor::Device;

/// Bytes of memory that a device holds for this process: the process's own resident memory on the
/// CPU, the allocator's on others. Nothing where the system does not tell.
pub(crate) fn memory_of(device: &Device) -> Option<u64> {
    let device = device.clone().inner();
    if device == Device::flex() {
        return kilobytes("/proc/self/status", "VmRSS:").map(|kb| kb * 1024);
    }
    device.memory_pool_usage().map(|usage| usage.bytes_reserved)
}

/// Bytes of the machine's memory that can be taken without pushing others out.
pub fn free_memory() -> Option<u64> {
    kilobytes("/proc/meminfo", "MemAvailable:").map(|kb| kb * 1024)
}

/// A line of a file of `name: number kB`.
fn kilobytes(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The machine in words: processor, threads, memory, system.
pub(crate) fn describe() -> Vec<(String, String)> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let processor = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
    let mut facts = vec![
        (
            "processor".to_owned(),
            processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        ),
        ("threads".to_owned(), threads.to_string()),
        (
            "system".to_owned(),
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
    ];
    if let Some(kb) = kilobytes("/proc/meminfo", "MemTotal:") {
        facts.push(("memory".to_owned(), gibibytes(kb * 1024)));
    }
    facts
}

/// Bytes as GiB, in words.
pub(crate) fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_is_known_and_sensible() {
        let held = memory_of(&Device::flex().autodiff()).unwrap();
        assert!(held > 1 << 20 && held < 1 << 40, "{held}");
        assert!(free_memory().unwrap() > 1 << 20);
        assert!(describe().iter().any(|(name, _)| name == "memory"));
    }
}
