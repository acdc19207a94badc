//! Which plans are unchanged since planning: a hash of each plan's text, noted when it is written. Plans may be edited
//! by hand, so one that differs is used with a warning, which also shows a corrupted file.

use crate::work::problem;
use crate::{Plan, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::Warning;

const FILE: &str = "planned.json";

type Hashes = BTreeMap<String, String>;

fn hash(text: &[u8]) -> String {
    blake3::hash(text).to_hex()[..16].to_owned()
}

fn read(folder: &Path) -> Hashes {
    // What was noted serves warnings alone: without it, no plan is called changed.
    let text = std::fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Writes a plan that this program made, and notes its hash.
pub(crate) fn write(plan: &Plan, folder: &Path) -> Result<()> {
    plan.write(folder)?;
    let path = Plan::path(folder, plan.name());
    let text = std::fs::read(&path).map_err(|source| crate::Error::System {
        path,
        what: "read",
        source,
    })?;
    let mut hashes = read(folder);
    hashes.insert(plan.name().to_owned(), hash(&text));
    let noted = folder.join(FILE);
    let text =
        serde_json::to_string_pretty(&hashes).map_err(|e| problem(&noted, &e.to_string()))?;
    Ok(vesalius_io::write_bytes_atomically(
        &noted,
        text.as_bytes(),
    )?)
}

/// A warning for each plan in a folder that differs from what was planned.
pub(crate) fn warnings(folder: &Path) -> Vec<Warning> {
    let noted = read(folder);
    let edited = |(name, planned): (&String, &String)| -> Option<PathBuf> {
        let path = Plan::path(folder, name);
        let text = std::fs::read(&path).ok()?;
        (hash(&text) != *planned).then_some(path)
    };
    noted
        .iter()
        .filter_map(edited)
        .map(|path| Warning::PlanEdited { path })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_networks::{NetworkConfig, UNetConfig};
    use vesalius_training::TrainingConfig;
    use vesalius_transforms::PatchConfig;

    #[test]
    fn an_edited_plan_is_told_and_one_made_by_hand_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let network = NetworkConfig::UNet(UNetConfig {
            channels: vec![4, 8],
            strides: vec![2.into()],
            ..UNetConfig::default()
        });
        let patch = PatchConfig {
            size: [16; 3],
            ..PatchConfig::default()
        };
        let plan = |name: &str| Plan {
            reasons: vec!["it is small".to_owned()],
            training: TrainingConfig::new(network.clone())
                .name(name)
                .patch(patch.clone()),
        };
        write(&plan("planned"), folder).unwrap();
        plan("by_hand").write(folder).unwrap();
        assert_eq!(warnings(folder), []);
        for name in ["planned", "by_hand"] {
            let path = Plan::path(folder, name);
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace("- 16", "- 32")).unwrap();
            assert_eq!(Plan::read(&path).unwrap().training.patch.size, [32; 3]);
        }
        let path = Plan::path(folder, "planned");
        assert_eq!(
            warnings(folder),
            [Warning::PlanEdited { path: path.clone() }]
        );
        // Writing the plan again makes it unchanged.
        write(&plan("planned"), folder).unwrap();
        assert_eq!(warnings(folder), []);
        // One flipped bit that leaves the text a plan.
        let mut text = std::fs::read(&path).unwrap();
        let at = text.iter().position(|&byte| byte == b'1').unwrap();
        text[at] ^= 2;
        std::fs::write(&path, &text).unwrap();
        assert_eq!(warnings(folder).len(), 1);
    }
}
