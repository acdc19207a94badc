//! The number types a file may hold, and the exact passage from one to another.

use serde::{Deserialize, Serialize};
use std::fmt;
use vesalius_volume::Voxel;

/// A number type that voxels are stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VoxelType {
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 64 bits.
    I64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
}

impl VoxelType {
    /// Every type.
    pub const ALL: [Self; 10] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F32,
        Self::F64,
    ];

    /// Bytes that one voxel takes.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether it holds whole numbers only.
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }

    /// The name in this program's output, such as `i16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl fmt::Display for VoxelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number that a file can hold: every type of [`VoxelType`], and no other.
pub trait FileVoxel: Voxel + sealed::Sealed {
    /// Its name in a file.
    const TYPE: VoxelType;

    /// This type's value for a whole number, if it has one; floating types take the nearest.
    fn from_i64(value: i64) -> Option<Self>;

    /// This type's value for a large whole number, if it has one; floating types take the nearest.
    fn from_u64(value: u64) -> Option<Self>;

    /// This type's value for a real number, if it has one: integers take whole numbers in range
    /// only, floating types the nearest.
    fn from_f64(value: f64) -> Option<Self>;

    /// The same value in another type, as that type's `from_…` decides.
    fn cast<T: FileVoxel>(self) -> Option<T>;

    /// The nearest f64; exact for all types but 64-bit integers above 2⁵³.
    fn to_f64(self) -> f64;
}

pub(crate) mod sealed {
    /// Reading and writing of the bytes, which is nobody else's business.
    pub trait Sealed: Sized {
        /// The value in the first bytes of `bytes`, little-endian.
        fn load_le(bytes: &[u8]) -> Self;
        /// The value in the first bytes of `bytes`, big-endian.
        fn load_be(bytes: &[u8]) -> Self;
        /// Writes the value into `bytes`, little-endian.
        fn put_le(self, bytes: &mut [u8]);
    }
}

macro_rules! bytes_of {
    ($type:ty) => {
        impl sealed::Sealed for $type {
            #[inline(always)]
            fn load_le(bytes: &[u8]) -> Self {
                let mut word = [0; size_of::<$type>()];
                word.copy_from_slice(&bytes[..size_of::<$type>()]);
                Self::from_le_bytes(word)
            }

            #[inline(always)]
            fn load_be(bytes: &[u8]) -> Self {
                let mut word = [0; size_of::<$type>()];
                word.copy_from_slice(&bytes[..size_of::<$type>()]);
                Self::from_be_bytes(word)
            }

            #[inline(always)]
            fn put_le(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_le_bytes());
            }
        }
    };
}

macro_rules! integer {
    ($type:ty, $name:ident, $wide:ty, $through:ident) => {
        bytes_of!($type);

        impl FileVoxel for $type {
            const TYPE: VoxelType = VoxelType::$name;

            #[inline(always)]
            fn from_i64(value: i64) -> Option<Self> {
                Self::try_from(value).ok()
            }

            #[inline(always)]
            fn from_u64(value: u64) -> Option<Self> {
                Self::try_from(value).ok()
            }

            #[inline(always)]
            fn from_f64(value: f64) -> Option<Self> {
                // `MAX as f64` of a 64-bit type rounds up to a power of two that does not fit.
                let largest = if size_of::<$type>() == 8 {
                    value < Self::MAX as f64
                } else {
                    value <= Self::MAX as f64
                };
                (value >= Self::MIN as f64 && largest && value.trunc() == value)
                    .then_some(value as Self)
            }

            #[inline(always)]
            fn cast<T: FileVoxel>(self) -> Option<T> {
                T::$through(<$wide>::from(self))
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    };
}

macro_rules! real {
    ($type:ty, $name:ident) => {
        bytes_of!($type);

        impl FileVoxel for $type {
            const TYPE: VoxelType = VoxelType::$name;

            #[inline(always)]
            fn from_i64(value: i64) -> Option<Self> {
                Some(value as Self)
            }

            #[inline(always)]
            fn from_u64(value: u64) -> Option<Self> {
                Some(value as Self)
            }

            #[inline(always)]
            fn from_f64(value: f64) -> Option<Self> {
                Some(value as Self)
            }

            #[inline(always)]
            fn cast<T: FileVoxel>(self) -> Option<T> {
                T::from_f64(f64::from(self))
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
        }
    };
}

integer!(u8, U8, i64, from_i64);
integer!(i8, I8, i64, from_i64);
integer!(u16, U16, i64, from_i64);
integer!(i16, I16, i64, from_i64);
integer!(u32, U32, i64, from_i64);
integer!(i32, I32, i64, from_i64);
integer!(i64, I64, i64, from_i64);
integer!(u64, U64, u64, from_u64);
real!(f32, F32);
real!(f64, F64);

/// Runs `$body` with `$name` standing for the Rust type of a [`VoxelType`].
macro_rules! with_voxel_type {
    ($voxel_type:expr, $name:ident => $body:expr) => {
        match $voxel_type {
            $crate::VoxelType::U8 => {
                type $name = u8;
                $body
            }
            $crate::VoxelType::I8 => {
                type $name = i8;
                $body
            }
            $crate::VoxelType::U16 => {
                type $name = u16;
                $body
            }
            $crate::VoxelType::I16 => {
                type $name = i16;
                $body
            }
            $crate::VoxelType::U32 => {
                type $name = u32;
                $body
            }
            $crate::VoxelType::I32 => {
                type $name = i32;
                $body
            }
            $crate::VoxelType::U64 => {
                type $name = u64;
                $body
            }
            $crate::VoxelType::I64 => {
                type $name = i64;
                $body
            }
            $crate::VoxelType::F32 => {
                type $name = f32;
                $body
            }
            $crate::VoxelType::F64 => {
                type $name = f64;
                $body
            }
        }
    };
}
pub(crate) use with_voxel_type;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_pass_exactly_or_not_at_all() {
        assert_eq!(16_777_217_u32.cast::<i32>(), Some(16_777_217));
        assert_eq!(u64::MAX.cast::<i64>(), None);
        assert_eq!(i64::MAX.cast::<u64>(), Some(i64::MAX as u64));
        assert_eq!((-1i8).cast::<u16>(), None);
        assert_eq!(2.5f32.cast::<u8>(), None);
        assert_eq!(255.0f64.cast::<u8>(), Some(255));
        assert_eq!(256.0f64.cast::<u8>(), None);
        assert_eq!(f64::NAN.cast::<i32>(), None);
        assert_eq!(f32::INFINITY.cast::<i64>(), None);
        assert_eq!(9_223_372_036_854_775_808.0f64.cast::<i64>(), None);
        assert_eq!(9_223_372_036_854_775_808.0f64.cast::<u64>(), Some(1 << 63));
        assert_eq!(18_446_744_073_709_551_616.0f64.cast::<u64>(), None);
        assert_eq!(300i16.cast::<f32>(), Some(300.0));
    }
}
