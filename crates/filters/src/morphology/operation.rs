//! The operations of masks by a structuring element, and how much work each one is.

use super::Border;
use super::bits::{BitMask, reach};
use super::element::Row;
use crate::work::Work;

/// An operation of one mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Dilate,
    Erode(Border),
    Open,
    Close,
}

impl Operation {
    /// Whether voxels of the background may become foreground.
    pub fn grows(self) -> bool {
        matches!(self, Self::Dilate | Self::Close)
    }

    /// The slices that [`Operation::apply`] counts for a mask of so many slices.
    pub fn slices(self, depth: usize, rows: &[Row]) -> usize {
        let padded = depth + 2 * reach(rows)[2];
        match self {
            Self::Dilate | Self::Erode(Border::Foreground) => depth,
            Self::Erode(Border::Background) => padded,
            Self::Open => 2 * depth,
            Self::Close => 2 * padded,
        }
    }

    /// The result for a mask, by an element of these rows; incomplete where the work is cancelled.
    pub fn apply(self, mask: &BitMask, rows: &[Row], work: &Work) -> BitMask {
        match self {
            Self::Dilate => mask.dilated(rows, work),
            Self::Erode(border) => mask.eroded(rows, border, work),
            Self::Open => {
                let eroded = mask.eroded(rows, Border::Foreground, work);
                eroded.dilated(rows, work)
            }
            Self::Close => {
                // The margin keeps the image's border out of the erosion.
                let margin = reach(rows);
                let dilated = mask.padded(margin).dilated(rows, work);
                let closed = dilated.eroded(rows, Border::Foreground, work);
                closed.cropped(margin, mask.size())
            }
        }
    }
}
