//! Segmentation losses on logits.
