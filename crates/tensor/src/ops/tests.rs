//! Every operation on both of its paths: values and gradients of our kernels against Burn's operations.

use super::*;
use crate::cpu::ActivationKind;
use crate::{Device, Fill, Scope, Tensor};

/// A random tensor that records gradients.
fn random<const D: usize>(name: &str, shape: [usize; D]) -> Tensor<D> {
    let scope = Scope::new(&Device::flex().autodiff(), 11);
    scope.parameter(name, shape, Fill::Normal(1.0)).val()
}

/// The largest difference, as a share of the largest value.
fn difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let scale: f32 = b.clone().abs().max().into_scalar();
    let gap: f32 = (a - b).abs().max().into_scalar();
    gap / scale.max(1e-6)
}

/// Runs both paths on the same five-dimensional input and the same vectors, and compares outputs
/// and all gradients of a weighted sum of the output.
fn agree(
    input: Tensor<5>,
    weights: Vec<Tensor<5>>,
    vectors: Vec<Tensor<1>>,
    kernels: impl Fn(Tensor<5>, &[Tensor<5>], &[Tensor<1>]) -> Tensor<5>,
    burns: impl Fn(Tensor<5>, &[Tensor<5>], &[Tensor<1>]) -> Tensor<5>,
) {
    let ours = kernels(input.clone(), &weights, &vectors);
    let theirs = burns(input.clone(), &weights, &vectors);
    let far = difference(ours.clone().inner(), theirs.clone().inner());
    assert!(far < 1e-5, "outputs differ by {far}");
    let factor = random("factor", theirs.dims()).detach();
    let ours = (ours * factor.clone()).sum().backward();
    let theirs = (theirs * factor).sum().backward();
    let check5 = |name: &str, tensor: &Tensor<5>| {
        let (a, b) = (tensor.grad(&ours).unwrap(), tensor.grad(&theirs).unwrap());
        let far = difference(a, b);
        assert!(far < 1e-4, "gradients to the {name} differ by {far}");
    };
    check5("input", &input);
    weights.iter().for_each(|weight| check5("weight", weight));
    for vector in &vectors {
        let (a, b) = (vector.grad(&ours).unwrap(), vector.grad(&theirs).unwrap());
        let far = difference(a, b);
        assert!(far < 1e-4, "gradients to a vector differ by {far}");
    }
}

#[test]
fn convolutions_agree() {
    let cases = [
        ([3, 3, 3], [1, 1, 1], [1, 1, 1], [1, 1, 1], 1),
        ([3, 3, 1], [2, 2, 1], [1, 1, 0], [1, 1, 1], 1),
        ([1, 1, 1], [1, 1, 1], [0, 0, 0], [1, 1, 1], 2),
        ([3, 1, 3], [2, 1, 1], [2, 0, 1], [2, 1, 1], 2),
    ];
    for ([kx, ky, kz], stride, padding, dilation, groups) in cases {
        let options = ConvolutionOptions {
            stride,
            padding,
            dilation,
            groups,
        };
        agree(
            random("x", [2, 4, 5, 6, 7]),
            vec![random("w", [6, 4 / groups, kz, ky, kx])],
            vec![random("b", [6])],
            |x, w, b| convolution(x, w[0].clone(), Some(b[0].clone()), options),
            |x, w, b| convolution::fallback(x, w[0].clone(), Some(b[0].clone()), options),
        );
    }
}

#[test]
fn transposed_convolutions_agree() {
    let cases = [
        ([2, 2, 2], [2, 2, 2], [0, 0, 0], [0, 0, 0]),
        ([2, 2, 1], [2, 2, 1], [0, 0, 0], [0, 0, 0]),
        ([3, 3, 3], [2, 2, 2], [1, 1, 1], [1, 1, 1]),
        ([3, 3, 1], [1, 2, 1], [1, 1, 0], [0, 1, 0]),
    ];
    for ([kx, ky, kz], stride, padding, output_padding) in cases {
        let options = TransposedOptions {
            stride,
            padding,
            output_padding,
            dilation: [1; 3],
            groups: 1,
        };
        agree(
            random("x", [2, 4, 3, 4, 5]),
            vec![random("w", [4, 3, kz, ky, kx])],
            vec![random("b", [3])],
            |x, w, b| transposed_convolution(x, w[0].clone(), Some(b[0].clone()), options),
            |x, w, b| {
                convolution::transposed_fallback(x, w[0].clone(), Some(b[0].clone()), options)
            },
        );
    }
}

