//! The machine in words, for reports.

use vesalius_tensor::processor_name;

/// Processor, threads, system, memory.
pub(crate) fn describe() -> Vec<(String, String)> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut facts = vec![
        (
            "processor".to_owned(),
            processor_name().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        ),
        ("threads".to_owned(), threads.to_string()),
        (
            "system".to_owned(),
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
    ];
    if let Some(bytes) = vesalius_training::total_memory() {
        facts.push(("memory".to_owned(), gibibytes(bytes)));
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
    fn the_machine_has_a_processor_and_memory() {
        let facts = describe();
        for wanted in ["processor", "memory"] {
            let found = facts.iter().find(|(name, _)| name == wanted);
            assert!(found.is_some_and(|(_, fact)| !fact.is_empty()), "{wanted}");
        }
        assert_eq!(gibibytes(3 << 29), "1.5 GiB");
    }
}
