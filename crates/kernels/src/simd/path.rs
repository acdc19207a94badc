//! Which vector instructions kernels use: the best the processor has, or one that a test asks for.

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path(Kind);

thread_local! {
    static FORCED: Cell<Option<Path>> = const { Cell::new(None) };
}

impl Path {
    /// The fastest path of this processor.
    pub fn best() -> Self {
        static BEST: OnceLock<Path> = OnceLock::new();
        // `available` always ends with the portable path, so there is a first.
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// Plain Rust that runs on every processor (the "scalar" path).
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

    /// The path named `avx512`, `avx2`, `neon` or `portable`.
    ///
    /// # Errors
    /// [`Error::NoSuchPath`] when this processor lacks it.
    pub fn named(name: &'static str) -> Result<Self> {
        Self::available()
            .into_iter()
            .find(|path| path.name() == name)
            .ok_or(Error::NoSuchPath(name))
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

/// Runs `body`; kernels that it calls on this thread use `path`, on all their worker threads.
pub fn with_path<T>(path: Path, body: impl FnOnce() -> T) -> T {
    struct Restore(Option<Path>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(path)));
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
        let before = Path::current();
        with_path(Path::portable(), || {
            assert_eq!(Path::current(), Path::portable())
        });
        assert_eq!(Path::current(), before);
    }

    #[test]
    fn portable_is_always_there_and_last() {
        assert_eq!(Path::available().last(), Some(&Path::portable()));
        assert_eq!(Path::named("portable"), Ok(Path::portable()));
        assert_eq!(Path::named("abacus"), Err(Error::NoSuchPath("abacus")));
    }
}
