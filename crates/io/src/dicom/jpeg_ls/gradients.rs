//! Levels of gradients, which together name a context.

use super::header::Parameters;

/// Gradients of 16 bits and their sign.
const COUNT: usize = 1 << 17;

/// The level of every gradient, from -4 to 4; negative gradients are at the end, where their lowest bits lead.
pub(super) struct Levels(Box<[i8; COUNT]>);

impl Levels {
    pub fn new(p: &Parameters) -> Self {
        let mut levels = vec![0; COUNT];
        let end = p.largest as usize + 1;
        let [t1, t2, t3] = p.thresholds;
        for (level, from) in [(1, p.near + 1), (2, t1), (3, t2), (4, t3)] {
            let from = (from as usize).min(end);
            levels[from..end].fill(level);
            levels[COUNT + 1 - end..COUNT + 1 - from].fill(-level);
        }
        // There are as many.
        Self(levels.try_into().unwrap_or_else(|_| Box::new([0; COUNT])))
    }

    #[inline(always)]
    pub fn of(&self, gradient: i32) -> i32 {
        i32::from(self.0[gradient as usize % COUNT])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_grow_with_the_gradient_and_change_their_sign_with_it() {
        for (largest, near, thresholds) in [
            (65535, 0, [18, 67, 276]),
            (255, 2, [9, 17, 35]),
            (3, 0, [1, 2, 3]),
            (1, 0, [1, 1, 1]),
            (100, 50, [51, 100, 100]),
        ] {
            let p = Parameters {
                width: 1,
                height: 1,
                largest,
                near,
                thresholds,
                reset: 64,
            };
            let levels = Levels::new(&p);
            for gradient in 0..=largest {
                let passed = [near + 1, thresholds[0], thresholds[1], thresholds[2]];
                let meant = passed.iter().filter(|&&from| gradient >= from).count() as i32;
                assert_eq!(levels.of(gradient), meant, "{gradient} of {largest}");
                assert_eq!(levels.of(-gradient), -meant, "-{gradient} of {largest}");
            }
        }
    }
}
