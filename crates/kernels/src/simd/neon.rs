//! NEON: four lanes, thirty-two registers.

use std::arch::aarch64::*;

use super::{Simd, Work};

/// Proof that the processor has NEON: made only by [`run`], which checks.
#[derive(Clone, Copy)]
pub(super) struct Neon(());

#[inline]
pub(super) fn run<W: Work>(work: W) -> W::Output {
    #[target_feature(enable = "neon")]
    fn entry<W: Work>(work: W) -> W::Output {
        work.run(Neon(()))
    }
    assert!(
        std::arch::is_aarch64_feature_detected!("neon"),
        "a Path is only made for a processor that has it"
    );
    // SAFETY: the feature was just detected.
    unsafe { entry(work) }
}

impl Simd for Neon {
    type Vector = float32x4_t;
    const LANES: usize = 4;
    const WIDE: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        // SAFETY: `self` exists only where `run` found NEON.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        // SAFETY: `self` exists only where `run` found NEON; the caller promises four readable values.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: float32x4_t) {
        // SAFETY: `self` exists only where `run` found NEON; the caller promises four writable values.
        unsafe { vst1q_f32(to, value) }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` exists only where `run` found NEON.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` exists only where `run` found NEON.
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn interleave(self, a: float32x4_t, b: float32x4_t) -> [float32x4_t; 2] {
        // SAFETY: `self` exists only where `run` found NEON.
        unsafe { [vzip1q_f32(a, b), vzip2q_f32(a, b)] }
    }

    #[inline(always)]
    fn deinterleave(self, a: float32x4_t, b: float32x4_t) -> [float32x4_t; 2] {
        // SAFETY: `self` exists only where `run` found NEON.
        unsafe { [vuzp1q_f32(a, b), vuzp2q_f32(a, b)] }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: `self` exists only where `run` found NEON.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn reduce4(self, vectors: [float32x4_t; 4]) -> [f32; 4] {
        // SAFETY: `self` exists only where `run` found NEON.
        vectors.map(|vector| unsafe { vaddvq_f32(vector) })
    }

    #[inline(always)]
    fn call_out_of_line<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "neon")]
        fn isolated<W: Work>(simd: Neon, work: W) -> W::Output {
            work.run(simd)
        }
        // Two steps: Rust 1.95 forgets `inline(never)` on a function with target features.
        #[inline(never)]
        fn gate<W: Work>(simd: Neon, work: W) -> W::Output {
            // SAFETY: `simd` exists only where `run` found NEON.
            unsafe { isolated(simd, work) }
        }
        gate(self, work)
    }
}
