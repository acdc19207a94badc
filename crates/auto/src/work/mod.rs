//! The work folder: one dataset, one version of its layout, one process at a time.

mod contents;
mod data;
mod excluded_cases;
mod folds;

use crate::{Error, Input, Plan, Result};
pub(crate) use contents::Contents;
pub(crate) use data::going_on;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use vesalius_io::{FolderLock, LockAccess};
use vesalius_planning::Datalist;
use vesalius_registry::Registry;
use vesalius_volume::{LabelScheme, Warning};

/// Changes when a later version could not go on from what an earlier one left.
const LAYOUT: u32 = 1;
const DESCRIPTION: &str = "auto.yaml";

/// A work folder that this process holds.
#[derive(Debug)]
pub struct WorkFolder {
    folder: PathBuf,
    input: Input,
    list: Datalist,
    contents: Contents,
    warnings: Vec<Warning>,
    registry: Registry,
    /// Where prepared cases are kept; `None` is the folder `cache`.
    scratch: Option<PathBuf>,
    _lock: FolderLock,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    layout: u32,
    made_by: String,
    dataset: String,
    input: Input,
}

impl WorkFolder {
    /// Opens a work folder, or begins one; the list of cases with their folds is written into it.
    ///
    /// # Errors
    /// A list that cannot be read; a folder that another process holds, or of another dataset,
    /// input or layout.
    pub fn open(folder: impl AsRef<Path>, input: Input) -> Result<Self> {
        let folder = folder.as_ref();
        Self::open_as(folder, input, LockAccess::Exclusive)
    }

    fn open_as(folder: &Path, input: Input, access: LockAccess) -> Result<Self> {
        let lock = FolderLock::take(folder, access)?;
        let mut list = read_list(&input)?;
        let description = Description {
            layout: LAYOUT,
            made_by: concat!("vesalius ", env!("CARGO_PKG_VERSION")).to_owned(),
            dataset: digest(&list),
            input: input.clone(),
        };
        let contents = Contents::of(&list);
        let before = Contents::read(folder)?;
        let path = folder.join(DESCRIPTION);
        let is_begun = match std::fs::read_to_string(&path) {
            Ok(text) => {
                // Files of the same cases may have been repaired since.
                let same_cases = before.as_ref().is_some_and(|b| b.same_cases(&contents));
                check_same(&path, &text, &description, same_cases)?
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
            Err(source) => {
                return Err(Error::System {
                    path,
                    what: "read",
                    source,
                });
            }
        };
        folds::assign(&mut list, input.num_fold)?;
        let changed = before.map_or(Vec::new(), |before| before.changed(&contents));
        if access == LockAccess::Exclusive {
            // A case that was left out because it was broken may be whole now.
            excluded_cases::take_back(folder, &changed)?;
            if !is_begun {
                let text =
                    vesalius_planning::to_yaml(&description).map_err(|e| unreadable(&path, e))?;
                vesalius_io::write_bytes_atomically(&path, text.as_bytes())?;
            }
            contents.write(folder)?;
        }
        let excluded_cases = excluded_cases::read(folder)?;
        list.cases
            .retain(|case| !excluded_cases.contains(&case.name));
        let work = Self {
            folder: folder.to_path_buf(),
            input,
            list,
            contents,
            warnings: match changed.is_empty() {
                true => Vec::new(),
                false => vec![Warning::CasesChanged { cases: changed }],
            },
            registry: Registry::default(),
            scratch: None,
            _lock: lock,
        };
        if access == LockAccess::Exclusive {
            // What trial runs of a process that was killed left; without it nothing is missing.
            let _ = std::fs::remove_dir_all(work.trials_folder());
            work.list.write(work.list_path())?;
        }
        Ok(work)
    }

    /// What was noticed when the folder was opened, and plans that are no longer as they were planned.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        warnings.extend(crate::planned::warnings(&self.plans_folder()));
        warnings
    }

    /// The state of the cases' files.
    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Leaves cases out from now on, in later processes too: those that an analysis found unusable, if the caller
    /// continues without them. Folds stay as they were assigned.
    ///
    /// # Errors
    /// No case left, or a folder that cannot be written.
    pub fn leave_out(&mut self, names: &[String]) -> Result<()> {
        let excluded_cases = excluded_cases::add(&self.folder, names)?;
        self.list
            .cases
            .retain(|case| !excluded_cases.contains(&case.name));
        if self.list.cases.is_empty() {
            return Err(problem(
                &self.folder,
                "every case would be left out; repair the dataset",
            ));
        }
        Ok(self.list.write(self.list_path())?)
    }

    /// Opens the work folder that an earlier stage created, while other processes have it open too: for searches, which
    /// several processes work on.
    ///
    /// # Errors
    /// As [`WorkFolder::reopen`].
    pub fn share(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        Self::open_as(folder, begun(folder)?, LockAccess::Shared)
    }

    /// Opens the work folder that an earlier stage created, with its input.
    ///
    /// # Errors
    /// As [`WorkFolder::open`]; a folder that is not a work folder.
    pub fn reopen(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        Self::open(folder, begun(folder)?)
    }

    /// The same with user-defined types that plans and models name, and user-defined planners.
    #[must_use]
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// The same with prepared cases in `vesalius-cache` of a folder of this machine, and not in the work folder, which may lie
    /// on a slow network file system. Runs on one machine share it.
    #[must_use]
    pub fn with_scratch(mut self, scratch: Option<PathBuf>) -> Self {
        self.scratch = scratch;
        self
    }

