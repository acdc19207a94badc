//! A tensor as PyTorch stores it: some numbers of a storage, in an order that strides give.

use pytorch_reader::DType;

/// Which numbers of a storage a tensor takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct View {
    /// The storage's name in the archive.
    pub key: String,
    pub kind: DType,
    /// Numbers of the storage before the first.
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

impl View {
    /// Where in its storage it ends, and how many numbers it has.
    ///
    /// # Errors
    /// Numbers that no memory holds, as the rest of a sentence about the file.
    pub fn extent(&self) -> Result<(usize, usize), String> {
        let large = "describes a tensor larger than any memory";
        if self.shape.len() != self.strides.len() {
            return Err("describes a tensor by other numbers of sizes and strides".to_owned());
        }
        if self.shape.contains(&0) {
            return Ok((0, 0));
        }
        let (mut end, mut count) = (self.offset.checked_add(1), Some(1usize));
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            let further = (size - 1).checked_mul(stride).ok_or(large)?;
            end = end.and_then(|end| end.checked_add(further));
            count = count.and_then(|count| count.checked_mul(size));
        }
        Ok((end.ok_or(large)?, count.ok_or(large)?))
    }

    /// Numbers of the storage from the first to the last, those between included. The extent was checked.
    pub fn reach(&self) -> usize {
        if self.shape.contains(&0) {
            return 0;
        }
        let along = self.shape.iter().zip(&self.strides);
        1 + along
            .map(|(size, stride)| (size - 1) * stride)
            .sum::<usize>()
    }

    /// The bytes in C order, of those from the first number to the last.
    pub fn gathered(&self, window: Vec<u8>) -> Vec<u8> {
        if self.shape.contains(&0) || self.is_contiguous() {
            return window;
        }
        let each = self.kind.size();
        let count: usize = self.shape.iter().product();
        let mut bytes = Vec::with_capacity(count * each);
        let mut index = vec![0; self.shape.len()];
        let mut at = 0;
        for _ in 0..count {
            bytes.extend_from_slice(&window[at * each..][..each]);
            for axis in (0..self.shape.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= index[axis] * self.strides[axis];
                index[axis] = 0;
            }
        }
        bytes
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&size, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if size != 1 && stride != expected {
                return false;
            }
            expected *= size;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> View {
        View {
            key: "0".to_owned(),
            kind: DType::U8,
            offset,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        }
    }

    #[test]
    fn strided_numbers_come_in_the_order_of_c() {
        let stored: Vec<u8> = (0..24).collect();
        // What PyTorch gives for `arange(24)[2:].as_strided(shape, strides)`.
        for (shape, strides, expected) in [
            (vec![2, 3], vec![3, 1], vec![2u8, 3, 4, 5, 6, 7]),
            (vec![3, 2], vec![1, 3], vec![2, 5, 3, 6, 4, 7]),
            (
                vec![2, 2, 2],
                vec![1, 8, 2],
                vec![2, 4, 10, 12, 3, 5, 11, 13],
            ),
            (vec![2, 2], vec![0, 5], vec![2, 7, 2, 7]),
            (vec![2, 0], vec![1, 1], vec![]),
            (vec![], vec![], vec![2]),
            (vec![1, 3], vec![99, 1], vec![2, 3, 4]),
        ] {
            let view = view(2, &shape, &strides);
            let window = stored[2..2 + view.reach()].to_vec();
            assert_eq!(view.gathered(window), expected, "{shape:?} {strides:?}");
        }
    }

    #[test]
    fn claims_beyond_any_memory_are_refused() {
        assert_eq!(view(2, &[2, 3], &[3, 1]).extent().unwrap(), (8, 6));
        assert_eq!(view(9, &[4, 0], &[usize::MAX, 1]).extent().unwrap(), (0, 0));
        for huge in [
            view(usize::MAX, &[1], &[1]),
            view(0, &[usize::MAX], &[usize::MAX]),
            view(0, &[1 << 40, 1 << 40], &[0, 0]),
            view(0, &[2], &[1, 1]),
        ] {
            assert!(huge.extent().is_err(), "{huge:?}");
        }
    }
}
