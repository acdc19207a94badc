//! When a series is complete. It cannot be known: this decides by a quiet time, by the count that a PACS tells, and by the
//! geometry of the slices. Pure logic: the caller gives the time.

mod gap;
mod missing;

pub use missing::Missing;

use crate::data_set::{Frame, InstanceHeader};
use gap::gap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// By what a series counts as complete.
///
/// ```
/// use vesalius_pacs::CompletenessRule;
///
/// let rule: CompletenessRule = serde_json::from_str(r#"{"quiet_seconds": 10.0}"#)?;
/// assert_eq!(rule.quiet_seconds, 10.0);
/// assert!(serde_json::from_str::<CompletenessRule>(r#"{"quiet": 10}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompletenessRule {
    /// Seconds without a new object, over all associations, after which nothing more is expected. Default 5.
    pub quiet_seconds: f64,
    /// Seconds after the last object in which a series with a hole, or with fewer objects than the PACS has, may still be
    /// completed. Default 300.
    pub incomplete_seconds: f64,
    /// Whether slices must be evenly spaced. Default true; false for scanners that leave gaps on purpose.
    pub even_slices: bool,
}

impl Default for CompletenessRule {
    fn default() -> Self {
        Self {
            quiet_seconds: 5.0,
            incomplete_seconds: 300.0,
            even_slices: true,
        }
    }
}

/// What an object was to a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// A new object.
    New,
    /// A new object after the series was taken: it is to be processed again.
    Late,
    /// The same object as before; nothing is to be done.
    Again,
    /// Another object under an identifier that the series has; the first one counts.
    Conflict,
}

/// Whether a series is complete.
#[derive(Debug, Clone, PartialEq)]
pub enum Completeness {
    /// More may come: to be asked again at this time at the latest.
    Waiting(Duration),
    /// Nothing speaks against it.
    Complete,
    /// It has been quiet for long, and something is missing: it can be processed only with a remark.
    Incomplete(Missing),
    /// It was taken, and nothing new came.
    Taken,
}

/// The objects of one series that came so far. Times count from a moment that the caller chooses.
///
/// ```
/// use std::time::Duration;
/// use vesalius_pacs::{Arrival, Completeness, CompletenessRule, SeriesArrivals};
///
/// let mut series = SeriesArrivals::default();
/// let rule = CompletenessRule { quiet_seconds: 5.0, ..CompletenessRule::default() };
/// assert_eq!(series.add("1.2.1", [0; 32], None, Duration::from_secs(10)), Arrival::New);
/// assert_eq!(series.add("1.2.1", [0; 32], None, Duration::from_secs(11)), Arrival::Again);
/// assert_eq!(series.completeness(&rule, Duration::from_secs(12)), Completeness::Waiting(Duration::from_secs(15)));
/// assert_eq!(series.completeness(&rule, Duration::from_secs(15)), Completeness::Complete);
/// series.take();
/// assert_eq!(series.add("1.2.2", [1; 32], None, Duration::from_secs(60)), Arrival::Late);
/// ```
#[derive(Debug, Clone, Default)]
pub struct SeriesArrivals {
    objects: BTreeMap<String, Object>,
    last: Duration,
    expected: Option<usize>,
    /// How many objects there were when the series was taken.
    taken: Option<usize>,
}

#[derive(Debug, Clone)]
struct Object {
    hash: [u8; 32],
    frame: Option<Frame>,
}

impl SeriesArrivals {
    /// Adds an object: its identifier, the hash of its data set
    /// ([`ReceivedInstance::hash`](crate::ReceivedInstance::hash)), and where its slice is.
    pub fn add(
        &mut self,
        instance: &str,
        hash: [u8; 32],
        frame: Option<Frame>,
        now: Duration,
    ) -> Arrival {
        if let Some(known) = self.objects.get(instance) {
            return match known.hash == hash {
                true => Arrival::Again,
                false => Arrival::Conflict,
            };
        }
        self.objects
            .insert(instance.to_owned(), Object { hash, frame });
        self.last = self.last.max(now);
        match self.taken {
            Some(_) => Arrival::Late,
            None => Arrival::New,
        }
    }

    /// Adds an object by its header.
    pub fn add_header(
        &mut self,
        header: &InstanceHeader,
        hash: [u8; 32],
        now: Duration,
    ) -> Arrival {
        self.add(&header.instance, hash, header.frame, now)
    }

    /// Tells how many objects the PACS has, from [`Client::series_count`](crate::Client::series_count).
    pub fn expect(&mut self, count: Option<usize>) {
        self.expected = count;
    }

    /// How many objects came.
    pub fn count(&self) -> usize {
        self.objects.len()
    }

    /// The series is being processed.
    pub fn take(&mut self) {
        self.taken = Some(self.objects.len());
    }

    /// A number for the set of objects: the same for the same study that is sent again, whatever the order.
    pub fn fingerprint(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for instance in self.objects.keys() {
            hash.update(instance.as_bytes());
            hash.update(b"\n");
        }
        hash.finalize().to_hex().to_string()
    }

