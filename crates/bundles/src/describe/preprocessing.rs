//! The chain before the network: which inputs reach it, and through which steps.

use super::transforms::{self, Clicks};
use super::{IMAGE, chain};
use crate::component::{Component, Work};
use crate::description::{About, Placed};
use crate::note::Note;
use crate::step::Step;
use crate::{Error, Result};

/// A transform and what it works on.
struct Link<'w, 'c> {
    component: Component<'w, 'c>,
    on: On,
}

enum On {
    /// Each of these keys by itself.
    Keys(Vec<String>),
    /// Several keys into one.
    Joins { inputs: Vec<String>, output: String },
    /// The clicks on the image.
    Clicks,
}

/// The inputs' keys, and the steps.
pub(super) fn read(work: &Work<'_>, about: &About) -> Result<(Vec<String>, Vec<Placed<Step>>)> {
    let (id, item) = match work.resolver.find("dataset::transform")? {
        Some(item) => ("dataset::transform", item),
        None => (
            "preprocessing",
            work.resolver
                .need("preprocessing", "it makes the network's input")?,
        ),
    };
    let mut links = Vec::new();
    for mut component in chain::read(work, item, id)? {
        let on = on(&mut component)?;
        links.push(Link { component, on });
    }
    let (inputs, live) = followed_back(&links);
    let mut at: Vec<String> = inputs.clone();
    let mut clicks = Clicks::default();
    let mut steps: Vec<Placed<Step>> = Vec::new();
    for (link, live) in links.into_iter().zip(live) {
        let (id, class) = (link.component.id.clone(), link.component.class.clone());
        let Some(live) = live else {
            work.note(Note::LeftOut { id, class });
            continue;
        };
        if let On::Keys(keys) = &link.on {
            let done = |input: &String| live.iter().any(|index| keys.get(*index) == Some(input));
            if let Some(input) = at.iter().find(|input| !done(input)) {
                return Err(Error::NotUnderstood {
                    id: format!("{id}::keys"),
                    text: keys.join(", "),
                    reason: format!("without `{input}`, so that the inputs are not treated alike"),
                    instead: "set it to all of them".to_owned(),
                });
            }
            if steps.is_empty() && class != "LoadImaged" {
                return Err(link.component.unknown("before `LoadImaged`"));
            }
        }
        let (component, joined) = match link.on {
            On::Keys(keys) => (with_keys(link.component, keys.len(), live), None),
            On::Joins { inputs, output } => {
                at = vec![output];
                (link.component, Some(inputs))
            }
            On::Clicks => (link.component, None),
        };
        let made = transforms::read(component, joined, &mut clicks, about)?;
        steps.extend(made.into_iter().map(|step| Placed {
            id: id.clone(),
            step,
        }));
    }
    match steps.is_empty() {
        true => Err(Error::Missing {
            id: format!("{id}::transforms"),
            needed_by: format!("`{IMAGE}` has to be loaded"),
        }),
        false => Ok((inputs, steps)),
    }
}

fn with_keys<'w, 'c>(
    mut component: Component<'w, 'c>,
    count: usize,
    live: Vec<usize>,
) -> Component<'w, 'c> {
    component.with_keys(count, live);
    component
}

fn on(component: &mut Component<'_, '_>) -> Result<On> {
    let (inputs, output) = match component.class.as_str() {
        "ConcatItemsd" => ("keys", "name"),
        "scripts.my_transforms.ConcatImages" => ("keys_merge", "keys_out"),
        class if transforms::is_of_clicks(class) => return Ok(On::Clicks),
        _ => {
            component.ignore(&["allow_missing_keys"]);
            let keys = component.texts("keys")?;
            return keys
                .map(On::Keys)
                .ok_or_else(|| component.unknown("as a step before the network"));
        }
    };
    let needed = |component: &Component<'_, '_>, name| component.bad(name, "is not given");
    let inputs_of = component.texts(inputs)?;
    let output_of = component.text(output)?;
    Ok(On::Joins {
        inputs: inputs_of.ok_or_else(|| needed(component, inputs))?,
        output: output_of.ok_or_else(|| needed(component, output))?,
    })
}

/// From the network back: the inputs, and for each link the indices of its keys that count, or `None` where none does.
fn followed_back(links: &[Link<'_, '_>]) -> (Vec<String>, Vec<Option<Vec<usize>>>) {
    let mut wanted = vec![IMAGE.to_owned()];
    let mut live = Vec::new();
    for link in links.iter().rev() {
        live.push(match &link.on {
            On::Clicks => Some(Vec::new()),
            On::Keys(keys) => {
                let indices: Vec<usize> = (0..keys.len())
                    .filter(|index| wanted.contains(&keys[*index]))
                    .collect();
                (!indices.is_empty()).then_some(indices)
            }
            On::Joins { inputs, output } => match wanted.iter().position(|key| key == output) {
                None => None,
                Some(at) => {
                    wanted.splice(at..=at, inputs.iter().cloned());
                    Some(Vec::new())
                }
            },
        });
    }
    live.reverse();
    (wanted, live)
}
