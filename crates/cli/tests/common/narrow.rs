//! A work folder with one plan of a small network, whose runs are the same on every machine.

use crate::common::made::{MRI, input};
use std::path::Path;
use tempfile::TempDir;

/// A folder with a dataset, its input and a plan of so many steps in a work folder.
pub fn begun(steps: u64) -> TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    MRI.write(folder);
    input(folder, "name: made\nmodality: MRI\nalgos: [narrow]\n");
    std::fs::create_dir_all(folder.join("work/plans")).unwrap();
    let plan = format!(
        "because: []
training:
  name: narrow
  preprocessing: [{{z_score: {{}}}}]
  patch: {{size: [16, 16, 16], sampling: {{positive: 1, negative: 1}}}}
  network: {{unet: {{channels: [4, 8], strides: [2], num_res_units: 1}}}}
  optimizer: {{adamw: {{learning_rate: 0.01}}}}
  duration: {{steps: {steps}}}
  validation: {{times: 2}}
  checkpoints: {{every_steps: 20}}
"
    );
    std::fs::write(folder.join("work/plans/narrow.yaml"), plan).unwrap();
    temporary
}

/// The weights of a run.
pub fn weights(folder: &Path, fold: usize) -> Vec<u8> {
    let members = folder.join(format!("work/runs/narrow/fold_{fold}/members"));
    let member = std::fs::read_dir(&members)
        .unwrap()
        .flatten()
        .next()
        .unwrap();
    std::fs::read(member.path().join("weights.safetensors")).unwrap()
}