    /// The folder of prepared cases.
    pub(crate) fn cache_folder(&self) -> PathBuf {
        match &self.scratch {
            Some(scratch) => scratch.join("vesalius-cache"),
            None => self.folder.join("cache"),
        }
    }

    /// The user-defined types.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The input.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The cases, each with its fold.
    pub fn list(&self) -> &Datalist {
        &self.list
    }

    /// What the labels mean: the input's labels, or else the list's.
    ///
    /// # Errors
    /// Labels that contradict themselves, or that neither names.
    pub fn label_scheme(&self) -> Result<LabelScheme> {
        match self.input.label_scheme()? {
            Some(scheme) => Ok(scheme),
            None => Ok(self.list.label_scheme()?),
        }
    }

    /// The path of the list with folds, which training runs read.
    pub fn list_path(&self) -> PathBuf {
        self.folder.join("dataset.json")
    }

    /// Where plans lie.
    pub fn plans_folder(&self) -> PathBuf {
        self.folder.join("plans")
    }

    /// Where trial runs of planning write for as long as they take.
    pub(crate) fn trials_folder(&self) -> PathBuf {
        self.folder.join("trials")
    }

    /// The folder by which the process is known that makes a run by itself.
    pub fn task_folder(&self, algorithm: &str, fold: usize) -> PathBuf {
        let tasks = self.folder.join("tasks").join(algorithm);
        tasks.join(format!("fold_{fold}"))
    }

    /// The folder of one algorithm's run on one fold, relative to the work folder.
    pub fn run_folder(algorithm: &str, fold: usize) -> PathBuf {
        Path::new("runs")
            .join(algorithm)
            .join(format!("fold_{fold}"))
    }

    /// The plans to train: all, or those that the input's `algos` name.
    ///
    /// # Errors
    /// A plan that cannot be read, an algorithm without a plan.
    pub fn plans(&self) -> Result<Vec<Plan>> {
        let plans = Plan::read_all_with(self.plans_folder(), &self.registry)?;
        if self.input.algos.is_empty() {
            return Ok(plans);
        }
        let named = |name: &String| {
            plans
                .iter()
                .find(|plan| plan.name() == name)
                .cloned()
                .ok_or_else(|| Error::Plan {
                    path: self.plans_folder(),
                    reason: format!(
                        "has no plan of `{name}`, which `algos` names; there are {}",
                        plans.iter().map(Plan::name).collect::<Vec<_>>().join(", ")
                    ),
                })
        };
        let mut chosen = Vec::new();
        for name in &self.input.algos {
            chosen.push(named(name)?);
            // A search's result is a variant of the requested algorithm.
            let tuned = Plan::tuned_name(name);
            chosen.extend(plans.iter().find(|plan| plan.name() == tuned).cloned());
        }
        Ok(chosen)
    }
}

/// The input with which a work folder was created.
fn begun(folder: &Path) -> Result<Input> {
    let path = folder.join(DESCRIPTION);
    let text = std::fs::read_to_string(&path).map_err(|e| {
        problem(
            &path,
            &format!("cannot be read ({e}); `WorkFolder::open` makes a work folder from an input"),
        )
    })?;
    let found: Description =
        vesalius_planning::parse_yaml(&text).map_err(|e| unreadable(&path, e))?;
    Ok(found.input)
}

fn read_list(input: &Input) -> Result<Datalist> {
    let options = vesalius_planning::DatalistOptions {
        root: input.dataroot.clone(),
        extra_image_keys: input
            .extra_modalities
            .iter()
            .map(|extra| extra.key.clone())
            .collect(),
        ..Default::default()
    };
    Ok(Datalist::read_with(&input.datalist, &options)?)
}

/// Whether the folder's description is that of now; files of the same cases may differ.
fn check_same(path: &Path, text: &str, now: &Description, same_cases: bool) -> Result<bool> {
    let other = |what: String| -> Result<bool> {
        Err(Error::WorkFolder {
            path: path.to_path_buf(),
            reason: format!("{what}; choose another `folder`"),
        })
    };
    let found: Description =
        vesalius_planning::parse_yaml(text).map_err(|e| unreadable(path, e))?;
    if found.layout != now.layout {
        return other(format!(
            "was made by {}, whose layout {} this version cannot go on from",
            found.made_by, found.layout
        ));
    }
    if found.dataset != now.dataset && !same_cases {
        return other(format!(
            "is the work on another dataset, `{}`: its cases or files differ",
            found.input.name
        ));
    }
    if found.input.of_work() != now.input.of_work() {
        return other(
            "was begun with another input: name, modality, classes, folds or algorithms differ"
                .to_owned(),
        );
    }
    Ok(found.dataset == now.dataset && found.input == now.input)
}

fn unreadable(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::WorkFolder {
        path: path.to_path_buf(),
        reason: format!("is not the description of a work folder: {e}"),
    }
}

/// Names and sizes of all files, by which datasets are compared without reading them.
fn digest(list: &Datalist) -> String {
    let mut hasher = blake3::Hasher::new();
    for case in &list.cases {
        hasher.update(case.name.as_bytes());
        for file in case.images.iter().chain([&case.label]) {
            let size = std::fs::metadata(file).map_or(0, |data| data.len());
            hasher.update(&size.to_le_bytes());
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Makes a folder and those above it.
pub(crate) fn create(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| Error::System {
        path: folder.to_path_buf(),
        what: "made",
        source,
    })
}

/// What is wrong with a file or folder of the work.
pub(crate) fn problem(path: &Path, reason: &str) -> Error {
    Error::WorkFolder {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
}
