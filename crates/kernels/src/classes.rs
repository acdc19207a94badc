//! From scores of classes, one channel each, to probabilities and labels.

use rayon::prelude::*;

use crate::activation::ChannelShape;
use crate::buffer::Shared;
use crate::element::{Element, Stored, Values, ValuesMut};
use crate::error::{Error, Result, check_length};
use crate::math::exp;
use crate::parallel::plain;
use crate::simd::SimdLevel;

/// Voxels of a block: enough to be vectorised, few enough to stay in the first cache with all channels.
const BLOCK: usize = 256;

/// Softmax over the channels of each voxel.
///
/// # Errors
/// When a slice's length does not fit the shape.
pub fn softmax_channels<I: Element, O: Element>(
    shape: &ChannelShape,
    input: &[I],
    output: &mut [O],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("output", output, input.len())?;
    softmax(shape, I::values(input), O::values_mut(output));
    Ok(())
}

fn softmax(shape: &ChannelShape, input: Values, output: ValuesMut) {
    match (input, output) {
        (Values::F32(input), ValuesMut::F32(output)) => softmax_of(shape, input, output),
        (Values::F32(input), ValuesMut::Bf16(output)) => softmax_of(shape, input, output),
        (Values::Bf16(input), ValuesMut::F32(output)) => softmax_of(shape, input, output),
        (Values::Bf16(input), ValuesMut::Bf16(output)) => softmax_of(shape, input, output),
    }
}

fn softmax_of<I: Stored, O: Stored>(shape: &ChannelShape, input: &[I], output: &mut [O]) {
    let (channels, voxels) = (shape.channels, shape.voxels);
    let path = SimdLevel::current();
    let shared = Shared::new(output);
    let blocks = voxels.div_ceil(BLOCK);
    (0..shape.batch * blocks).into_par_iter().for_each_init(
        || vec![0.0; channels * BLOCK],
        |scores, task| {
            let (sample, start) = (task / blocks, task % blocks * BLOCK);
            let count = BLOCK.min(voxels - start);
            let place = |channel: usize| (sample * channels + channel) * voxels + start;
            let scores = &mut scores[..channels * count];
            for (channel, scores) in scores.chunks_exact_mut(count).enumerate() {
                let from = &input[place(channel)..][..count];
                scores
                    .iter_mut()
                    .zip(from)
                    .for_each(|(to, from)| *to = from.widen());
            }
            plain(path, || softmax_block(scores, count));
            for (channel, scores) in scores.chunks_exact(count).enumerate() {
                // SAFETY: tasks have blocks of voxels of their own, and go through the channels one after the other.
                let to = unsafe { shared.part(place(channel), count) };
                to.iter_mut()
                    .zip(scores)
                    .for_each(|(to, &from)| *to = O::narrow(from));
            }
        },
    );
}

/// Softmax over rows of `count` values.
#[inline(always)]
fn softmax_block(scores: &mut [f32], count: usize) {
    let mut largest = [f32::NEG_INFINITY; BLOCK];
    let mut sums = [0.0f32; BLOCK];
    for row in scores.chunks_exact(count) {
        for (most, &score) in largest.iter_mut().zip(row) {
            *most = if score > *most { score } else { *most };
        }
    }
    for row in scores.chunks_exact_mut(count) {
        for ((score, &most), sum) in row.iter_mut().zip(&largest).zip(&mut sums) {
            *score = exp(*score - most);
            *sum += *score;
        }
    }
    for row in scores.chunks_exact_mut(count) {
        for (score, sum) in row.iter_mut().zip(&sums) {
            *score /= sum;
        }
    }
}

/// The channel whose value is largest, the first of equals, for each voxel: `[batch, voxels]`. NaN is never the
/// largest.
///
/// # Errors
/// When a slice's length does not fit the shape, or there are more channels than labels of 16 bits.
pub fn argmax_channels<E: Element>(
    shape: &ChannelShape,
    input: &[E],
    labels: &mut [u16],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("labels", labels, shape.batch * shape.voxels)?;
    if shape.channels > usize::from(u16::MAX) + 1 {
        return Err(Error::TooLarge {
            what: "channels, for labels of 16 bits",
        });
    }
    argmax(shape, E::values(input), labels);
    Ok(())
}

fn argmax(shape: &ChannelShape, input: Values, labels: &mut [u16]) {
    match input {
        Values::F32(input) => argmax_of(shape, input, labels),
        Values::Bf16(input) => argmax_of(shape, input, labels),
    }
}

