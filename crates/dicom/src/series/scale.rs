//! Values as integers of 16 bits with a slope and an intercept: exactly where that is possible, else as finely as 16 bits
//! allow.

use crate::set::decimal;
use crate::{Error, Result};
use vesalius_io::{FileVoxel, Scaling};
use vesalius_volume::Voxel;

/// How values are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Storage {
    pub slope: f64,
    pub intercept: f64,
    pub signed: bool,
    /// Smallest and largest value.
    pub range: [f64; 2],
    /// The largest difference between a value and what is read back.
    pub largest_error: f64,
}

/// Candidates that may hold all values exactly are tried in turn.
pub(crate) struct Rules {
    /// The source's scaling.
    pub source: Option<Scaling>,
    /// What stands for values that are not finite.
    pub not_finite: Option<f64>,
    /// Whether an intercept may be used, which a PET image must not have.
    pub intercept: bool,
}

impl Rules {
    pub fn value<T: FileVoxel>(&self, value: T) -> f64 {
        let value = value.to_f64();
        match value.is_finite() {
            true => value,
            false => self.not_finite.unwrap_or(0.0),
        }
    }

    /// # Errors
    /// [`Error::NotFinite`] where no value stands for such voxels, [`Error::Range`].
    pub fn storage<T: FileVoxel + Voxel>(&self, values: &[T]) -> Result<Storage> {
        let count = values.iter().filter(|v| !v.to_f64().is_finite()).count();
        if count > 0 && self.not_finite.is_none_or(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                count,
                of: values.len(),
            });
        }
        let ends = values
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &v| {
                let v = self.value(v);
                [low.min(v), high.max(v)]
            });
        let [low, high] = if values.is_empty() { [0.0; 2] } else { ends };
        let refuse = Error::Range {
            smallest: low,
            largest: high,
        };
        let mut candidates = vec![(1.0, 0.0)];
        if self.intercept {
            candidates.push((1.0, low.floor()));
        }
        let source = self
            .source
            .map(|scaling| (scaling.slope, scaling.intercept));
        candidates.extend(source.filter(|&(_, intercept)| self.intercept || intercept == 0.0));
        for (slope, intercept) in candidates {
            let storage = Storage::new(slope, intercept, [low, high], 0.0);
            if let Some(storage) = storage.filter(|s| self.error(s, values, Some(0.0)).is_some()) {
                return Ok(storage);
            }
        }
        let mut storage = self.finest([low, high]).ok_or(refuse)?;
        storage.largest_error = self.error(&storage, values, None).unwrap_or(0.0);
        Ok(storage)
    }

    /// The finest steps that reach from the smallest to the largest value.
    fn finest(&self, [low, high]: [f64; 2]) -> Option<Storage> {
        let intercept = match self.intercept {
            true => written(low),
            false => 0.0,
        };
        let least = match self.intercept || low >= 0.0 {
            true => (high - intercept) / 65_535.0,
            false => (high / 32_767.0).max(low / -32_768.0),
        };
        if !least.is_finite() || !intercept.is_finite() {
            return None;
        }
        // One value alone is its intercept; the written slope must not be too small by its rounding.
        let mut slope = if least > 0.0 { written(least) } else { 1.0 };
        for _ in 0..4 {
            if let Some(storage) = Storage::new(slope, intercept, [low, high], 0.0) {
                return Some(storage);
            }
            slope = written(slope * (1.0 + 1e-9));
        }
        None
    }

    /// The largest error of reading the values back; none where it is more than `limit`.
    fn error<T: FileVoxel>(
        &self,
        storage: &Storage,
        values: &[T],
        limit: Option<f64>,
    ) -> Option<f64> {
        let mut largest = 0.0f64;
        for &value in values {
            let value = self.value(value);
            let back = f64::from(storage.stored(value)) * storage.slope + storage.intercept;
            // A reader of single precision finds the same number.
            let same = T::from_f64(back).is_some_and(|back| back.to_f64() == value);
            let error = if same { 0.0 } else { (back - value).abs() };
            largest = largest.max(error);
            if limit.is_some_and(|limit| largest > limit) {
                return None;
            }
        }
        Some(largest)
    }
}

/// A number as it is read from its text of 16 characters.
fn written(value: f64) -> f64 {
    decimal(value).parse().unwrap_or(value)
}

