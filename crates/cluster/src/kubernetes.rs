//! Manifests for Kubernetes: an indexed job for each stage.

use crate::script::SAVED;
use crate::{Array, StageName};
use serde_json::{Value, json};

/// What a manifest is made of besides the stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What the work is called.
    pub name: String,
    /// The container image.
    pub image: String,
    /// The claim of the volume that holds the work folder and the data, mounted at `mount`.
    pub claim: String,
    /// Where it is mounted.
    pub mount: String,
    /// Memory of a job, such as `32Gi`.
    pub memory: Option<String>,
    /// Processors of a job.
    pub cpus: Option<u32>,
    /// GPUs of a job.
    pub gpus: u32,
}

/// A job of a stage: of an array an indexed job, whose elements get their number by `JOB_COMPLETION_INDEX`. Work that saved and
/// stopped (exit code 75) is started again without counting as a failure; other failures count for their element alone.
pub fn manifest(
    of: &Manifest,
    stage: StageName,
    command: &[String],
    array: Option<&Array>,
) -> Value {
    let mut resources = serde_json::Map::new();
    if let Some(memory) = &of.memory {
        resources.insert("memory".to_owned(), json!(memory));
    }
    if let Some(cpus) = of.cpus {
        resources.insert("cpu".to_owned(), json!(cpus.to_string()));
    }
    if of.gpus > 0 {
        resources.insert("nvidia.com/gpu".to_owned(), json!(of.gpus.to_string()));
    }
    let mut spec = json!({
        "podFailurePolicy": {"rules": [{
            "action": "Ignore",
            "onExitCodes": {"containerName": "work", "operator": "In", "values": [SAVED]},
        }]},
        "template": {"spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 180,
            "securityContext": {"runAsNonRoot": true},
            "containers": [{
                "name": "work",
                "image": of.image,
                "command": command,
                "resources": {"requests": resources, "limits": resources},
                "volumeMounts": [{"name": "work", "mountPath": of.mount}],
            }],
            "volumes": [{"name": "work", "persistentVolumeClaim": {"claimName": of.claim}}],
        }},
    });
    match array {
        Some(array) => {
            // Elements are numbered from 0 without a gap.
            let count = array.elements.last().map_or(1, |last| last + 1);
            spec["completionMode"] = json!("Indexed");
            spec["completions"] = json!(count);
            spec["parallelism"] = json!(array.at_once.unwrap_or(count));
            spec["backoffLimitPerIndex"] = json!(1);
            spec["maxFailedIndexes"] = json!(count);
        }
        None => spec["backoffLimit"] = json!(1),
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": format!("{}-{stage}", label(&of.name))},
        "spec": spec,
    })
}

/// A name as Kubernetes takes it: lower case letters, digits and dashes, 40 at most.
fn label(name: &str) -> String {
    let kept = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    let name: String = name.chars().map(kept).take(40).collect();
    match name.trim_matches('-') {
        "" => "work".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_fail_by_themselves_and_saved_work_goes_on() {
        let of = Manifest {
            name: "My work!".to_owned(),
            image: "vesalius:0.1".to_owned(),
            claim: "data".to_owned(),
            mount: "/data".to_owned(),
            memory: Some("8Gi".to_owned()),
            cpus: Some(4),
            gpus: 1,
        };
        let array = Array {
            elements: vec![0, 1, 2],
            at_once: Some(2),
        };
        let command = ["vesalius".to_owned()];
        let job = manifest(&of, StageName::Train, &command, Some(&array));
        assert_eq!(job["metadata"]["name"], "my-work-train");
        assert_eq!(job["spec"]["completions"], 3);
        assert_eq!(job["spec"]["parallelism"], 2);
        assert_eq!(job["spec"]["backoffLimitPerIndex"], 1);
        let rule = &job["spec"]["podFailurePolicy"]["rules"][0];
        assert_eq!(
            (&rule["action"], &rule["onExitCodes"]["values"][0]),
            (&json!("Ignore"), &json!(75))
        );
        let single = manifest(&of, StageName::Plan, &command, None);
        assert!(single["spec"]["completionMode"].is_null());
        assert_eq!(single["spec"]["backoffLimit"], 1);
    }
}
