//! The number types a file may hold, and the exact conversion from one to another.

use serde::{Deserialize, Serialize};
use std::fmt;
use vesalius_volume::Voxel;

/// A number type that voxels are stored in.
///
/// ```
/// use vesalius_io::VoxelType;
///
/// assert_eq!((VoxelType::I16.bytes(), VoxelType::I16.name()), (2, "i16"));
/// assert!(VoxelType::U8.is_integer() && !VoxelType::F32.is_integer());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
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

/// Runs `$body` with `$name` as the Rust type of a [`VoxelType`].
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

    /// The nearest f64; exact for all types but 64-bit integers above 2⁵³.
    fn to_f64(self) -> f64;
}

/// A run of values in the widest type of their kind: every stored type passes into one of these
/// without loss, and out of it exactly or not at all.
pub(crate) enum Wide {
    I64(Vec<i64>),
    U64(Vec<u64>),
    F64(Vec<f64>),
}

pub(crate) mod sealed {
    use super::Wide;

    /// Runs of values, compiled once here and not in every crate that reads an image.
    pub trait Sealed: Sized {
        /// Values from little-endian bytes.
        fn load(from: &[u8], to: &mut [Self]);
        /// Little-endian bytes of another type straight to this one, without the detour over
        /// [`Wide`], where that is worth its code; `false` when it is not.
        fn load_straight(_stored: super::VoxelType, _from: &[u8], _to: &mut [Self]) -> bool {
            false
        }
        /// Values to little-endian bytes.
        fn store(from: &[Self], to: &mut [u8]);
        /// Little-endian bytes to the widest type of the kind.
        #[allow(private_interfaces)]
        fn widen_bytes(from: &[u8]) -> Wide;
        /// Values to the widest type of the kind.
        #[allow(private_interfaces)]
        fn widen(from: &[Self]) -> Wide;
        /// Wide values to this type; whether all of them fit.
        #[allow(private_interfaces)]
        fn narrow(from: &Wide, to: &mut [Self]) -> bool;
        /// Wide values to this type's little-endian bytes; whether all of them fit.
        #[allow(private_interfaces)]
        fn narrow_bytes(from: &Wide, to: &mut [u8]) -> bool;
    }
}

/// Converts a run without an early exit, so that the loop has no branch and becomes vector code.
#[inline(always)]
fn narrow_each<W: Copy, T: Default>(
    from: &[W],
    to: impl Iterator<Item = impl FnOnce(T)>,
    cast: impl Fn(W) -> Option<T>,
) -> bool {
    let mut fits = true;
    for (&value, put) in from.iter().zip(to) {
        let value = cast(value);
        fits &= value.is_some();
        put(value.unwrap_or_default());
    }
    fits
}

macro_rules! runs_of {
    ($type:ty, $wide:ident, $wide_type:ty, {$($more:tt)*}) => {
        #[allow(private_interfaces)]
        impl sealed::Sealed for $type {
            $($more)*

            fn load(from: &[u8], to: &mut [Self]) {
                for (value, bytes) in to.iter_mut().zip(words(from)) {
                    *value = Self::from_le_bytes(bytes);
                }
            }

            fn store(from: &[Self], to: &mut [u8]) {
                for (value, bytes) in from.iter().zip(to.chunks_exact_mut(size_of::<Self>())) {
                    bytes.copy_from_slice(&value.to_le_bytes());
                }
            }

            fn widen_bytes(from: &[u8]) -> Wide {
                let wide = |bytes| <$wide_type>::from(Self::from_le_bytes(bytes));
                Wide::$wide(words(from).map(wide).collect())
            }

            fn widen(from: &[Self]) -> Wide {
                Wide::$wide(from.iter().map(|&value| value.into()).collect())
            }

            fn narrow(from: &Wide, to: &mut [Self]) -> bool {
                let to = to.iter_mut().map(|value| move |new| *value = new);
                match from {
                    Wide::I64(values) => narrow_each(values, to, Self::from_i64),
                    Wide::U64(values) => narrow_each(values, to, Self::from_u64),
                    Wide::F64(values) => narrow_each(values, to, Self::from_f64),
                }
            }

            fn narrow_bytes(from: &Wide, to: &mut [u8]) -> bool {
                let to = to
                    .chunks_exact_mut(size_of::<Self>())
                    .map(|bytes| move |new: Self| bytes.copy_from_slice(&new.to_le_bytes()));
                match from {
                    Wide::I64(values) => narrow_each(values, to, Self::from_i64),
                    Wide::U64(values) => narrow_each(values, to, Self::from_u64),
                    Wide::F64(values) => narrow_each(values, to, Self::from_f64),
                }
            }
        }
    };
}

/// The words of a run of bytes.
#[inline(always)]
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

macro_rules! integer {
    ($type:ty, $name:ident, $wide:ident, $wide_type:ty) => {
        runs_of!($type, $wide, $wide_type, {});

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
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    };
}

macro_rules! real {
    ($type:ty, $name:ident, {$($more:tt)*}) => {
        runs_of!($type, F64, f64, {$($more)*});

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
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
        }
    };
}

integer!(u8, U8, I64, i64);
integer!(i8, I8, I64, i64);
integer!(u16, U16, I64, i64);
integer!(i16, I16, I64, i64);
integer!(u32, U32, I64, i64);
integer!(i32, I32, I64, i64);
integer!(i64, I64, I64, i64);
integer!(u64, U64, U64, u64);
real!(f32, F32, {
    // The conversion that nearly every read uses.
    fn load_straight(stored: VoxelType, from: &[u8], to: &mut [Self]) -> bool {
        macro_rules! run {
            ($type:ty) => {
                for (value, bytes) in to.iter_mut().zip(words(from)) {
                    *value = <$type>::from_le_bytes(bytes) as f32;
                }
            };
        }
        with_voxel_type!(stored, S => run!(S));
        true
    }
});
real!(f64, F64, {});

#[cfg(test)]
mod tests {
    use super::*;

    fn pass<S: FileVoxel, T: FileVoxel>(value: S) -> Option<T> {
        let mut out = [T::default()];
        T::narrow(&S::widen(&[value]), &mut out).then_some(out[0])
    }

    #[test]
    fn whole_numbers_pass_exactly_or_not_at_all() {
        assert_eq!(pass(16_777_217_u32), Some(16_777_217_i32));
        assert_eq!(pass::<_, i64>(u64::MAX), None);
        assert_eq!(pass(i64::MAX), Some(i64::MAX as u64));
        assert_eq!(pass::<_, u16>(-1i8), None);
        assert_eq!(pass::<_, u8>(2.5f32), None);
        assert_eq!(pass(255.0f64), Some(255u8));
        assert_eq!(pass::<_, u8>(256.0f64), None);
        assert_eq!(pass::<_, i32>(f64::NAN), None);
        assert_eq!(pass::<_, i64>(f32::INFINITY), None);
        assert_eq!(pass::<_, i64>(9_223_372_036_854_775_808.0f64), None);
        assert_eq!(pass(9_223_372_036_854_775_808.0f64), Some(1u64 << 63));
        assert_eq!(pass::<_, u64>(18_446_744_073_709_551_616.0f64), None);
        assert_eq!(pass(300i16), Some(300.0f32));
    }
}
