//! All of a network's output at once, on the file's grid: by the same slabs as windows take where its grid
//! runs along the file's, else by one resampling.

use super::{Exporter, Kept, LabelStore, Meaning, Output};
use crate::placement::Placement;
use crate::stitch::OutputSlice;
use crate::{Error, ProbabilityMap, ProbabilityStore, Result, Spilled};
use std::path::Path;
use vesalius_control::Control;
use vesalius_filters::{ResampleOptions, resample};
use vesalius_tensor::{LogitsSlab, ProbabilitiesSlab};
use vesalius_transforms::Coverage;
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Volume};

/// Slices of the result that are made at a time.
const SLAB: usize = 8;

/// Less of a voxel than this is rounding.
const ROUNDING: f64 = 1e-6;

/// The labels that logits on a network's grid mean on the grid of a file, of which the network's shows so
/// much; `None` where that is not along the axes. What preprocessing cropped away is background.
///
/// # Errors
/// Another number of channels than the scheme's, logits that are not finite, a grid that cannot be resampled
/// to.
pub fn labels_on_file(
    logits: Volume<f32>,
    file: &Geometry,
    coverage: Option<&Coverage>,
    scheme: &LabelScheme,
) -> Result<LabelMap> {
    let placement = match coverage {
        Some(coverage) => Placement::between(logits.geometry(), file, coverage)?,
        None if logits.geometry().is_same(file) => Some(Placement::identity(file)?),
        None => None,
    };
    match placement {
        Some(placement) => {
            let control = Control::new();
            let meaning = Meaning::of_logits(scheme);
            whole(&logits, &placement, meaning, (false, &control))?
                .0
                .into_map()
        }
        None => Ok(askew(logits, file, Meaning::of_logits(scheme))?.0),
    }
}

/// Labels, and probabilities where they are kept, of logits whose inverse transform is along the axes.
pub(crate) fn whole(
    logits: &Volume<f32>,
    placement: &Placement,
    meaning: Meaning,
    (keep, control): (bool, &Control),
) -> Result<(LabelStore, Option<ProbabilityStore>)> {
    check_channels(logits, meaning.scheme)?;
    let kept = Kept {
        probabilities: keep,
        spilled: Spilled::default(),
        // Nothing is in scratch files.
        folder: Path::new(""),
    };
    let mut output = Output::new(placement, meaning, kept, (control, 1))?;
    let rows = 0..placement.parts.target_size()[1];
    let mut exporter = Exporter::new(&mut output, rows, SLAB);
    let rows = exporter.seen();
    let [nx, ny, nz] = logits.geometry().size();
    let mut values = Vec::with_capacity(logits.channels() * rows.len() * nx);
    for z in 0..nz {
        values.clear();
        for channel in 0..logits.channels() {
            let slice = &logits.channel(channel)[z * nx * ny..][..nx * ny];
            values.extend_from_slice(&slice[rows.start * nx..rows.end * nx]);
        }
        exporter.push(OutputSlice {
            z,
            rows: rows.clone(),
            values: &mut values,
        })?;
    }
    Ok(output.finish())
}

/// The same for a grid that is oblique to the file's, or that was not reached by crops and changes of
/// spacing alone.
pub(crate) fn askew(
    logits: Volume<f32>,
    file: &Geometry,
    meaning: Meaning,
) -> Result<(LabelMap, ProbabilityMap)> {
    let scheme = meaning.scheme;
    check_channels(&logits, scheme)?;
    let (network, voxels) = (*logits.geometry(), file.voxel_count());
    let shares: Vec<f32> = (0..voxels)
        .map(|voxel| {
            let at = file.index_to_world(file.index(voxel).map(|n| n as f64));
            share(network.world_to_index(at), network.size())
        })
        .collect();
    let mut values = resample(&logits, file, &ResampleOptions::monai())?.into_data();
    drop(logits);
    fade(&mut values, scheme, |voxel| shares[voxel]);
    let slab = LogitsSlab::new(scheme, values)?;
    let mut labels = LabelMap::background(*file);
    slab.labels_by_into(meaning.presence, labels.data_mut())?;
    let mut values = slab.into_probabilities().into_data();
    surely_background(&mut values, scheme, |voxel| shares[voxel]);
    let slab = ProbabilitiesSlab::from_stored(scheme, values)?;
    Ok((labels, ProbabilityMap::new(*file, slab)))
}

/// The share of a place in the network's index space that lies on its grid: 1 within, falling to 0 at a distance of
/// one voxel.
fn share(place: [f64; 3], size: [usize; 3]) -> f32 {
    let along = |axis: usize| {
        let beyond = (-place[axis]).max(place[axis] - (size[axis] as f64 - 1.0));
        match 1.0 - beyond.max(0.0) {
            share if share < ROUNDING => 0.0,
            share if share > 1.0 - ROUNDING => 1.0,
            share => share,
        }
    };
    (along(0) * along(1) * along(2)) as f32
}

