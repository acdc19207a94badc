//! Whether a buffer fits into memory: compared with the caller's limit and with what the machine has
//! left, before it is made. The buffer itself is made by the caller.

use crate::{Error, Result};

/// Buffers below this size are not checked.
const WORTHWHILE: u64 = 32 << 20;

/// Which limit a buffer exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLimit {
    /// The limit that the caller set.
    Given,
    /// What the machine, its container or the process's own limits leave.
    Machine,
}

impl MemoryLimit {
    /// The remedy in the error.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Given => "take a coarser spacing or a part of the image, or raise the limit",
            Self::Machine => {
                "take a coarser spacing or a part of the image, or a machine with more memory"
            }
        }
    }
}

impl std::fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given => "the limit is",
            Self::Machine => "the machine has left",
        })
    }
}

/// Refuses a buffer of `channels` × `size` values of `width` bytes that `limit` or the machine cannot
/// hold. `what` names it in the error, such as "the resampled grid".
///
/// # Errors
/// [`Error::OutOfMemory`].
///
/// ```
/// use vesalius_volume::{Error, check_memory};
///
/// // 512 × 512 × 400 voxels of 4 bytes are 419 MB.
/// let size = [512, 512, 400];
/// let refused = check_memory("the resampled grid", size, 1, 4, Some(400_000_000));
/// assert!(matches!(refused, Err(Error::OutOfMemory { needed: 419_430_400, .. })));
/// ```
pub fn check_memory(
    what: &str,
    size: [usize; 3],
    channels: usize,
    width: usize,
    limit: Option<u64>,
) -> Result<()> {
    let factors = size.into_iter().chain([channels, width]);
    let needed = factors.fold(1u64, |all, n| all.saturating_mul(n as u64));
    let refused = |limit, by| Error::OutOfMemory {
        what: what.to_owned(),
        size,
        channels,
        needed,
        limit,
        by,
    };
    if let Some(limit) = limit.filter(|limit| needed > *limit) {
        return Err(refused(limit, MemoryLimit::Given));
    }
    if needed < WORTHWHILE {
        return Ok(());
    }
    let left = available_memory();
    if let Some(left) = left.filter(|left| needed > *left) {
        return Err(refused(left, MemoryLimit::Machine));
    }
    // Allocated and freed untouched: an allocation that is refused here would end the process later.
    let bytes = usize::try_from(needed).unwrap_or(usize::MAX);
    match Vec::<u8>::new().try_reserve_exact(bytes) {
        Ok(()) => Ok(()),
        Err(_) => Err(refused(left.unwrap_or(0), MemoryLimit::Machine)),
    }
}

/// Bytes that this process can still take: the least of what the machine has available, what its
/// container (cgroup) leaves and what its own address space (`ulimit -v`) leaves. `None` where the
/// system gives no number.
pub fn available_memory() -> Option<u64> {
    [machine(), container(), address_space()]
        .into_iter()
        .flatten()
        .min()
}

/// A number of kilobytes in a file of lines `NAME: 123 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let free = kilobytes(&text, "MemAvailable:")?;
    let swap = kilobytes(&text, "SwapFree:").unwrap_or(0);
    Some((free + swap) << 10)
}

/// What the control group leaves: version 2, then version 1. Pages of files are given back when needed.
fn container() -> Option<u64> {
    let number =
        |path: &str| -> Option<u64> { std::fs::read_to_string(path).ok()?.trim().parse().ok() };
    let left = |folder: &str, limit: &str, used: &str, files: &str| {
        let limit = number(&format!("{folder}/{limit}"))?;
        let used = number(&format!("{folder}/{used}"))?;
        let stat = std::fs::read_to_string(format!("{folder}/memory.stat")).unwrap_or_default();
        let files = stat.lines().find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            (name == files).then(|| value.parse::<u64>().ok())?
        });
        Some(limit.saturating_sub(used.saturating_sub(files.unwrap_or(0))))
    };
    left("/sys/fs/cgroup", "memory.max", "memory.current", "file").or_else(|| {
        let folder = "/sys/fs/cgroup/memory";
        left(
            folder,
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_cache",
        )
    })
}

fn address_space() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some(limit.saturating_sub(kilobytes(&status, "VmSize:")? << 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_or_the_machine_is_refused_with_its_numbers() {
        let given = check_memory("the resampled grid", [100, 100, 100], 2, 4, Some(7_999_999));
        let error = given.unwrap_err();
        assert!(
            matches!(
                error,
                Error::OutOfMemory {
                    needed: 8_000_000,
                    limit: 7_999_999,
                    by: MemoryLimit::Given,
                    ..
                }
            ),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("[100, 100, 100]")
                && text.contains("8000000")
                && text.contains("spacing"),
            "{text}"
        );
        assert_eq!(
            check_memory("a", [100, 100, 100], 2, 4, Some(8_000_000)),
            Ok(())
        );
        // More than any machine has, and more than 64 bits count.
        for size in [[1 << 18; 3], [usize::MAX; 3]] {
            let error = check_memory("a", size, 1, 4, None).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::OutOfMemory {
                        by: MemoryLimit::Machine,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_machine_says_what_it_has() {
        let there = available_memory().unwrap();
        assert!(there > 1 << 20, "{there}");
        assert!(check_memory("a", [1 << 10, 1 << 10, 64], 1, 1, None).is_ok());
    }
}
