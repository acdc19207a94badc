//! The least work that still covers a volume, for estimates and where time is short.

use crate::Inferer;

impl Inferer {
    /// The same windows side by side instead of overlapping, once instead of under several transforms or at several
    /// zooms. A user-defined inferer stays as it is.
    #[must_use]
    pub fn without_overlap(&self) -> Self {
        match self {
            Self::SlidingWindow(inferer) => {
                let mut inferer = inferer.clone();
                inferer.overlap = 0.0;
                inferer.axis_overlap = None;
                Self::SlidingWindow(inferer)
            }
            Self::Slice(inferer) => {
                let mut inferer = inferer.clone();
                inferer.overlap = 0.0;
                Self::Slice(inferer)
            }
            Self::Slices(inferer) => {
                let mut inferer = inferer.clone();
                inferer.overlap = 0.0;
                inferer.axes.truncate(1);
                Self::Slices(inferer)
            }
            Self::Patches(inferer) => {
                let mut inferer = inferer.clone();
                inferer.overlap = 0.0;
                Self::Patches(inferer)
            }
            Self::MultiScale(inferer) => inferer.inferer.without_overlap(),
            Self::TestTime(inferer) => inferer.inferer.without_overlap(),
            Self::Simple(_) | Self::Custom(_) => self.clone(),
        }
    }

    /// Passes of a window through the network over a volume of `size` voxels `[x, y, z]`, where the network halves
    /// its input to multiples of `divisor`. `None` for a user-defined inferer.
    pub fn window_count(&self, size: [usize; 3], divisor: [usize; 3]) -> Option<usize> {
        match self {
            Self::Custom(_) => None,
            known => Some(known.extent(size, divisor).windows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MultiScale, SlidingWindow, TestTime};

    #[test]
    fn windows_side_by_side_are_fewer_and_are_gone_through_once() {
        let windows = SlidingWindow {
            patch_size: [16, 16, 16],
            overlap: 0.5,
            ..SlidingWindow::default()
        };
        let overlapping = Inferer::TestTime(TestTime {
            inferer: Box::new(Inferer::MultiScale(MultiScale {
                scales: vec![1.0, 2.0],
                inferer: Box::new(Inferer::SlidingWindow(windows)),
            })),
            draws: 3,
            ..TestTime::default()
        });
        let size = [32, 32, 16];
        let coarse = overlapping.without_overlap();
        assert_eq!(coarse.window_count(size, [8; 3]), Some(4));
        let all = overlapping.window_count(size, [8; 3]).unwrap();
        assert!(all > 9, "{all}");
    }
}
