//! AVX-512 (foundation): sixteen lanes, thirty-two registers.

use std::arch::x86_64::*;
use std::ops::Range;

use super::{Simd, Work, avx512_loops};

/// Proof that the processor has AVX-512F: made only by [`run`], which checks.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// The mask of the lanes below `end`, at most sixteen.
#[inline(always)]
fn below(end: usize) -> __mmask16 {
    ((1u32 << end) - 1) as u16
}

pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
}

#[inline]
pub(super) fn run<W: Work>(work: W) -> W::Output {
    #[target_feature(enable = "avx512f,avx2,fma")]
    fn entry<W: Work>(work: W) -> W::Output {
        work.run(Avx512(()))
    }
    assert!(
        detected(),
        "a Path is only made for a processor that has it"
    );
    // SAFETY: the features were just detected.
    unsafe { entry(work) }
}

impl Simd for Avx512 {
    type Vector = __m512;
    const LANES: usize = 16;
    const WIDE: bool = true;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA; the caller promises
        // sixteen readable values.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA; the caller promises
        // sixteen writable values.
        unsafe { _mm512_storeu_ps(to, value) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn interleave(self, a: __m512, b: __m512) -> [__m512; 2] {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            [
                _mm512_permutex2var_ps(a, low, b),
                _mm512_permutex2var_ps(a, high, b),
            ]
        }
    }

    #[inline(always)]
    fn deinterleave(self, a: __m512, b: __m512) -> [__m512; 2] {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            [
                _mm512_permutex2var_ps(a, even, b),
                _mm512_permutex2var_ps(a, odd, b),
            ]
        }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn reduce4(self, vectors: [__m512; 4]) -> [f32; 4] {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA; the store writes the four
        // values of `sums`.
        unsafe {
            // In each quarter a pair of `a` and `b`, then one of all four.
            let [a, b, c, d] = vectors;
            let low = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let high = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            let quarters = _mm512_add_ps(
                _mm512_shuffle_ps::<0x44>(low, high),
                _mm512_shuffle_ps::<0xEE>(low, high),
            );
            let halves = _mm256_add_ps(
                _mm512_castps512_ps256(quarters),
                _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(quarters))),
            );
            let sum = _mm_add_ps(
                _mm256_castps256_ps128(halves),
                _mm256_extractf128_ps::<1>(halves),
            );
            let mut sums = [0.0; 4];
            _mm_storeu_ps(sums.as_mut_ptr(), sum);
            sums
        }
    }

    #[inline(always)]
    unsafe fn correlate_6x4(
        self,
        vectors: usize,
        gradients: *const f32,
        step: usize,
        inputs: [*const f32; 6],
        sums: &mut [[__m512; 4]; 6],
    ) {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA; gradients and inputs are
        // the caller's promise, word for word.
        unsafe { avx512_loops::correlate(vectors, gradients, step, inputs, sums) }
    }

    #[inline(always)]
    unsafe fn outer_3x4x2(
        self,
        places: usize,
        gradients: *const f32,
        inputs: [*const f32; 3],
        step: usize,
        sums: &mut [[[__m512; 2]; 4]; 3],
    ) {
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA; gradients and inputs are
        // the caller's promise, word for word.
        unsafe { avx512_loops::outer(places, gradients, inputs, step, sums) }
    }

    #[inline(always)]
    unsafe fn load_lanes(self, from: *const f32, lanes: Range<usize>) -> __m512 {
        debug_assert!(lanes.end <= Self::LANES);
        let mask = below(lanes.end) & !below(lanes.start);
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA; the caller promises readable
        // values in the lanes of the mask, and no others are read.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: __m512, count: usize) {
        debug_assert!(count <= Self::LANES);
        // SAFETY: `self` exists only where `run` found AVX-512F, AVX2 and FMA; the caller promises `count`
        // writable values, and no others are written.
        unsafe { _mm512_mask_storeu_ps(to, below(count), value) }
    }

    #[inline(always)]
    fn call_out_of_line<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn isolated<W: Work>(simd: Avx512, work: W) -> W::Output {
            work.run(simd)
        }
        // Two steps: Rust 1.95 forgets `inline(never)` on a function with target features.
        #[inline(never)]
        fn gate<W: Work>(simd: Avx512, work: W) -> W::Output {
            // SAFETY: `simd` exists only where `run` found AVX-512F, AVX2 and FMA.
            unsafe { isolated(simd, work) }
        }
        gate(self, work)
    }
}
