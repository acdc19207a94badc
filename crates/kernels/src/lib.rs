//! The CPU's hot loops on plain slices: convolution, pooling, norms, resize.
