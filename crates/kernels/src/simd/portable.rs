//! Vectors in plain Rust: eight lanes that the compiler may map to whatever the target guarantees.

use super::{Simd, Work};

/// The level of every processor.
#[derive(Clone, Copy)]
pub(super) struct Portable;

const LANES: usize = 8;

impl Simd for Portable {
    type Vector = [f32; LANES];
    const LANES: usize = LANES;
    const WIDE: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::Vector {
        // SAFETY: the caller promises LANES readable values; an unaligned read needs no alignment.
        unsafe { from.cast::<[f32; LANES]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: Self::Vector) {
        // SAFETY: the caller promises LANES writable values; an unaligned write needs no alignment.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(value) }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn interleave(self, a: Self::Vector, b: Self::Vector) -> [Self::Vector; 2] {
        let both = |lane: usize| {
            if lane.is_multiple_of(2) {
                a[lane / 2]
            } else {
                b[lane / 2]
            }
        };
        [
            std::array::from_fn(both),
            std::array::from_fn(|lane| both(LANES + lane)),
        ]
    }

    #[inline(always)]
    fn deinterleave(self, a: Self::Vector, b: Self::Vector) -> [Self::Vector; 2] {
        let both = |lane: usize| {
            if lane < LANES {
                a[lane]
            } else {
                b[lane - LANES]
            }
        };
        [0, 1].map(|odd| std::array::from_fn(|lane| both(2 * lane + odd)))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // Not `f32::mul_add`: without the instruction that is a slow library call.
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn reduce4(self, vectors: [Self::Vector; 4]) -> [f32; 4] {
        vectors.map(|v| ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])))
    }

    #[inline(always)]
    fn call_out_of_line<W: Work>(self, work: W) -> W::Output {
        #[inline(never)]
        fn isolated<W: Work>(work: W) -> W::Output {
            work.run(Portable)
        }
        isolated(work)
    }
}
