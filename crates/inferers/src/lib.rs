//! Volumes through networks: whole, sliding window, slice.
