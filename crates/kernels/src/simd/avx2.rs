//! AVX2 with FMA: eight lanes, sixteen registers.

use std::arch::x86_64::*;
use std::ops::Range;

use super::{Simd, Work, avx2_loops};

/// Proof that the processor has AVX2 and FMA: made only by [`run`], which checks.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// All bits of the lanes below `end`.
///
/// # Safety
/// The processor must have AVX2.
#[inline(always)]
unsafe fn below(end: usize) -> __m256i {
    // SAFETY: the caller promises AVX2.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(end as i32), lanes)
    }
}

pub(super) fn detected() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[inline]
pub(super) fn run<W: Work>(work: W) -> W::Output {
    #[target_feature(enable = "avx2,fma")]
    fn entry<W: Work>(work: W) -> W::Output {
        work.run(Avx2(()))
    }
    assert!(
        detected(),
        "a Path is only made for a processor that has it"
    );
    // SAFETY: both features were just detected.
    unsafe { entry(work) }
}

impl Simd for Avx2 {
    type Vector = __m256;
    const LANES: usize = 8;
    const WIDE: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA; the caller promises eight
        // readable values.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA; the caller promises eight
        // writable values.
        unsafe { _mm256_storeu_ps(to, value) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn interleave(self, a: __m256, b: __m256) -> [__m256; 2] {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA.
        unsafe {
            let low = _mm256_unpacklo_ps(a, b);
            let high = _mm256_unpackhi_ps(a, b);
            [
                _mm256_permute2f128_ps::<0x20>(low, high),
                _mm256_permute2f128_ps::<0x31>(low, high),
            ]
        }
    }

    #[inline(always)]
    fn deinterleave(self, a: __m256, b: __m256) -> [__m256; 2] {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA.
        unsafe {
            let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b));
            let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xDD>(a, b));
            [even, odd].map(|halves| _mm256_castpd_ps(_mm256_permute4x64_pd::<0xD8>(halves)))
        }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn reduce4(self, [a, b, c, d]: [__m256; 4]) -> [f32; 4] {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA; the store writes the four values
        // of `sums`.
        unsafe {
            let pairs = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
            let sum = _mm_add_ps(
                _mm256_castps256_ps128(pairs),
                _mm256_extractf128_ps::<1>(pairs),
            );
            let mut sums = [0.0; 4];
            _mm_storeu_ps(sums.as_mut_ptr(), sum);
            sums
        }
    }

    #[inline(always)]
    unsafe fn load_lanes(self, from: *const f32, lanes: Range<usize>) -> __m256 {
        debug_assert!(lanes.end <= Self::LANES);
        // SAFETY: `self` exists only where `run` found AVX2 and FMA; the caller promises readable values in
        // the lanes of the mask, and no others are read.
        unsafe {
            let mask = _mm256_andnot_si256(below(lanes.start), below(lanes.end));
            _mm256_maskload_ps(from, mask)
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, value: __m256, count: usize) {
        debug_assert!(count <= Self::LANES);
        // SAFETY: `self` exists only where `run` found AVX2 and FMA; the caller promises `count` writable
        // values, and no others are written.
        unsafe { _mm256_maskstore_ps(to, below(count), value) }
    }

    #[inline(always)]
    unsafe fn weigh_4x3(
        self,
        offsets: &[usize],
        weights: *const f32,
        inputs: [*const f32; 3],
    ) -> [[__m256; 3]; 4] {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA; offsets, weights and inputs are
        // the caller's promise, word for word.
        unsafe { avx2_loops::fma_tile(offsets, weights, inputs) }
    }

    #[inline(always)]
    unsafe fn correlate_3x4(
        self,
        vectors: usize,
        gradients: *const f32,
        step: usize,
        inputs: [*const f32; 3],
        sums: &mut [[__m256; 4]; 3],
    ) {
        // SAFETY: `self` exists only where `run` found AVX2 and FMA; gradients and inputs are the
        // caller's promise, word for word.
        unsafe { avx2_loops::correlate(vectors, gradients, step, inputs, sums) }
    }

    #[inline(always)]
    fn call_out_of_line<W: Work>(self, work: W) -> W::Output {
        #[target_feature(enable = "avx2,fma")]
        fn isolated<W: Work>(simd: Avx2, work: W) -> W::Output {
            work.run(simd)
        }
        // Two steps: Rust 1.95 forgets `inline(never)` on a function with target features.
        #[inline(never)]
        fn gate<W: Work>(simd: Avx2, work: W) -> W::Output {
            // SAFETY: `simd` exists only where `run` found AVX2 and FMA.
            unsafe { isolated(simd, work) }
        }
        gate(self, work)
    }
}