#[test]
fn norms_with_activations_agree() {
    let kinds = [
        ActivationKind::Identity,
        ActivationKind::Relu,
        ActivationKind::LeakyRelu(0.01),
        ActivationKind::Prelu,
    ];
    for kind in kinds {
        for groups in [6, 2] {
            let mut vectors = vec![random("scale", [6]), random("shift", [6])];
            if kind == ActivationKind::Prelu {
                vectors.push(random("slope", [1]));
            }
            let activated = |v: &[Tensor<1>]| Activated {
                kind,
                slopes: v.get(2).cloned(),
            };
            let affine = |v: &[Tensor<1>]| Some((v[0].clone(), v[1].clone()));
            agree(
                random("x", [2, 6, 3, 4, 5]),
                vec![],
                vectors,
                |x, _, v| normalize_groups(x, groups, affine(v), 1e-5, activated(v)),
                |x, _, v| norm::fallback(x, groups, affine(v), 1e-5, activated(v)),
            );
        }
    }
    agree(
        random("x", [2, 6, 3, 4, 5]),
        vec![],
        vec![],
        |x, _, _| normalize_groups(x, 6, None, 1e-5, Activated::identity()),
        |x, _, _| norm::fallback(x, 6, None, 1e-5, Activated::identity()),
    );
}

#[test]
fn batch_norms_agree() {
    let affine = |v: &[Tensor<1>]| Some((v[0].clone(), v[1].clone()));
    let input = random("x", [3, 4, 3, 4, 5]);
    agree(
        input.clone(),
        vec![],
        vec![random("scale", [4]), random("shift", [4])],
        |x, _, v| batch_normalize(x, affine(v), 1e-5).0,
        |x, _, v| norm::batch_fallback(x, affine(v), 1e-5).0,
    );
    let (_, mean, variance) = batch_normalize(input.clone(), None, 1e-5);
    let (_, same_mean, same_variance) = norm::batch_fallback(input, None, 1e-5);
    assert!(difference(mean, same_mean) < 1e-5);
    assert!(difference(variance, same_variance) < 1e-5);
}

#[test]
fn activations_agree() {
    for kind in [ActivationKind::Relu, ActivationKind::LeakyRelu(0.1)] {
        agree(
            random("x", [2, 3, 3, 4, 5]),
            vec![],
            vec![],
            |x, _, _| activate(x, kind, None),
            |x, _, _| activation::fallback(x, kind, None),
        );
    }
    for slopes in [1, 3] {
        agree(
            random("x", [2, 3, 3, 4, 5]),
            vec![],
            vec![random("slopes", [slopes])],
            |x, _, v| activate(x, ActivationKind::Prelu, Some(v[0].clone())),
            |x, _, v| activation::fallback(x, ActivationKind::Prelu, Some(v[0].clone())),
        );
    }
}

#[test]
fn pools_agree() {
    for (kernel, stride, padding) in [
        ([2, 2, 2], [2, 2, 2], [0, 0, 0]),
        ([2, 2, 1], [2, 2, 1], [0, 0, 0]),
        ([3, 3, 3], [2, 1, 2], [1, 1, 1]),
    ] {
        let input = || random("x", [2, 3, 4, 6, 7]);
        agree(
            input(),
            vec![],
            vec![],
            |x, _, _| max_pool(x, kernel, stride, padding),
            |x, _, _| pool::max_pool_fallback(x, kernel, stride, padding),
        );
        agree(
            input(),
            vec![],
            vec![],
            |x, _, _| average_pool(x, kernel, stride, padding),
            |x, _, _| pool::average_pool_fallback(x, kernel, stride, padding),
        );
    }
}

#[test]
fn resizes_agree() {
    for size in [[10, 8, 6], [7, 2, 3], [5, 4, 9]] {
        let input = || random("x", [2, 3, 3, 4, 5]);
        agree(
            input(),
            vec![],
            vec![],
            |x, _, _| resize_nearest(x, size),
            |x, _, _| resize::nearest_fallback(x, size),
        );
        for corners in [true, false] {
            agree(
                input(),
                vec![],
                vec![],
                |x, _, _| resize_linear(x, size, corners),
                |x, _, _| resize::linear_fallback(x, size, corners),
            );
        }
    }
}

