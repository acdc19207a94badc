//! What the codes of an architecture say: the paths of each block, and what is done on them.

use super::DiNTSConfig;

/// The most depths, whose sizes are 1/2 to 1/64 then.
const MOST_DEPTHS: usize = 6;

/// A path from one block to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path {
    /// Its number among the block's.
    pub number: usize,
    /// Depths, 0 the finest.
    pub from: usize,
    pub to: usize,
    pub operation: Operation,
}

/// How a path changes the resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Doubled,
    Kept,
    Halved,
}

/// What a path does at its own resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Nothing,
    /// A convolution of 3 along each axis.
    Whole,
    /// A convolution of 3 along two axes, then one of 3 along this one: 0 is x.
    Parted(usize),
}

impl Path {
    pub fn change(&self) -> Change {
        match self.from.cmp(&self.to) {
            std::cmp::Ordering::Greater => Change::Doubled,
            std::cmp::Ordering::Equal => Change::Kept,
            std::cmp::Ordering::Less => Change::Halved,
        }
    }
}

impl Operation {
    fn of(code: u8, spatial_dims: usize) -> Option<Self> {
        match (code, spatial_dims) {
            (0, _) => Some(Self::Nothing),
            (1, _) => Some(Self::Whole),
            // MONAI's 3×3×1, 3×1×3, 1×3×3 are along a tensor's axes z, y, x.
            (2..=4, 3) => Some(Self::Parted(usize::from(code) - 2)),
            _ => None,
        }
    }

    /// The sizes of a parted convolution's two kernels.
    pub fn kernels(axis: usize) -> [[usize; 3]; 2] {
        let one =
            |odd: usize, even: usize| std::array::from_fn(|a| if a == axis { odd } else { even });
        [one(1, 3), one(3, 1)]
    }
}

impl DiNTSConfig {
    /// The paths of a block that are there, in their order.
    pub(crate) fn paths(&self, block: usize) -> Vec<Path> {
        let codes = self.arch_code_a[block].iter().zip(&self.arch_code_c[block]);
        let there = codes.enumerate().filter(|(_, (there, _))| **there == 1);
        let path = |(number, (_, operation)): (usize, (&u8, &u8))| {
            Some(Path {
                number,
                from: (number + 1) / 3 + (number + 1) % 3 - 1,
                to: (number + 1) / 3,
                operation: Operation::of(*operation, self.spatial_dims)?,
            })
        };
        there.filter_map(path).collect()
    }

    /// Whether a depth of the image (0) or of a block (from 1) is used.
    pub(crate) fn is_used(&self, row: usize, depth: usize) -> bool {
        self.node_a.get(row).is_none_or(|row| row[depth] != 0)
    }

    /// The lowest resolution whose result is used.
    pub(crate) fn deepest(&self) -> Option<usize> {
        (0..self.num_depths)
            .rev()
            .find(|&depth| self.is_used(self.num_blocks, depth))
    }

    /// Checks that the codes belong to the numbers of blocks and depths, and that every path begins where one ends.
    pub(super) fn check_codes(&self) -> Result<(), String> {
        if !(1..=MOST_DEPTHS).contains(&self.num_depths) || !(1..=64).contains(&self.num_blocks) {
            return Err(format!(
                "`num_depths` needs 1 to {MOST_DEPTHS} and `num_blocks` 1 to 64, not {} and {}",
                self.num_depths, self.num_blocks
            ));
        }
        if !(self.channel_mul.is_finite() && (0.0..=64.0).contains(&self.channel_mul)) {
            return Err(format!(
                "`channel_mul` must be from 0 to 64, not {}",
                self.channel_mul
            ));
        }
        let paths = 3 * self.num_depths - 2;
        let operations = if self.spatial_dims == 2 { 2 } else { 5 };
        let blocks = self.num_blocks;
        check_code("arch_code_a", &self.arch_code_a, [blocks, paths], 2)?;
        check_code(
            "arch_code_c",
            &self.arch_code_c,
            [blocks, paths],
            operations,
        )?;
        if !self.node_a.is_empty() {
            let shape = [blocks + 1, self.num_depths];
            check_code("node_a", &self.node_a, shape, 2)?;
        }
        self.check_connections()
    }

