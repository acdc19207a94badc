//! The components of a chain of transforms, in order.

use crate::component::{Component, Work};
use crate::resolve::Item;
use crate::{Error, Result};

/// The transforms of a `Compose`, or of a list; those inside one another are laid out in one row.
pub(super) fn read<'w, 'c>(
    work: &'w Work<'c>,
    item: Item<'c>,
    place: &str,
) -> Result<Vec<Component<'w, 'c>>> {
    let mut found = Vec::new();
    collect(work, item, place, &mut found)?;
    Ok(found)
}

fn collect<'w, 'c>(
    work: &'w Work<'c>,
    item: Item<'c>,
    place: &str,
    found: &mut Vec<Component<'w, 'c>>,
) -> Result<()> {
    let is_list = match &item {
        Item::Node(node) => node.value.is_array(),
        Item::List(_) => true,
        _ => false,
    };
    if is_list {
        for item in work.resolver.elements(item, place)? {
            work.resolver
                .deeper(place, || collect(work, item, place, found))?;
        }
        return Ok(());
    }
    let mut component = Component::of(work, item, place)?;
    if component.class != "Compose" {
        found.push(component);
        return Ok(());
    }
    for name in ["map_items", "log_stats"] {
        component.ignore(&[name]);
    }
    for name in ["unpack_items", "lazy", "overrides"] {
        component.only(name, &[])?;
    }
    let id = component.id.clone();
    let transforms = component
        .item("transforms")?
        .ok_or_else(|| Error::Missing {
            id: format!("{id}::transforms"),
            needed_by: "it is the chain".to_owned(),
        })?;
    component.finish()?;
    work.resolver.deeper(&id, || {
        collect(work, transforms, &format!("{id}::transforms"), found)
    })
}
