//! How far simplified contours differ from the labels.

/// A structure whose contours were simplified.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Simplified {
    /// ROINumber.
    pub number: u32,
    /// The Dice coefficient of the labels and of what a reader finds that takes the pixels whose centres lie inside; 1 for
    /// a structure without a voxel.
    pub dice: f64,
    /// How many corners the contours have.
    pub points: usize,
    /// How many they had.
    pub points_before: usize,
}

/// The pixels of a structure before and after its contours were simplified.
#[derive(Debug, Default)]
pub(super) struct Change {
    before: u64,
    after: u64,
    both: u64,
    pub points: usize,
    pub points_before: usize,
}

impl Change {
    pub fn add(&mut self, before: &[bool], after: &[bool]) {
        for (&before, &after) in before.iter().zip(after) {
            self.before += u64::from(before);
            self.after += u64::from(after);
            self.both += u64::from(before && after);
        }
    }

    pub fn of(&self, number: u32) -> Simplified {
        let all = self.before + self.after;
        Simplified {
            number,
            dice: match all {
                0 => 1.0,
                all => 2.0 * self.both as f64 / all as f64,
            },
            points: self.points,
            points_before: self.points_before,
        }
    }
}
