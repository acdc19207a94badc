//! Attention of every token to every token of its window, forward and backward, in one pass over
//! blocks of queries: the matrix of all scores is never kept (Dao et al. 2022, arXiv 2205.14135), only
//! the logarithm of each query's sum.

mod backward;
mod forward;
mod head;
#[cfg(test)]
mod tests;

pub use backward::{AttentionGradients, attention_backward};
pub use forward::attention_forward;

use crate::error::{Error, Result, check_length};

/// What is added to the score of two tokens of different regions.
const APART: f32 = -100.0;

/// The shape of an attention. Queries, keys and values are side by side, as one linear layer makes
/// them: `[windows, tokens, 3, heads, depth]`; the output is `[windows, tokens, heads, depth]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Windows of all samples; zero is allowed.
    pub windows: usize,
    /// Tokens of a window, which see each other.
    pub tokens: usize,
    /// Independent heads.
    pub heads: usize,
    /// Numbers of a query of one head.
    pub depth: usize,
}

/// Which tokens of a shifted window are no neighbours (Liu et al. 2021): those of different regions
/// have 100 taken from their score.
#[derive(Debug, Clone, Copy)]
pub struct WindowMask<'a> {
    /// The region of each token of each window of a sample, `[windows of a sample, tokens]`.
    pub regions: &'a [u32],
}

impl AttentionShape {
    /// Values of an output.
    pub fn output_len(&self) -> usize {
        self.windows * self.tokens * self.width()
    }

    /// Values of queries, keys and values together.
    pub fn input_len(&self) -> usize {
        3 * self.output_len()
    }

    /// Sums that the backward pass needs: one a window, head and query.
    pub fn sums_len(&self) -> usize {
        self.windows * self.heads * self.tokens
    }

    /// Values of a bias, `[heads, keys, queries]`.
    pub fn bias_len(&self) -> usize {
        self.heads * self.tokens * self.tokens
    }

    fn width(&self) -> usize {
        self.heads * self.depth
    }

    fn check(&self, input: &[f32], bias: Option<&[f32]>, mask: Option<WindowMask>) -> Result<()> {
        for (what, value) in [
            ("depth", self.depth),
            ("tokens", self.tokens),
            ("heads", self.heads),
        ] {
            if value == 0 {
                return Err(Error::Zero { what });
            }
        }
        check_length("input", input, self.input_len())?;
        if let Some(bias) = bias {
            check_length("bias", bias, self.bias_len())?;
        }
        let Some(mask) = mask else {
            return Ok(());
        };
        let each = self.windows * self.tokens;
        let fits = !mask.regions.is_empty()
            && mask.regions.len().is_multiple_of(self.tokens)
            && each.is_multiple_of(mask.regions.len());
        if fits || each == 0 {
            return Ok(());
        }
        Err(Error::WrongLength {
            what: "regions",
            expected: each,
            found: mask.regions.len(),
        })
    }
}

impl<'a> WindowMask<'a> {
    /// The regions of a window's tokens.
    fn of(&self, window: usize, tokens: usize) -> &'a [u32] {
        let count = self.regions.len() / tokens;
        &self.regions[window % count * tokens..][..tokens]
    }
}
