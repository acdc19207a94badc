//! Devices, precision, volumetric layers, logits and probabilities.
