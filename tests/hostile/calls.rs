//! Calls with numbers that do not fit: cases, batches, patches of an output, boxes of a grid, corners of a mesh.

use crate::mutation::Mutation;
use crate::{Tried, common, tried};
use std::sync::Arc;
use vesalius::filters::{LinearParts, Mesh, write_obj, write_stl};
use vesalius::inferers::{
    AverageMerger, MaximumMerger, Merger, PatchLocation, ProbabilityMap, ProbabilitySource,
};
use vesalius::losses::{DeepSupervision, LossConfig};
use vesalius::networks::{Network, NetworkConfig, UNetConfig};
use vesalius::prelude::*;
use vesalius::training::{
    Batch, CaseSource, GradientStrategy, MixedTarget, Objective, Precision, SeveralDevices,
    SingleDevice,
};

/// A number that fits often enough, at the ends of what there is, or beyond any machine.
fn number(mutation: &mut Mutation) -> usize {
    let numbers = [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        12,
        16,
        24,
        1 << 40,
        usize::MAX / 2,
        usize::MAX,
    ];
    let most = if mutation.below(4) == 0 { 15 } else { 9 };
    numbers[mutation.below(most)]
}

fn numbers<const N: usize>(mutation: &mut Mutation) -> [usize; N] {
    std::array::from_fn(|_| number(mutation))
}

/// So many values, as far as a machine has them.
fn values(count: Option<usize>, mutation: &mut Mutation) -> Vec<f32> {
    let few = mutation.below(40);
    let count = count.filter(|&count| count < 1 << 12 && mutation.below(4) > 0);
    vec![1.0; count.unwrap_or(few)]
}

fn product(numbers: &[usize]) -> Option<usize> {
    let mut numbers = numbers.iter();
    numbers.try_fold(1usize, |product, n| product.checked_mul(*n))
}

#[test]
fn cases_that_are_not_there_do_not_panic() {
    let labels = LabelScheme::exclusive(&[("a", 1), ("b", 2), ("c", 3)]).unwrap();
    let cases = common::data(&labels, &common::config(1), 2, 0).training;
    tried(300, "cases", move |mutation| {
        let ([index], start, size) = (numbers(mutation), numbers::<3>(mutation), numbers(mutation));
        let cases: Arc<dyn CaseSource> = cases.clone();
        Tried::new(format!("{index}: {size:?} from {start:?}"), move || {
            let Ok(case) = cases.get(index) else {
                return false;
            };
            // What lies between is made, and would only take long.
            let tried = product(&size).is_none_or(|n| !(1 << 12..1 << 46).contains(&n));
            let start = start.map(|n| i64::try_from(n).unwrap_or(i64::MIN));
            tried && case.region(start, size).is_ok()
        })
    });
}

/// A network of one channel and two classes, on a device with an autodiff graph.
fn network() -> Network {
    let config = NetworkConfig::UNet(UNetConfig {
        channels: vec![2, 4],
        strides: vec![2.into()],
        ..UNetConfig::default()
    });
    let device = parse_device("cpu").unwrap().autodiff();
    config.with_channels(1, 2).init_seeded(&device, 1).unwrap()
}

#[test]
fn batches_of_any_shape_do_not_panic() {
    let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let network = network();
    tried(300, "batches", move |mutation| {
        let mut shape = [1, 1, 4, 4, 4];
        for _ in 0..mutation.below(3) {
            shape[mutation.below(5)] = number(mutation);
        }
        let [n, _, z, y, x] = shape;
        let images = values(product(&shape), mutation);
        let count = values(product(&[n, z, y, x]), mutation).len();
        let mixed = values(Some(count), mutation).len();
        let (several, devices) = (mutation.below(2) == 0, mutation.below(3));
        let batch = Batch {
            shape,
            images,
            labels: vec![1; count],
            cases: vec!["a".to_owned()],
            mixed_target: (mutation.below(2) == 0).then(|| MixedTarget {
                labels: vec![0; mixed],
                weight: 0.5,
            }),
            absent: Vec::new(),
        };
        let text = format!(
            "{shape:?}, {} and {count} values, {devices} devices",
            batch.images.len()
        );
        let (network, labels) = (network.clone(), labels.clone());
        Tried::new(text, move || {
            let objective = Objective {
                labels: &labels,
                loss: &LossConfig::default(),
                deep_supervision: &DeepSupervision::default(),
                precision: Precision::F32,
                loss_scale: 1.0,
            };
            let strategy: &dyn GradientStrategy = match several {
                true => &SeveralDevices {
                    devices: vec![parse_device("cpu").unwrap(); devices],
                },
                false => &SingleDevice,
            };
            let batches = vec![batch; 2];
            strategy.gradients(&network, batches, &objective).is_ok()
        })
    });
}

#[test]
fn outputs_of_patches_anywhere_do_not_panic() {
    let grid = Geometry::axis_aligned([6, 5, 4], [1.0; 3]).unwrap();
    let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let stored = Volume::filled(grid, 0.5f32);
    let stored = Volume::stack(&[stored.clone(), stored]).unwrap();
    let map = ProbabilityMap::from_stored(&scheme, stored).unwrap();
    tried(2000, "patches", move |mutation| {
        let patch = numbers(mutation);
        let place = PatchLocation {
            start: numbers(mutation),
            patch,
            output: match mutation.below(4) {
                0 => numbers(mutation),
                _ => patch,
            },
            channels: number(mutation),
        };
        let [x, y, z] = place.output;
        let values = values(product(&[place.channels, x, y, z]), mutation);
        let ([channel, first], mut read) = (numbers(mutation), vec![0.0; mutation.below(150)]);
        let map = map.clone();
        let text = format!("{place:?} of {} values; {channel}, {first}", values.len());
        Tried::new(text, move || {
            let (mut mean, mut largest) = (AverageMerger::new(grid), MaximumMerger::new(grid));
            let added = mean.add(&place, &values).is_ok() && largest.add(&place, &values).is_ok();
            let read = map.read(channel, first, &mut read).is_ok();
            mean.finish().is_ok() && largest.finish().is_ok() && added || read
        })
    });
}

#[test]
fn boxes_and_corners_that_are_not_there_do_not_panic() {
    tried(2000, "boxes and corners", move |mutation| {
        let ranges =
            |mutation: &mut Mutation| numbers::<3>(mutation).map(|start| start..number(mutation));
        let (from, to, axis) = (ranges(mutation), ranges(mutation), number(mutation));
        let length =
            |ranges: &[std::ops::Range<usize>; 3]| product(&[0, 1, 2].map(|a| ranges[a].len()));
        let (source, mut out) = (
            values(length(&from), mutation),
            values(length(&to), mutation),
        );
        let corners = vec![[0.0, 1.0, 2.0]; mutation.below(6)];
        let triangles = vec![numbers(mutation).map(|corner| corner as u32); mutation.below(3)];
        let text = format!(
            "{from:?} to {to:?}, axis {axis}, {triangles:?} of {}",
            corners.len()
        );
        Tried::new(text, move || {
            let parts = LinearParts::nnunet([4, 5, 6], [8, 7, 6], None).unwrap();
            let seen = parts.seen(axis, to[0].clone());
            let made = parts.part(&source, &from, &mut out, &to).is_ok();
            let Ok(mesh) = Mesh::new(corners, triangles) else {
                return made;
            };
            let written = write_stl(&mesh, &mut Vec::new()).is_ok();
            let text = write_obj(&mesh, &mut Vec::new()).is_ok();
            seen.len() <= 6 && mesh.area() >= 0.0 && mesh.volume().is_finite() && written && text
        })
    });
}
