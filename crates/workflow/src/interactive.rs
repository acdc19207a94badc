//! A model that takes clicks, scored with simulated ones: each click goes into the largest error that is left.
//!
//! The rule is that of the literature (Sakinis et al., 2019; Diaz-Pinto et al., "DeepEdit", 2022): of all connected parts of
//! the image that are labelled wrongly the largest is clicked where it is deepest, with the label that the reference has there.

use serde::Serialize;
use vesalius_control::Control;
use vesalius_filters::{ComponentOptions, Connectivity, connected_components, distance_map};
use vesalius_inferers::InteractiveSegmenter;
use vesalius_volume::{ErrorKind, LabelMap, LabelScheme, Volume};

/// What can go wrong while clicks are simulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model failed, or takes no clicks.
    #[error("{0}")]
    Inference(#[from] vesalius_inferers::Error),
    /// A filter failed.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
    /// Two grids differ.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] vesalius_control::Cancelled),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Inference(error) => error.kind(),
            Self::Filter(error) => error.kind(),
            Self::Volume(error) => error.kind(),
            Self::Cancelled(_) => ErrorKind::Cancelled,
        }
    }
}

/// The result after some clicks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClickScore {
    /// How many clicks there were.
    pub clicks: usize,
    /// The Dice of each label that the reference or the result has, by name.
    pub dice: Vec<(String, f64)>,
    /// Their mean; 1 where neither has a label.
    pub mean: f64,
    /// Where the next click goes, in mm, and its label; `None` where nothing that can be clicked is wrong.
    pub next: Option<([f64; 3], String)>,
}

/// Clicks at most so many times and scores the result before the first click and after each one. It ends earlier where
/// nothing is wrong that can be clicked.
///
/// # Errors
/// A reference on another grid than the image's; a segmentation that fails; a cancellation.
pub fn simulate_clicks(
    session: &mut InteractiveSegmenter,
    scheme: &LabelScheme,
    reference: &LabelMap,
    clicks: usize,
    control: &Control,
) -> Result<Vec<ClickScore>, Error> {
    let stage = control.stage("clicks", clicks as u64);
    let clickable = clickable(session, scheme);
    let mut scores = Vec::new();
    for number in 0..=clicks {
        control.check()?;
        let found = session.predict()?.into_labels()?;
        found
            .geometry()
            .check_same(reference.geometry(), "image and reference")?;
        let (dice, mean) = dice(scheme, reference, &found);
        let next = match number < clicks {
            true => next_click(&clickable, reference, &found)?,
            false => None,
        };
        scores.push(ClickScore {
            clicks: number,
            dice,
            mean,
            next: next.clone(),
        });
        let Some((world, label)) = next else {
            break;
        };
        session.add_point(world, &label)?;
        stage.advance(1);
    }
    Ok(scores)
}

/// The labels that can be clicked: value and the name that the model's clicks have for it.
fn clickable(session: &InteractiveSegmenter, scheme: &LabelScheme) -> Vec<(u16, String)> {
    let own = scheme.labels();
    let named = own.iter().map(|label| (label.value, label.name));
    // Regions have no background of their own.
    let background = [(0, "background")];
    let all: Vec<(u16, &str)> = match own.iter().any(|label| label.value == 0) {
        true => named.collect(),
        false => background.into_iter().chain(named).collect(),
    };
    let same = |name: &str| {
        let mut labels = session.labels().iter();
        labels
            .find(|label| label.eq_ignore_ascii_case(name))
            .cloned()
    };
    all.into_iter()
        .filter_map(|(value, name)| Some((value, same(name)?)))
        .collect()
}

/// The deepest voxel of the largest part that is wrong, and the label that the reference has there.
fn next_click(
    clickable: &[(u16, String)],
    reference: &LabelMap,
    found: &LabelMap,
) -> Result<Option<([f64; 3], String)>, Error> {
    let grid = *reference.geometry();
    let pairs = reference.data().iter().zip(found.data());
    let wrong: Vec<u16> = pairs
        .map(|(is, found)| {
            let number = clickable.iter().position(|(value, _)| value == is);
            match number {
                Some(number) if is != found => 1 + number as u16,
                _ => 0,
            }
        })
        .collect();
    let wrong = LabelMap::new(grid, wrong)?;
    let options = ComponentOptions {
        connectivity: Connectivity::Faces,
        by_label: true,
    };
    let parts = connected_components(&wrong, &options)?;
    let largest = parts.sizes.iter().enumerate();
    let Some((largest, _)) = largest.max_by_key(|(at, size)| (**size, usize::MAX - at)) else {
        return Ok(None);
    };
    let largest = 1 + largest as u32;
    let outside = parts
        .labels
        .data()
        .iter()
        .map(|part| u16::from(*part != largest));
    let outside = LabelMap::new(grid, outside.collect())?;
    let depth: Volume<f32> = distance_map(&outside)?;
    let inside = depth.data().iter().enumerate();
    let inside = inside.filter(|(at, _)| outside.data()[*at] == 0);
    let deepest = inside.max_by(|(a, x), (b, y)| x.total_cmp(y).then(b.cmp(a)));
    let Some((at, _)) = deepest else {
        return Ok(None);
    };
    let label = &clickable[usize::from(wrong.data()[at]) - 1].1;
    let index = grid.index(at).map(|n| n as f64);
    Ok(Some((grid.index_to_world(index), label.clone())))
}