    fn check_connections(&self) -> Result<(), String> {
        let mut reached = vec![true; self.num_depths];
        for block in 0..self.num_blocks {
            let paths = self.paths(block);
            if let Some(path) = paths.iter().find(|path| !reached[path.from]) {
                return Err(format!(
                    "path {} of block {block} of `arch_code_a` begins at depth {}, at which no path of the block before ends",
                    path.number, path.from
                ));
            }
            reached = vec![false; self.num_depths];
            paths.iter().for_each(|path| reached[path.to] = true);
        }
        match self.deepest() {
            None => Err("the last row of `node_a` uses no depth".to_owned()),
            Some(depth) if !reached[depth] => Err(format!(
                "the last row of `node_a` uses depth {depth}, at which no path of `arch_code_a` ends"
            )),
            Some(_) => Ok(()),
        }
    }
}

fn check_code(
    key: &str,
    code: &[Vec<u8>],
    [rows, columns]: [usize; 2],
    below: u8,
) -> Result<(), String> {
    if code.len() != rows || code.iter().any(|row| row.len() != columns) {
        let lengths = code.first().map_or(0, Vec::len);
        return Err(format!(
            "`{key}` needs {rows} rows of {columns} numbers, not {} of {lengths}",
            code.len()
        ));
    }
    match code.iter().flatten().find(|number| **number >= below) {
        Some(number) => Err(format!(
            "`{key}` has {number}; numbers below {below} are known"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, NetworkConfig};

    #[test]
    fn paths_lead_between_neighbouring_depths() {
        let config = DiNTSConfig {
            num_depths: 4,
            num_blocks: 1,
            arch_code_a: vec![vec![1; 10]],
            arch_code_c: vec![vec![0; 10]],
            ..DiNTSConfig::default()
        };
        let paths = config.paths(0);
        let from: Vec<usize> = paths.iter().map(|path| path.from).collect();
        let to: Vec<usize> = paths.iter().map(|path| path.to).collect();
        assert_eq!(from, [0, 1, 0, 1, 2, 1, 2, 3, 2, 3]);
        assert_eq!(to, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]);
        assert_eq!(paths[1].change(), Change::Doubled);
        assert_eq!(paths[2].change(), Change::Halved);
        assert_eq!(Operation::of(2, 3), Some(Operation::Parted(0)));
        assert_eq!(Operation::kernels(2), [[3, 3, 1], [1, 1, 3]]);
        assert_eq!(Operation::kernels(0), [[1, 3, 3], [3, 1, 1]]);
    }

    #[test]
    fn codes_that_are_of_no_architecture_are_named() {
        let refused = |change: fn(&mut DiNTSConfig), words: &str| {
            let mut config = DiNTSConfig::default();
            config.check().unwrap();
            change(&mut config);
            let refused = config.check().unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        };
        refused(|c| c.num_depths = 7, "num_depths");
        refused(|c| c.num_blocks = 5, "`arch_code_a` needs 5 rows of 7");
        refused(|c| c.arch_code_c[0][3] = 5, "`arch_code_c` has 5");
        refused(|c| c.arch_code_a[2][3] = 2, "`arch_code_a` has 2");
        refused(|c| c.node_a = vec![vec![1; 3]; 6], "`node_a` needs 7 rows");
        refused(|c| c.node_a = vec![vec![0; 3]; 7], "uses no depth");
        refused(
            |c| c.arch_code_a[0] = vec![1, 0, 0, 0, 0, 0, 0],
            "begins at depth 1",
        );
        refused(
            |c| c.arch_code_a[5] = vec![1, 0, 0, 0, 0, 0, 0],
            "uses depth 2",
        );
        refused(|c| c.channel_mul = 0.01, "channel_mul");
        refused(|c| c.channel_mul = f64::NAN, "channel_mul");
        let deep = NetworkConfig::DiNTS(DiNTSConfig::default());
        assert_eq!(deep.architecture().divisor(), [8; 3]);
    }
}