impl Storage {
    /// None where the stored values have more than 16 bits.
    fn new(slope: f64, intercept: f64, range: [f64; 2], largest_error: f64) -> Option<Self> {
        if slope == 0.0 || !slope.is_finite() || !intercept.is_finite() {
            return None;
        }
        // What is not written with 16 characters would be read as another number.
        if written(slope) != slope || written(intercept) != intercept {
            return None;
        }
        let [a, b] = range.map(|value| ((value - intercept) / slope).round());
        let (low, high) = (a.min(b), a.max(b));
        let signed = low < 0.0;
        let fits = match signed {
            true => low >= -32_768.0 && high <= 32_767.0,
            false => high <= 65_535.0,
        };
        let storage = Self {
            slope,
            intercept,
            signed,
            range,
            largest_error,
        };
        fits.then_some(storage)
    }

    /// The integer for a value.
    pub fn stored(&self, value: f64) -> i32 {
        let stored = ((value - self.intercept) / self.slope).round();
        let [low, high] = if self.signed {
            [-32_768.0, 32_767.0]
        } else {
            [0.0, 65_535.0]
        };
        stored.clamp(low, high) as i32
    }

    pub fn is_plain(&self) -> bool {
        self.slope == 1.0 && self.intercept == 0.0
    }

    /// Centre and width of a window over all values.
    pub fn window(&self) -> [f64; 2] {
        let [low, high] = self.range;
        [
            (low + high) / 2.0,
            (high - low).max(self.slope.abs()).max(1e-6),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            source: None,
            not_finite: None,
            intercept: true,
        }
    }

    #[test]
    fn whole_numbers_are_stored_as_they_are() {
        let storage = rules().storage(&[-1024i16, 3071]).unwrap();
        assert_eq!(
            (storage.slope, storage.intercept, storage.signed),
            (1.0, 0.0, true)
        );
        let storage = rules().storage(&[0.0f32, 65_535.0]).unwrap();
        assert!(storage.is_plain() && !storage.signed);
        // Too many for signed 16 bits: from the smallest on.
        let storage = rules().storage(&[-1000.0f32, 60_000.0]).unwrap();
        assert_eq!(
            (storage.slope, storage.intercept, storage.largest_error),
            (1.0, -1000.0, 0.0)
        );
        assert_eq!(storage.stored(-1000.0), 0);
    }

    #[test]
    fn floats_keep_16_bits_and_the_error_is_told() {
        let values: Vec<f32> = (0..10_000)
            .map(|i| (i as f32 * 0.37).sin() * 3.1 - 0.4)
            .collect();
        let storage = rules().storage(&values).unwrap();
        let [low, high] = storage.range;
        let largest = values.iter().map(|&v| {
            (f64::from(storage.stored(v.into())) * storage.slope + storage.intercept - f64::from(v))
                .abs()
        });
        let largest = largest.fold(0.0, f64::max);
        assert!((largest - storage.largest_error).abs() < 1e-12 && largest > 0.0);
        assert!(largest <= (high - low) / 65_535.0 * 0.5001, "{largest}");
    }

    #[test]
    fn the_sources_scaling_is_used_where_it_is_exact() {
        let source = Scaling {
            slope: 0.1,
            intercept: -5.0,
        };
        let values: Vec<f32> = (0..500)
            .map(|i| (f64::from(i) * 0.1 - 5.0) as f32)
            .collect();
        let with = Rules {
            source: Some(source),
            ..rules()
        };
        let storage = with.storage(&values).unwrap();
        assert_eq!(
            (storage.slope, storage.intercept, storage.largest_error),
            (0.1, -5.0, 0.0)
        );
        assert!(rules().storage(&values).unwrap().largest_error > 0.0);
    }

    #[test]
    fn voxels_that_are_not_finite_are_counted_or_replaced() {
        let values = [1.0f32, f32::NAN, f32::INFINITY, 3.0];
        let message = rules().storage(&values).unwrap_err().to_string();
        assert!(message.contains("2 of 4"), "{message}");
        let with = Rules {
            not_finite: Some(-1.0),
            ..rules()
        };
        let storage = with.storage(&values).unwrap();
        assert_eq!(storage.range, [-1.0, 3.0]);
        assert_eq!(storage.stored(with.value(f32::NAN)), -1);
    }

    #[test]
    fn one_value_tiny_values_and_huge_values_are_held() {
        for values in [
            vec![0.3f64; 4],
            vec![1e-30, 3e-30],
            vec![-1e30, 1e30],
            vec![-0.1, 0.7],
        ] {
            for intercept in [true, false] {
                let storage = Rules {
                    intercept,
                    ..rules()
                }
                .storage(&values)
                .unwrap();
                let steps = if intercept { 65_535.0 } else { 32_767.0 };
                let span = values.iter().fold(0.0f64, |a, v| a.max(v.abs())) * 2.0;
                assert!(
                    storage.largest_error <= span / steps,
                    "{values:?}: {storage:?}"
                );
                assert!(intercept || storage.intercept == 0.0);
            }
        }
        assert!(rules().storage(&[f64::MIN, f64::MAX]).is_err());
    }
}