/// The Dice of each label that occurs, and their mean.
fn dice(scheme: &LabelScheme, reference: &LabelMap, found: &LabelMap) -> (Vec<(String, f64)>, f64) {
    let mut all = Vec::new();
    for label in scheme.labels() {
        let value = label.value;
        if value == 0 {
            continue;
        }
        let pairs = reference.data().iter().zip(found.data());
        let (mut sum, mut both) = (0usize, 0usize);
        for (is, found) in pairs {
            let has = [*is == value, *found == value];
            sum += usize::from(has[0]) + usize::from(has[1]);
            both += usize::from(has == [true; 2]);
        }
        if sum > 0 {
            all.push((label.name.to_owned(), 2.0 * both as f64 / sum as f64));
        }
    }
    let mean = match all.len() {
        0 => 1.0,
        count => all.iter().map(|(_, dice)| dice).sum::<f64>() / count as f64,
    };
    (all, mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_inferers::{
        ClickChannels, Inferer, ModelDescription, PatchNetwork, Segmenter, Simple,
    };
    use vesalius_networks::NetworkConfig;
    use vesalius_tensor::{Device, Tensor};
    use vesalius_volume::Geometry;

    /// A model whose organ is near clicks on it and not near clicks on the background.
    fn session(grid: Geometry) -> (InteractiveSegmenter, LabelScheme) {
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let clicks = ClickChannels {
            labels: vec!["organ".to_owned(), "background".to_owned()],
            sigma: 2.0,
        };
        let network = NetworkConfig::default().with_channels(3, 2);
        let model = ModelDescription::builder(scheme.clone(), network)
            .channels(["CT"])
            .preprocessing(
                serde_json::from_value(serde_json::json!([{"add_channels": {"count": 2}}]))
                    .unwrap(),
            )
            .clicks(clicks)
            .inferer(Inferer::Simple(Simple::default()))
            .build()
            .unwrap();
        let network: Box<dyn PatchNetwork + Send + Sync> = Box::new(|patch: Tensor<5>| {
            let organ = patch.clone().slice_dim(1, 1..2);
            let not = patch.slice_dim(1, 2..3);
            Tensor::cat(vec![not * 0.5 + 0.05, organ], 1)
        });
        let segmenter = Segmenter::with_networks(model, vec![network], &Device::flex()).unwrap();
        let image = Volume::filled(grid, 0.0f32);
        (InteractiveSegmenter::new(segmenter, image).unwrap(), scheme)
    }

    #[test]
    fn clicks_go_into_the_largest_error_and_scores_rise() {
        let grid = Geometry::axis_aligned([32, 32, 32], [1.0; 3]).unwrap();
        let (mut session, scheme) = session(grid);
        // Two boxes of one label, the second one smaller.
        let inside =
            |at: [usize; 3], from: usize, to: usize| at.iter().all(|&n| (from..to).contains(&n));
        let reference = LabelMap::from_fn(grid, |at| {
            u16::from(inside(at, 3, 12) || inside(at, 22, 27))
        });
        let control = Control::new();
        let scores = simulate_clicks(&mut session, &scheme, &reference, 4, &control).unwrap();
        assert_eq!(scores[0].mean, 0.0);
        assert_eq!(scores[0].next, Some(([7.0; 3], "organ".to_owned())));
        assert!(scores[1].mean > 0.5, "{scores:?}");
        // Too much is found by now: a click says where the organ is not.
        let next = scores[2].next.as_ref().unwrap();
        assert_eq!(next.1, "background", "{scores:?}");
        assert_eq!(reference.get(next.0.map(|mm| mm as usize)), 0);
        let last = scores.last().unwrap();
        assert!(last.clicks == 4 && last.next.is_none() && last.mean > scores[2].mean);
        // Nothing is wrong: no click.
        session.reset();
        let nothing = LabelMap::background(grid);
        let scores = simulate_clicks(&mut session, &scheme, &nothing, 4, &control).unwrap();
        assert_eq!((scores.len(), scores[0].mean), (1, 1.0));
        // Another grid.
        let other = LabelMap::background(Geometry::axis_aligned([4; 3], [1.0; 3]).unwrap());
        let error = simulate_clicks(&mut session, &scheme, &other, 1, &control).unwrap_err();
        assert!(error.to_string().contains("reference"), "{error}");
    }
}
