//! Which measures to report for a data set, and which mislead there, with the reason in a sentence.
//!
//! The idea is that of Metrics Reloaded (Maier-Hein, Reinke et al., 10.1038/s41592-023-02151-z): what a measure says depends
//! on the structures. The rules and their limits are this crate's, and each sentence names the fact that it follows
//! from.

mod facts;
mod rules;
#[cfg(test)]
mod tests;

pub use facts::TargetFacts;
pub use rules::{Advice, AdviceOptions, BoundaryImportance, Verdict, advise};
