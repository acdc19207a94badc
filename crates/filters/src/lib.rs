//! Image processing in world space, without learning.