/// Logits where the network's input covers only a share of each voxel. A region's probability becomes that share of
/// it, as where a crop is undone by zeros and interpolated; exclusive classes stay those of the border. A share of
/// 0 is background.
pub(super) fn fade(values: &mut [f32], scheme: &LabelScheme, share: impl Fn(usize) -> f32) {
    let voxels = values.len() / scheme.channels().max(1);
    let nothing = background(scheme);
    for voxel in 0..voxels {
        match share(voxel) {
            share if share >= 1.0 => {}
            share if share <= 0.0 => {
                for (channel, value) in nothing.iter().enumerate() {
                    values[channel * voxels + voxel] = *value;
                }
            }
            share => {
                if let LabelScheme::Regions { .. } = scheme {
                    let region = values[voxel..].iter_mut().step_by(voxels);
                    region.for_each(|value| *value = faded(*value, share));
                }
            }
        }
    }
}

/// The same for probabilities: a region's becomes that share of it; exclusive classes stay those of the border, and a share
/// of 0 is background.
pub(super) fn fade_probabilities(
    values: &mut [f32],
    scheme: &LabelScheme,
    share: impl Fn(usize) -> f32,
) {
    if let LabelScheme::Regions { .. } = scheme {
        let voxels = values.len() / scheme.channels().max(1);
        for voxel in 0..voxels {
            let share = share(voxel);
            if share < 1.0 {
                let regions = values[voxel..].iter_mut().step_by(voxels);
                regions.for_each(|value| *value *= share.max(0.0));
            }
        }
    }
    surely_background(values, scheme, share);
}

/// Probability 1 of the background, and 0 of all else, outside of the network's input.
pub(super) fn surely_background(
    values: &mut [f32],
    scheme: &LabelScheme,
    share: impl Fn(usize) -> f32,
) {
    let voxels = values.len() / scheme.channels().max(1);
    let first = f32::from(u8::from(matches!(scheme, LabelScheme::Exclusive { .. })));
    for voxel in (0..voxels).filter(|&voxel| share(voxel) <= 0.0) {
        let channels = values[voxel..].iter_mut().step_by(voxels);
        for (channel, value) in channels.enumerate() {
            *value = if channel == 0 { first } else { 0.0 };
        }
    }
}

/// The logit of a share of a logit's probability.
fn faded(logit: f32, share: f32) -> f32 {
    let probability = (share / (1.0 + (-logit).exp())).max(f32::MIN_POSITIVE);
    (probability / (1.0 - probability)).ln()
}

/// Logits that mean background: the first class alone, or no region.
pub(crate) fn background(scheme: &LabelScheme) -> Vec<f32> {
    const SURE: f32 = 20.0;
    let mut logits = vec![-SURE; scheme.channels()];
    if let (LabelScheme::Exclusive { .. }, Some(first)) = (scheme, logits.first_mut()) {
        *first = SURE;
    }
    logits
}

pub(super) fn check_channels(logits: &Volume<f32>, scheme: &LabelScheme) -> Result<()> {
    if logits.channels() == scheme.channels() {
        return Ok(());
    }
    Err(Error::OutputChannels {
        found: logits.channels(),
        expected: scheme.channels(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_grid_askew_is_background() {
        let scheme = LabelScheme::exclusive(&[("background", 0), ("organ", 1)]).unwrap();
        let file = Geometry::axis_aligned([12, 10, 8], [1.0; 3]).unwrap();
        let crop = file.region([4, 0, 2], [4, 10, 3]).unwrap();
        // All of the crop is organ.
        let logits = [vec![-5.0; 120], vec![5.0; 120]].concat();
        let logits = Volume::new(crop, 2, logits).unwrap();
        let labels = labels_on_file(logits.clone(), &file, None, &scheme).unwrap();
        let (_, probabilities) = askew(logits, &file, Meaning::of_logits(&scheme)).unwrap();
        for (voxel, &label) in labels.data().iter().enumerate() {
            let [x, _, z] = file.index(voxel);
            let inside = (4..=7).contains(&x) && (2..=4).contains(&z);
            assert_eq!(label, u16::from(inside), "{x} {z}");
            if !inside {
                let found = [0, 1].map(|c| probabilities.data()[c * 960 + voxel]);
                assert_eq!(found, [1.0, 0.0]);
            }
        }
        let three = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        let logits = Volume::new(crop, 2, vec![0.0; 240]).unwrap();
        let refused = labels_on_file(logits, &file, None, &three).unwrap_err();
        assert!(refused.to_string().contains("2 channels"), "{refused}");
    }

    #[test]
    fn a_share_of_a_region_is_that_share_of_its_probability() {
        let scheme = LabelScheme::regions(&[("a", &[1], 1)]).unwrap();
        let mut values = vec![3.0, 3.0, 3.0, 3.0];
        let shares = [1.0, 0.6, 0.3, 0.0];
        fade(&mut values, &scheme, |voxel| shares[voxel]);
        let probability = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        let whole = probability(3.0);
        assert_eq!(values[0], 3.0);
        for (value, share) in values.iter().zip(shares).skip(1).take(2) {
            assert!((probability(*value) - share * whole).abs() < 1e-6);
        }
        assert_eq!(values[3], -20.0);
    }
}
