//! One hot loop, compiled twice: for the baseline processor and for AVX2, chosen at run time.
//!
//! Fused multiply-add stays off, so both give the same bits.

/// Wraps a function so that its body is also compiled with AVX2 and that version runs where the
/// processor has it. What the body calls must be `#[inline(always)]` to take part.
#[doc(hidden)]
#[macro_export]
macro_rules! vectorised {
    (
        $(#[$meta:meta])*
        $visibility:vis fn $name:ident $(<$($generic:ident : $bound:path),+ $(; const $constant:ident : $of:ty)?>)? (
            $($argument:ident : $type:ty),* $(,)?
        ) $(-> $result:ty)? $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name $(<$($generic : $bound),+ $(, const $constant: $of)?>)? ($($argument : $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body $(<$($generic : $bound),+ $(, const $constant: $of)?>)? ($($argument : $type),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn wide $(<$($generic : $bound),+ $(, const $constant: $of)?>)? ($($argument : $type),*) $(-> $result)? {
                    body $(::<$($generic),+ $(, $constant)?>)? ($($argument),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has AVX2, which is all that `wide` needs.
                    return unsafe { wide $(::<$($generic),+ $(, $constant)?>)? ($($argument),*) };
                }
            }
            body $(::<$($generic),+ $(, $constant)?>)? ($($argument),*)
        }
    };
}

pub(crate) use vectorised;
