//! Voxels grouped by what all raters say of them: there are far fewer different answers than voxels.

use crate::Target;
use crate::surface::Membership;
use std::collections::HashMap;
use vesalius_volume::{Label, LabelMap};

/// The raters' answers, one bit a rater, each once, and the answer of each voxel.
pub(super) struct Patterns {
    /// `answers[pattern][rater / 64]`, in the order in which they occur.
    pub answers: Vec<Vec<u64>>,
    /// How many voxels have each.
    pub voxels: Vec<u64>,
    /// The pattern of each voxel.
    pub of_voxel: Vec<u32>,
}

impl Patterns {
    pub fn of<T: Label>(raters: &[&LabelMap<T>], target: &Target) -> Self {
        let count = raters.first().map_or(0, |rater| rater.data().len());
        let words = raters.len().div_ceil(64);
        let member = Membership::new(&target.labels);
        let mut found = Self {
            answers: Vec::new(),
            voxels: Vec::new(),
            of_voxel: Vec::with_capacity(count),
        };
        let mut known: HashMap<Vec<u64>, u32> = HashMap::new();
        let mut last: (Vec<u64>, u32) = (Vec::new(), 0);
        const STRETCH: usize = 4096;
        let mut inside = vec![[0u8; STRETCH]; raters.len()];
        let mut answer = vec![0u64; words];
        for start in (0..count).step_by(STRETCH) {
            let length = STRETCH.min(count - start);
            for (rater, row) in raters.iter().zip(&mut inside) {
                member.mark(&rater.data()[start..start + length], &mut row[..length]);
            }
            for place in 0..length {
                answer.fill(0);
                for (rater, row) in inside.iter().enumerate() {
                    answer[rater / 64] |= u64::from(row[place]) << (rater % 64);
                }
                if answer != last.0 || found.answers.is_empty() {
                    let next = found.answers.len() as u32;
                    let pattern = *known.entry(answer.clone()).or_insert(next);
                    if pattern == next {
                        found.answers.push(answer.clone());
                        found.voxels.push(0);
                    }
                    last = (answer.clone(), pattern);
                }
                found.voxels[last.1 as usize] += 1;
                found.of_voxel.push(last.1);
            }
        }
        found
    }

    /// Whether a rater says that voxels of a pattern belong to the target.
    pub fn says(&self, pattern: usize, rater: usize) -> bool {
        self.answers[pattern][rater / 64] >> (rater % 64) & 1 == 1
    }
}
