//! Which vector instructions kernels use: the best that the processor has, or a level that a test forces.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Avx512,
    Avx2,
    Neon,
    Portable,
}

/// A set of vector instructions that this processor has.
///
/// ```
/// use vesalius_kernels::{SimdLevel, with_simd_level};
///
/// // The slowest level runs everywhere.
/// assert_eq!(SimdLevel::available().last(), Some(&SimdLevel::portable()));
/// let mut values = [-1.0, 2.0];
/// with_simd_level(SimdLevel::portable(), || vesalius_kernels::relu_in_place(&mut values));
/// assert_eq!(values, [0.0, 2.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SimdLevel(Kind);

thread_local! {
    static FORCED: Cell<Option<SimdLevel>> = const { Cell::new(None) };
}

impl SimdLevel {
    /// The fastest level of this processor.
    pub fn best() -> Self {
        static BEST: OnceLock<SimdLevel> = OnceLock::new();
        // `available` always ends with the portable level, so there is a first.
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// Plain Rust that runs on every processor, without vector instructions of its own.
    pub fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// All paths of this processor, the fastest first, the portable one last.
    pub fn available() -> Vec<Self> {
        [Kind::Avx512, Kind::Avx2, Kind::Neon, Kind::Portable]
            .into_iter()
            .filter(|&kind| detected(kind))
            .map(Self)
            .collect()
    }

    /// The level named `avx512`, `avx2`, `neon` or `portable`.
    ///
    /// # Errors
    /// [`Error::NoSuchLevel`] when this processor lacks it.
    pub fn named(name: &'static str) -> Result<Self> {
        Self::available()
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or(Error::NoSuchLevel(name))
    }

    /// `avx512`, `avx2`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Avx512 => "avx512",
            Kind::Avx2 => "avx2",
            Kind::Neon => "neon",
            Kind::Portable => "portable",
        }
    }

    /// What kernels called from this thread use.
    pub(crate) fn current() -> Self {
        FORCED.get().unwrap_or_else(Self::best)
    }

    pub(super) fn kind(self) -> Kind {
        self.0
    }
}

/// Runs `body`; kernels that it calls on this thread use `level`, on all their worker threads.
pub fn with_simd_level<T>(level: SimdLevel, body: impl FnOnce() -> T) -> T {
    struct Restore(Option<SimdLevel>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(level)));
    body()
}

fn detected(kind: Kind) -> bool {
    match kind {
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => super::avx512::detected(),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => super::avx2::detected(),
        #[cfg(target_arch = "aarch64")]
        Kind::Neon => std::arch::is_aarch64_feature_detected!("neon"),
        Kind::Portable => true,
        #[allow(unreachable_patterns)]
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forced_path_is_restored() {
        let before = SimdLevel::current();
        with_simd_level(SimdLevel::portable(), || {
            assert_eq!(SimdLevel::current(), SimdLevel::portable())
        });
        assert_eq!(SimdLevel::current(), before);
    }

    #[test]
    fn portable_is_always_there_and_last() {
        assert_eq!(SimdLevel::available().last(), Some(&SimdLevel::portable()));
        assert_eq!(SimdLevel::named("portable"), Ok(SimdLevel::portable()));
        assert_eq!(
            SimdLevel::named("abacus"),
            Err(Error::NoSuchLevel("abacus"))
        );
    }
}
