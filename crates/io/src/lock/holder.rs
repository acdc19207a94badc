//! The process that holds the lock of a folder. It is written into the lock file, and read by a process that finds
//! the folder locked.

use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// The most characters of a command line that are kept.
const LONGEST_COMMAND: usize = 300;

/// A process that holds a [`crate::FolderLock`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// The name of the machine on which it runs.
    pub host: String,
    /// Its process id on that machine.
    pub process: u32,
    /// Its command line, cut after 300 characters.
    pub command: String,
    /// The time at which it locked the folder, in UTC: `2026-11-29T13:45:06Z`.
    pub since: String,
    /// Whether other processes may hold the folder at the same time.
    #[serde(default)]
    pub access: LockAccess,
}

/// Whether one process alone may hold a folder, or several at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockAccess {
    /// No other process may hold the folder.
    #[default]
    Exclusive,
    /// Other processes may hold the folder as well, if their access is shared too.
    Shared,
}

impl LockHolder {
    /// This process, as the holder from now on.
    pub(super) fn this(access: LockAccess) -> Self {
        let command: Vec<String> = std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        Self {
            host: host(),
            process: std::process::id(),
            command: command.join(" ").chars().take(LONGEST_COMMAND).collect(),
            since: utc(SystemTime::now()),
            access,
        }
    }

    /// Whether the holder is the calling process.
    pub fn is_this_process(&self) -> bool {
        self.process == std::process::id() && self.host == host()
    }

    /// Whether the process may still run. For another machine that cannot be known, so it may.
    pub(super) fn may_live(&self) -> bool {
        self.host != host() || process_may_live(self.process)
    }
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            host,
            process,
            command,
            since,
            ..
        } = self;
        write!(f, "process {process} on {host} since {since} (`{command}`)")
    }
}

/// Whether a process of this machine may still run. Without `/proc` that cannot be known, so it may.
pub(crate) fn process_may_live(process: u32) -> bool {
    let processes = std::path::Path::new("/proc");
    !processes.join("self").exists() || processes.join(process.to_string()).exists()
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let of_kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let of_system = || ["COMPUTERNAME", "HOSTNAME"].map(std::env::var).into_iter();
    of_kernel
        .map(|name| name.trim().to_owned())
        .or_else(|| of_system().find_map(Result::ok))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown host".to_owned())
}

/// A time in UTC: `2026-11-29T13:45:06Z`. A time before 1970 becomes 1970.
fn utc(moment: SystemTime) -> String {
    let seconds = moment
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let [year, month, day] = date(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The year, month and day that are a number of days after 1970-01-01 in the Gregorian calendar. The calculation
/// begins years in March, so that the leap day is the last day of a year (`civil_from_days` in Howard Hinnant's
/// "chrono-Compatible Low-Level Date Algorithms").
fn date(days: u64) -> [u64; 3] {
    const DAYS_TO_1970: u64 = 719_468;
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days + DAYS_TO_1970;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    [era * 400 + year + u64::from(month <= 2), month, day]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn moments_are_written_as_the_calendar_has_them() {
        // From `date -u -d @SECONDS +%FT%TZ`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_795_953_906, "2026-11-29T12:05:06Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_process_is_known_to_live_or_to_have_ended() {
        let this = LockHolder::this(LockAccess::Exclusive);
        assert!(this.may_live() && this.is_this_process());
        assert_eq!(this.process, std::process::id());
        let elsewhere = LockHolder {
            host: "another-host".to_owned(),
            ..this.clone()
        };
        assert!(elsewhere.may_live() && !elsewhere.is_this_process());
        if cfg!(target_os = "linux") {
            // Above the largest id that Linux gives.
            let ended = LockHolder {
                process: 4_194_305,
                ..this
            };
            assert!(!ended.may_live());
        }
    }
}
