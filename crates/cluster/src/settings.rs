//! What jobs ask a cluster for: the `slurm:` block of an input.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A stage of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// Analysis and plans.
    Plan,
    /// A run of training each.
    Train,
    /// The ensemble and the report.
    Ensemble,
    /// Predictions.
    Predict,
}

impl StageName {
    /// All stages in their order.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Train, Self::Ensemble, Self::Predict];

    /// As in files and names of jobs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Train => "train",
            Self::Ensemble => "ensemble",
            Self::Predict => "predict",
        }
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What jobs ask Slurm for; what is left out is the cluster's default. A stage may have settings of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlurmSettings {
    /// The partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// The account that is charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The quality of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qos: Option<String>,
    /// The longest time of a job, as `sbatch --time` takes it: minutes, `HH:MM:SS`, `D-HH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Generic resources, such as `gpu:1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gres: Option<String>,
    /// Memory of a job, such as `32G`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Processors of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// Seconds before the end of its time at which a job is told to save.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_seconds: Option<u32>,
    /// Elements of an array that run at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// Further options of `sbatch`, one each, such as `--constraint=a100`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sbatch: Vec<String>,
    /// Lines of the shell before the work, such as `module load cuda`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// What single stages ask for instead.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stages: BTreeMap<StageName, StageSettings>,
}

/// What a stage asks for in place of the common settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StageSettings {
    /// As of [`SlurmSettings::partition`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// As of [`SlurmSettings::time`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// As of [`SlurmSettings::gres`]; empty asks for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gres: Option<String>,
    /// As of [`SlurmSettings::memory`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// As of [`SlurmSettings::cpus`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<u32>,
    /// Further options of `sbatch` after the common ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sbatch: Vec<String>,
}

/// Seconds before the end of its time at which a job is told to save, where the settings do not say.
const SAVE_SECONDS: u32 = 180;

impl SlurmSettings {
    /// Checks that values are words of one line, and options begin with a dash.
    ///
    /// # Errors
    /// [`Error::BadSetting`] with the key.
    pub fn check(&self) -> Result<()> {
        let bad = |key: &str, found: &str, expected| {
            Err(Error::BadSetting {
                key: key.to_owned(),
                found: found.to_owned(),
                expected,
            })
        };
        let stages = self.stages.iter();
        let stages = stages.flat_map(|(name, stage)| {
            let key = move |key: &str| format!("stages.{name}.{key}");
            [
                (key("partition"), &stage.partition),
                (key("time"), &stage.time),
                (key("gres"), &stage.gres),
                (key("memory"), &stage.memory),
            ]
        });
        let common = [
            ("partition".to_owned(), &self.partition),
            ("account".to_owned(), &self.account),
            ("qos".to_owned(), &self.qos),
            ("time".to_owned(), &self.time),
            ("gres".to_owned(), &self.gres),
            ("memory".to_owned(), &self.memory),
        ];
        for (key, value) in common.into_iter().chain(stages) {
            let is_word =
                |value: &String| !value.contains(|c: char| c.is_whitespace() || c.is_control());
            if let Some(value) = value.as_ref().filter(|value| !is_word(value)) {
                return bad(&key, value, "a word");
            }
        }
        let options = self.stages.values().flat_map(|stage| &stage.sbatch);
        for option in self.sbatch.iter().chain(options) {
            if !option.starts_with('-') || option.contains(char::is_control) {
                return bad(
                    "sbatch",
                    option,
                    "options of sbatch, each beginning with a dash",
                );
            }
        }
        if let Some(line) = self.before.iter().find(|line| line.contains('\n')) {
            return bad("before", line, "a line of the shell each");
        }
        if self.at_once == Some(0) || self.cpus == Some(0) {
            return bad("at_once, cpus", "0", "1 at least");
        }
        Ok(())
    }

    /// The options of a stage's job, each as `sbatch` takes it.
    pub fn options(&self, stage: StageName) -> Vec<String> {
        let of_stage = self.stages.get(&stage);
        let own = |pick: fn(&StageSettings) -> &Option<String>, common: &Option<String>| {
            of_stage
                .and_then(|stage| pick(stage).clone())
                .or(common.clone())
        };
        let cpus = of_stage.and_then(|stage| stage.cpus).or(self.cpus);
        let seconds = self.save_seconds.unwrap_or(SAVE_SECONDS);
        let values = [
            ("partition", own(|s| &s.partition, &self.partition)),
            ("account", self.account.clone()),
            ("qos", self.qos.clone()),
            ("time", own(|s| &s.time, &self.time)),
            ("gres", own(|s| &s.gres, &self.gres)),
            ("mem", own(|s| &s.memory, &self.memory)),
            ("cpus-per-task", cpus.map(|cpus| cpus.to_string())),
            ("signal", Some(format!("TERM@{seconds}"))),
        ];
        let values = values.into_iter().filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some(format!("--{name}={value}"))
        });
        let more = of_stage.map_or(&[][..], |stage| &stage.sbatch);
        values
            .chain(self.sbatch.iter().chain(more).cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_its_own_settings_before_the_common_ones() {
        let mut settings = SlurmSettings {
            partition: Some("gpu".to_owned()),
            gres: Some("gpu:1".to_owned()),
            memory: Some("32G".to_owned()),
            sbatch: vec!["--constraint=a100".to_owned()],
            ..SlurmSettings::default()
        };
        let stage = StageSettings {
            partition: Some("cpu".to_owned()),
            gres: Some(String::new()),
            ..StageSettings::default()
        };
        settings.stages.insert(StageName::Plan, stage);
        settings.check().unwrap();
        let plan = settings.options(StageName::Plan);
        let expected = [
            "--partition=cpu",
            "--mem=32G",
            "--signal=TERM@180",
            "--constraint=a100",
        ];
        assert_eq!(plan, expected);
        let train = settings.options(StageName::Train);
        assert_eq!(train[..2], ["--partition=gpu", "--gres=gpu:1"]);
    }

    #[test]
    fn settings_that_would_be_other_options_are_refused() {
        let bad = |settings: SlurmSettings| settings.check().unwrap_err().to_string();
        let words = SlurmSettings {
            partition: Some("gpu --gres=gpu:8".to_owned()),
            ..SlurmSettings::default()
        };
        assert!(bad(words).contains("slurm.partition"));
        let lines = SlurmSettings {
            sbatch: vec!["--a\n#SBATCH --b".to_owned()],
            ..SlurmSettings::default()
        };
        assert!(bad(lines).contains("slurm.sbatch"));
        let stage = StageSettings {
            time: Some("1 2".to_owned()),
            ..StageSettings::default()
        };
        let of_stage = SlurmSettings {
            stages: BTreeMap::from([(StageName::Train, stage)]),
            ..SlurmSettings::default()
        };
        assert!(bad(of_stage).contains("slurm.stages.train.time"));
    }
}
