//! The two innermost loops for AVX2, written out: they need all sixteen registers, and LLVM 22 gives
//! them fifteen and a spilled sum, which takes three times as long.

use std::arch::{asm, x86_64::*};

/// [`super::Simd::weigh_4x3`].
///
/// # Safety
/// As there, and the processor must have AVX2 and FMA.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn fma_tile(
    offsets: &[usize],
    weights: *const f32,
    [a, b, c]: [*const f32; 3],
) -> [[__m256; 3]; 4] {
    let mut sums = [[_mm256_setzero_ps(); 3]; 4];
    if offsets.is_empty() {
        return sums;
    }
    let range = offsets.as_ptr_range();
    // SAFETY: there is an offset, so the loop ends after the last, having read an offset, four weights and
    // a vector of each input a turn, which the caller promises to be there; it writes registers alone,
    // all of them named.
    unsafe {
        asm!(
            "2:",
            "mov {at}, qword ptr [{offset}]",
            "vmovups ymm12, ymmword ptr [{a} + 4 * {at}]",
            "vmovups ymm13, ymmword ptr [{b} + 4 * {at}]",
            "vmovups ymm14, ymmword ptr [{c} + 4 * {at}]",
            "vbroadcastss ymm15, dword ptr [{weights}]",
            "vfmadd231ps ymm0, ymm15, ymm12",
            "vfmadd231ps ymm1, ymm15, ymm13",
            "vfmadd231ps ymm2, ymm15, ymm14",
            "vbroadcastss ymm15, dword ptr [{weights} + 4]",
            "vfmadd231ps ymm3, ymm15, ymm12",
            "vfmadd231ps ymm4, ymm15, ymm13",
            "vfmadd231ps ymm5, ymm15, ymm14",
            "vbroadcastss ymm15, dword ptr [{weights} + 8]",
            "vfmadd231ps ymm6, ymm15, ymm12",
            "vfmadd231ps ymm7, ymm15, ymm13",
            "vfmadd231ps ymm8, ymm15, ymm14",
            "vbroadcastss ymm15, dword ptr [{weights} + 12]",
            "vfmadd231ps ymm9, ymm15, ymm12",
            "vfmadd231ps ymm10, ymm15, ymm13",
            "vfmadd231ps ymm11, ymm15, ymm14",
            "add {weights}, 16",
            "add {offset}, 8",
            "cmp {offset}, {end}",
            "jne 2b",
            a = in(reg) a,
            b = in(reg) b,
            c = in(reg) c,
            at = out(reg) _,
            weights = inout(reg) weights => _,
            offset = inout(reg) range.start => _,
            end = in(reg) range.end,
            inout("ymm0") sums[0][0],
            inout("ymm1") sums[0][1],
            inout("ymm2") sums[0][2],
            inout("ymm3") sums[1][0],
            inout("ymm4") sums[1][1],
            inout("ymm5") sums[1][2],
            inout("ymm6") sums[2][0],
            inout("ymm7") sums[2][1],
            inout("ymm8") sums[2][2],
            inout("ymm9") sums[3][0],
            inout("ymm10") sums[3][1],
            inout("ymm11") sums[3][2],
            out("ymm12") _,
            out("ymm13") _,
            out("ymm14") _,
            out("ymm15") _,
            options(readonly, nostack),
        );
    }
    sums
}

/// [`super::Simd::correlate_3x4`].
///
/// # Safety
/// As there, and the processor must have AVX2 and FMA.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn correlate(
    vectors: usize,
    gradients: *const f32,
    step: usize,
    [a, b, c]: [*const f32; 3],
    sums: &mut [[__m256; 4]; 3],
) {
    if vectors == 0 {
        return;
    }
    // SAFETY: there is a vector, so the loop ends after the last, having read a vector of each input and
    // of four channels a turn, which the caller promises to be there; it writes registers alone, all of
    // them named.
    unsafe {
        asm!(
            "2:",
            "vmovups ymm12, ymmword ptr [{a} + {at}]",
            "vmovups ymm13, ymmword ptr [{b} + {at}]",
            "vmovups ymm14, ymmword ptr [{c} + {at}]",
            "vmovups ymm15, ymmword ptr [{gradients}]",
            "vfmadd231ps ymm0, ymm15, ymm12",
            "vfmadd231ps ymm4, ymm15, ymm13",
            "vfmadd231ps ymm8, ymm15, ymm14",
            "vmovups ymm15, ymmword ptr [{gradients} + {step}]",
            "vfmadd231ps ymm1, ymm15, ymm12",
            "vfmadd231ps ymm5, ymm15, ymm13",
            "vfmadd231ps ymm9, ymm15, ymm14",
            "vmovups ymm15, ymmword ptr [{gradients} + 2 * {step}]",
            "vfmadd231ps ymm2, ymm15, ymm12",
            "vfmadd231ps ymm6, ymm15, ymm13",
            "vfmadd231ps ymm10, ymm15, ymm14",
            "vmovups ymm15, ymmword ptr [{gradients} + {triple}]",
            "vfmadd231ps ymm3, ymm15, ymm12",
            "vfmadd231ps ymm7, ymm15, ymm13",
            "vfmadd231ps ymm11, ymm15, ymm14",
            "add {gradients}, 32",
            "add {at}, 32",
            "cmp {at}, {end}",
            "jne 2b",
            a = in(reg) a,
            b = in(reg) b,
            c = in(reg) c,
            at = inout(reg) 0usize => _,
            end = in(reg) vectors * 32,
            gradients = inout(reg) gradients => _,
            step = in(reg) step * 4,
            triple = in(reg) step * 12,
            inout("ymm0") sums[0][0],
            inout("ymm1") sums[0][1],
            inout("ymm2") sums[0][2],
            inout("ymm3") sums[0][3],
            inout("ymm4") sums[1][0],
            inout("ymm5") sums[1][1],
            inout("ymm6") sums[1][2],
            inout("ymm7") sums[1][3],
            inout("ymm8") sums[2][0],
            inout("ymm9") sums[2][1],
            inout("ymm10") sums[2][2],
            inout("ymm11") sums[2][3],
            out("ymm12") _,
            out("ymm13") _,
            out("ymm14") _,
            out("ymm15") _,
            options(readonly, nostack),
        );
    }
}