fn argmax_of<E: Stored>(shape: &ChannelShape, input: &[E], labels: &mut [u16]) {
    if labels.is_empty() {
        return;
    }
    let path = SimdLevel::current();
    let samples = labels
        .par_chunks_mut(shape.voxels)
        .zip(input.par_chunks(shape.channels * shape.voxels));
    samples.for_each(|(labels, input)| {
        let blocks = labels.par_chunks_mut(BLOCK).enumerate();
        blocks.for_each(|(block, labels)| {
            plain(path, move || {
                argmax_block(input, shape.voxels, block * BLOCK, labels)
            });
        });
    });
}

#[inline(always)]
fn argmax_block<E: Stored>(input: &[E], voxels: usize, start: usize, labels: &mut [u16]) {
    let mut most = [f32::NEG_INFINITY; BLOCK];
    labels.fill(0);
    for (channel, row) in input.chunks_exact(voxels).enumerate() {
        let row = &row[start..start + labels.len()];
        for ((label, most), score) in labels.iter_mut().zip(&mut most).zip(row) {
            let score = score.widen();
            let larger = score > *most;
            // At most 65,536 channels, which was checked.
            *label = if larger { channel as u16 } else { *label };
            *most = if larger { score } else { *most };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::bf16;
    use crate::simd::with_simd_level;

    const SHAPE: ChannelShape = ChannelShape {
        batch: 2,
        channels: 3,
        voxels: 517,
    };

    fn scores() -> Vec<f32> {
        let value = |i: usize| ((i * 7919) % 2003) as f32 / 100.0 - 10.0;
        // As bfloat16 has them, so that both types hold the same numbers.
        (0..2 * 3 * 517)
            .map(|i| bf16::narrow(value(i)).widen())
            .collect()
    }

    #[test]
    fn probabilities_and_labels_follow_from_scores_of_either_type() {
        let input = scores();
        let stored: Vec<bf16> = input.iter().map(|&score| bf16::narrow(score)).collect();
        let place = |sample: usize, channel: usize, voxel: usize| {
            (sample * SHAPE.channels + channel) * SHAPE.voxels + voxel
        };
        for level in SimdLevel::available() {
            with_simd_level(level, || {
                let mut found = vec![f32::NAN; input.len()];
                softmax_channels(&SHAPE, &stored, &mut found).unwrap();
                let mut same = found.clone();
                softmax_channels(&SHAPE, &input, &mut same).unwrap();
                assert_eq!(found, same);
                let mut rounded = vec![bf16::ZERO; input.len()];
                softmax_channels(&SHAPE, &input, &mut rounded).unwrap();
                let (mut labels, mut others) = (vec![9; 2 * 517], vec![8; 2 * 517]);
                argmax_channels(&SHAPE, &stored, &mut labels).unwrap();
                argmax_channels(&SHAPE, &input, &mut others).unwrap();
                assert_eq!(labels, others);
                for (sample, voxel) in (0..2).flat_map(|s| (0..517).map(move |v| (s, v))) {
                    let of = |channel| f64::from(input[place(sample, channel, voxel)]);
                    let sum: f64 = (0..3).map(|channel| of(channel).exp()).sum();
                    let mut best = 0;
                    for channel in 0..3 {
                        let expected = of(channel).exp() / sum;
                        let at = place(sample, channel, voxel);
                        assert!((f64::from(found[at]) - expected).abs() < 1e-6);
                        assert_eq!(rounded[at], bf16::narrow(found[at]));
                        best = if of(channel) > of(best) {
                            channel
                        } else {
                            best
                        };
                    }
                    assert_eq!(usize::from(labels[sample * 517 + voxel]), best);
                }
            });
        }
    }

    #[test]
    fn nan_is_never_the_largest_and_too_many_channels_are_refused() {
        let shape = ChannelShape {
            batch: 1,
            channels: 3,
            voxels: 2,
        };
        let mut labels = [7; 2];
        let input = [f32::NAN, 1.0, -1.0, 1.0, f32::NAN, 0.5];
        argmax_channels(&shape, &input, &mut labels).unwrap();
        assert_eq!(labels, [1, 0]);
        let shape = ChannelShape {
            batch: 0,
            channels: 65_537,
            voxels: 1,
        };
        assert!(argmax_channels::<f32>(&shape, &[], &mut []).is_err());
    }
}
