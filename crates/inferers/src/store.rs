//! A long row of numbers in memory or, where that is too much, in a scratch file.

use crate::Result;
use crate::scratch::ScratchFile;
use std::path::Path;

/// A number that a scratch file can hold.
pub(crate) trait Stored: Copy + Default + PartialEq + Send + Sync {
    /// Bytes of one.
    const BYTES: usize;
    /// Appends the bytes of a run.
    fn to_bytes(values: &[Self], bytes: &mut Vec<u8>);
    /// Fills a run from its bytes.
    fn from_bytes(bytes: &[u8], values: &mut [Self]);
}

macro_rules! stored {
    ($($number:ty),*) => {
        $(impl Stored for $number {
            const BYTES: usize = size_of::<$number>();

            fn to_bytes(values: &[Self], bytes: &mut Vec<u8>) {
                bytes.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
            }

            fn from_bytes(bytes: &[u8], values: &mut [Self]) {
                let each = bytes.as_chunks::<{ size_of::<$number>() }>().0;
                let pairs = values.iter_mut().zip(each);
                pairs.for_each(|(value, &bytes)| *value = <$number>::from_ne_bytes(bytes));
            }
        })*
    };
}

stored!(u8, u16, f32);

/// A fixed number of values, zero until they are written.
#[derive(Debug)]
pub(crate) enum Store<T> {
    /// In memory.
    Memory(Vec<T>),
    /// In a file.
    File(ScratchFile),
}

/// Numbers that go to a file at a time.
const RUN: usize = 1 << 16;

impl<T: Stored> Store<T> {
    /// Zeros, in memory or in a scratch file in a folder.
    ///
    /// # Errors
    /// [`crate::Error::Scratch`].
    pub fn new(length: usize, folder: Option<&Path>) -> Result<Self> {
        Ok(match folder {
            None => Self::Memory(vec![T::default(); length]),
            Some(folder) => {
                let bytes = length as u64 * T::BYTES as u64;
                Self::File(ScratchFile::new(folder, bytes)?)
            }
        })
    }

    /// Copies a run out, from number `at` on.
    pub fn read(&self, at: usize, values: &mut [T]) -> Result<()> {
        match self {
            Self::Memory(all) => values.copy_from_slice(&all[at..at + values.len()]),
            Self::File(file) => {
                let mut bytes = vec![0; RUN.min(values.len()) * T::BYTES];
                for (i, values) in values.chunks_mut(RUN).enumerate() {
                    let bytes = &mut bytes[..values.len() * T::BYTES];
                    file.read(bytes, ((at + i * RUN) * T::BYTES) as u64)?;
                    T::from_bytes(bytes, values);
                }
            }
        }
        Ok(())
    }

    /// Copies a run in, from number `at` on.
    pub fn write(&mut self, at: usize, values: &[T]) -> Result<()> {
        match self {
            Self::Memory(all) => all[at..at + values.len()].copy_from_slice(values),
            Self::File(file) => {
                let mut bytes = Vec::with_capacity(RUN.min(values.len()) * T::BYTES);
                for (i, values) in values.chunks(RUN).enumerate() {
                    bytes.clear();
                    T::to_bytes(values, &mut bytes);
                    file.write(&bytes, ((at + i * RUN) * T::BYTES) as u64)?;
                }
            }
        }
        Ok(())
    }

    /// All of them in memory; `length` as they were made.
    pub fn into_values(self, length: usize) -> Result<Vec<T>> {
        match self {
            Self::Memory(all) => Ok(all),
            Self::File(_) => {
                let mut all = vec![T::default(); length];
                self.read(0, &mut all)?;
                Ok(all)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same<T: Stored + std::fmt::Debug>(value: impl Fn(usize) -> T) {
        let length = 3 * RUN + 17;
        let folder = std::env::temp_dir();
        for folder in [None, Some(folder.as_path())] {
            let mut store = Store::new(length, folder).unwrap();
            let values: Vec<T> = (5..length - 3).map(&value).collect();
            store.write(5, &values).unwrap();
            let mut some = vec![T::default(); RUN + 9];
            store.read(RUN - 4, &mut some).unwrap();
            assert_eq!(some[..], values[RUN - 9..2 * RUN]);
            let all = store.into_values(length).unwrap();
            assert!(all[..5].iter().all(|v| *v == T::default()));
            assert_eq!(all[5..length - 3], values[..]);
        }
    }

    #[test]
    fn a_file_holds_what_memory_holds() {
        same(|i| (i * 37 % 251) as u8);
        same(|i| (i * 7919 % 65_521) as u16);
        same(|i| i as f32 * 0.37);
        assert!(Store::<u8>::new(9, Some(Path::new("/no/such/folder"))).is_err());
    }
}