    /// Whether the series is complete at a time.
    pub fn completeness(&self, rule: &CompletenessRule, now: Duration) -> Completeness {
        if self.taken == Some(self.objects.len()) {
            return Completeness::Taken;
        }
        let missing = self.missing(rule);
        let counted = self
            .expected
            .is_some_and(|count| self.objects.len() >= count);
        let quiet = self.last + seconds(rule.quiet_seconds);
        let given_up = self.last + seconds(rule.incomplete_seconds.max(rule.quiet_seconds));
        match missing {
            // All that the PACS has are here: there is nothing to wait for.
            None if counted => Completeness::Complete,
            None if now >= quiet => Completeness::Complete,
            None => Completeness::Waiting(quiet),
            Some(missing) if now >= given_up => Completeness::Incomplete(missing),
            Some(_) => Completeness::Waiting(given_up),
        }
    }

    /// What the series lacks, as far as it can be seen.
    pub fn missing(&self, rule: &CompletenessRule) -> Option<Missing> {
        let found = self.objects.len();
        match self.expected {
            Some(expected) if expected > found => Some(Missing::Objects { found, expected }),
            // The PACS has all of them: the gap is the scanner's.
            Some(_) => None,
            None if rule.even_slices => gap(self.objects.values().map(|one| one.frame)),
            None => None,
        }
    }
}

/// Seconds of a config, which may be any number.
fn seconds(seconds: f64) -> Duration {
    let longest = Duration::from_secs(365 * 86_400);
    let seconds = if seconds.is_nan() {
        0.0
    } else {
        seconds.max(0.0)
    };
    Duration::try_from_secs_f64(seconds).map_or(longest, |time| time.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: CompletenessRule = CompletenessRule {
        quiet_seconds: 5.0,
        incomplete_seconds: 60.0,
        even_slices: true,
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn slice(z: f64) -> Option<Frame> {
        Some(Frame {
            position: [1.0, 2.0, z],
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        })
    }

    fn stack(places: &[f64]) -> SeriesArrivals {
        let mut series = SeriesArrivals::default();
        for (k, &z) in places.iter().enumerate() {
            series.add(&format!("1.{k}"), [k as u8; 32], slice(z), at(0));
        }
        series
    }

    #[test]
    fn the_quiet_time_counts_from_the_last_object_of_any_association() {
        let mut series = stack(&[0.0, 2.0]);
        assert_eq!(
            series.completeness(&RULE, at(4)),
            Completeness::Waiting(at(5))
        );
        series.add("1.9", [9; 32], slice(4.0), at(4));
        assert_eq!(
            series.completeness(&RULE, at(8)),
            Completeness::Waiting(at(9))
        );
        assert_eq!(series.completeness(&RULE, at(9)), Completeness::Complete);
        // The same object again does not make it wait.
        assert_eq!(
            series.add("1.9", [9; 32], slice(4.0), at(8)),
            Arrival::Again
        );
        assert_eq!(
            series.add("1.9", [8; 32], slice(4.0), at(8)),
            Arrival::Conflict
        );
        assert_eq!(series.completeness(&RULE, at(9)), Completeness::Complete);
    }

    #[test]
    fn a_count_of_the_pacs_ends_the_wait_or_prolongs_it() {
        let mut series = stack(&[0.0, 2.0]);
        series.expect(Some(2));
        assert_eq!(series.completeness(&RULE, at(0)), Completeness::Complete);
        series.expect(Some(3));
        assert_eq!(
            series.completeness(&RULE, at(30)),
            Completeness::Waiting(at(60))
        );
        let missing = Missing::Objects {
            found: 2,
            expected: 3,
        };
        assert_eq!(
            series.completeness(&RULE, at(60)),
            Completeness::Incomplete(missing)
        );
    }

    #[test]
    fn a_hole_in_the_stack_is_waited_for_and_then_told() {
        let series = stack(&[0.0, 2.0, 6.0, 8.0, 10.0]);
        assert_eq!(
            series.completeness(&RULE, at(10)),
            Completeness::Waiting(at(60))
        );
        let Completeness::Incomplete(missing) = series.completeness(&RULE, at(60)) else {
            panic!("a slice is missing");
        };
        assert!(missing.to_string().contains("4.00 mm apart"), "{missing}");
        let uneven = CompletenessRule {
            even_slices: false,
            ..RULE
        };
        assert_eq!(series.completeness(&uneven, at(10)), Completeness::Complete);
        // Two echoes at each place, and an oblique stack of any order, have no hole.
        assert_eq!(
            stack(&[4.0, 0.0, 0.0, 2.0, 2.0, 4.0, 6.0]).missing(&RULE),
            None
        );
    }

    #[test]
    fn late_slices_are_told_and_make_the_series_complete_again_later() {
        let mut series = stack(&[0.0, 2.0, 4.0]);
        let before = series.fingerprint();
        series.take();
        assert_eq!(series.completeness(&RULE, at(100)), Completeness::Taken);
        assert_eq!(
            series.add("1.9", [9; 32], slice(6.0), at(100)),
            Arrival::Late
        );
        assert_eq!(
            series.completeness(&RULE, at(101)),
            Completeness::Waiting(at(105))
        );
        assert_eq!(series.completeness(&RULE, at(105)), Completeness::Complete);
        assert_ne!(series.fingerprint(), before);
        assert_eq!(
            stack(&[0.0, 2.0, 4.0]).fingerprint(),
            before,
            "the same study sent again"
        );
    }

    #[test]
    fn numbers_of_a_config_that_are_none_do_not_panic() {
        for bad in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let rule = CompletenessRule {
                quiet_seconds: bad,
                incomplete_seconds: bad,
                even_slices: true,
            };
            let _ = stack(&[f64::NAN, f64::INFINITY, 0.0]).completeness(&rule, at(1));
        }
    }
}