#[test]
fn joined_channels_and_their_gradients_agree_with_burn() {
    let tensor = |name: &str, channels| random(name, [2, channels, 3, 4, 5]);
    let (a, b, weights) = (tensor("a", 3), tensor("b", 2), tensor("weights", 5));
    let gradients = |joined: Tensor<5>| {
        let found = (joined.clone() * weights.clone()).sum().backward();
        let of = |x: &Tensor<5>| x.grad(&found).unwrap().into_data();
        (joined.into_data(), of(&a), of(&b))
    };
    let ours = gradients(concatenate(a.clone(), b.clone()));
    let theirs = gradients(Tensor::cat(vec![a.clone(), b.clone()], 1));
    assert_eq!(ours, theirs);
}

#[test]
fn linear_layers_and_layer_norms_agree() {
    for bias in [false, true] {
        let vectors = match bias {
            true => vec![random("b", [5])],
            false => Vec::new(),
        };
        let weight = |w: &[Tensor<5>]| w[0].clone().reshape([5, 7]);
        agree(
            random("x", [2, 3, 1, 4, 7]),
            vec![random("w", [5, 7, 1, 1, 1])],
            vectors,
            |x, w, b| linear(x, weight(w), b.first().cloned()),
            |x, w, b| linear::linear_fallback(x, weight(w), b.first().cloned()),
        );
    }
    for affine in [false, true] {
        let vectors = match affine {
            true => vec![random("scale", [9]), random("shift", [9])],
            false => Vec::new(),
        };
        let both = |v: &[Tensor<1>]| Some((v.first()?.clone(), v.get(1)?.clone()));
        agree(
            random("x", [2, 3, 1, 4, 9]),
            Vec::new(),
            vectors,
            |x, _, v| layer_norm(x, both(v), 1e-5),
            |x, _, v| linear::layer_norm_fallback(x, both(v), 1e-5),
        );
    }
    agree(
        random("x", [2, 3, 1, 4, 9]),
        Vec::new(),
        Vec::new(),
        |x, _, _| gelu(x),
        |x, _, _| {
            let below: Tensor<5> = (x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0;
            x * below * 0.5
        },
    );
}

#[test]
fn attentions_agree() {
    let scope = Scope::new(&Device::flex(), 0);
    let drop = crate::DropoutConfig::default().init(&scope);
    let regions: Vec<u32> = (0..30).map(|i| i * i % 3).collect();
    let regions = Some(std::sync::Arc::new(regions));
    for (biased, regions) in [(false, None), (true, None), (true, regions)] {
        let weights = match biased {
            true => vec![random("bias", [2, 15, 15, 1, 1])],
            false => Vec::new(),
        };
        let options = |w: &[Tensor<5>]| AttentionOptions {
            heads: 2,
            bias: w.first().map(|bias| bias.clone().reshape([2, 15, 15])),
            regions: regions.clone(),
        };
        let whole = |x: Tensor<3>| x.reshape([4, 15, 8, 1, 1]);
        agree(
            random("x", [4, 15, 24, 1, 1]),
            weights,
            Vec::new(),
            |x, w, _| whole(attend(x.reshape([4, 15, 24]), &options(w), &drop)),
            |x, w, _| {
                whole(attention::fallback(
                    x.reshape([4, 15, 24]),
                    &options(w),
                    &drop,
                ))
            },
        );
    }
}

#[test]
fn rows_in_another_order_agree() {
    let order = RowOrder::new(5, [Some(3), None, Some(0), Some(4), None, Some(2)]);
    let five = |x: Tensor<3>| {
        let [a, b, c] = x.dims();
        x.reshape([a, b, c, 1, 1])
    };
    for order in [order.clone(), order.back()] {
        let rows = order.put().len();
        let flat = |x: Tensor<5>| x.reshape([2, rows, 3]);
        agree(
            random("x", [2, rows, 3, 1, 1]),
            Vec::new(),
            Vec::new(),
            |x, _, _| five(reorder_rows(flat(x), &order)),
            |x, _, _| five(rows::reorder_fallback(flat(x), &order)),
        );
    }
    agree(
        random("x", [2, 5, 3, 1, 1]),
        Vec::new(),
        Vec::new(),
        |x, _, _| five(transpose_rows(x.reshape([2, 5, 3]))),
        |x, _, _| x.swap_dims(1, 2),
    );
}
