//! Preprocessing and augmentation as data: configured, sampled, applied, inverted.
