//! nnU-Net's `postprocessing.json`: which components go, as `nnUNetv2_find_best_configuration` found out.

use crate::{Error, PostprocessingStep, Result};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

#[derive(Deserialize)]
struct Stored {
    postprocessing_fns: Vec<String>,
    postprocessing_kwargs: Vec<Value>,
}

/// nnU-Net's one function.
const KEEP_LARGEST: &str = "remove_all_but_largest_component_from_segmentation";

/// The steps that the file names; none when there is no file.
pub(super) fn read(path: &Path) -> Result<Vec<PostprocessingStep>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let bad = |reason: String| Error::ModelFolder {
        path: path.to_path_buf(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let stored: Stored = serde_json::from_str(&text)
        .map_err(|e| bad(format!("is not nnU-Net's postprocessing: {e}")))?;
    if stored.postprocessing_fns.len() != stored.postprocessing_kwargs.len() {
        return Err(bad(
            "`postprocessing_fns` and `postprocessing_kwargs` differ in length".to_owned(),
        ));
    }
    stored
        .postprocessing_fns
        .iter()
        .zip(&stored.postprocessing_kwargs)
        .map(|(name, arguments)| {
            if name != KEEP_LARGEST {
                return Err(bad(format!(
                    "names `{name}`; only `{KEEP_LARGEST}` is understood"
                )));
            }
            let mut labels = Vec::new();
            collect(&arguments["labels_or_regions"], &mut labels);
            labels.sort_unstable();
            labels.dedup();
            if labels.is_empty() {
                return Err(bad("a step has no `labels_or_regions`".to_owned()));
            }
            Ok(PostprocessingStep::KeepLargest { labels })
        })
        .collect()
}

/// All values of labels and regions; a step takes them together.
fn collect(value: &Value, labels: &mut Vec<u16>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, labels)),
        _ => labels.extend(value.as_u64().and_then(|value| u16::try_from(value).ok())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_regions_are_taken_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("postprocessing.json");
        assert!(read(&path).unwrap().is_empty());
        let write = |name: &str, labels: &str| {
            let text = format!(
                r#"{{"postprocessing_fns": ["{name}"], "postprocessing_kwargs": [{{"labels_or_regions": {labels}}}]}}"#
            );
            std::fs::write(&path, text).unwrap();
        };
        write(KEEP_LARGEST, "[[1, 2], 3]");
        let labels = vec![1, 2, 3];
        assert_eq!(
            read(&path).unwrap(),
            [PostprocessingStep::KeepLargest { labels }]
        );
        write("magic", "1");
        assert!(read(&path).unwrap_err().to_string().contains("`magic`"));
    }
}
