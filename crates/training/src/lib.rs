//! Datasets, patch sampling, the fit loop, checkpoints, logs.
