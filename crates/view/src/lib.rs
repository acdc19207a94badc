//! Pictures and pages of volumes, labels and scores.
