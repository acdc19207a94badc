//! The network: its class and arguments.

use crate::component::{Component, Work};
use crate::description::NetworkSpec;
use crate::evaluate::DEVICE;
use crate::resolve::Item;
use crate::value::{TARGET_KEY, constant_name};
use crate::{Error, Result};
use serde_json::{Map, Value};

pub(super) fn read(work: &Work<'_>, item: Option<Item<'_>>) -> Result<NetworkSpec> {
    let item = item.ok_or_else(|| Error::Missing {
        id: "network_def".to_owned(),
        needed_by: "it is the network".to_owned(),
    })?;
    let component = Component::of(work, item.clone(), "network_def")?;
    let Value::Object(mut arguments) = work.resolver.force(item)? else {
        return Err(component.unknown("as a network"));
    };
    arguments.remove(TARGET_KEY);
    without_devices(&mut arguments);
    let class = component.target.rsplit('.').next().unwrap_or_default();
    Ok(NetworkSpec {
        class: class.to_owned(),
        target: component.target.clone(),
        id: component.id,
        arguments,
    })
}

/// Leaves out arguments that say on which device a part of the network is.
fn without_devices(arguments: &mut Map<String, Value>) {
    arguments.retain(|_, value| constant_name(value) != Some(DEVICE));
    for value in arguments.values_mut() {
        if let Value::Object(inner) = value {
            without_devices(inner);
        }
    }
}
