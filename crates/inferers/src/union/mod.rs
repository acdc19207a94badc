//! Models that each segment some of the labels, as one model: the file `union.yaml`.

mod join;
mod plan;
mod seen;

pub use join::join_union;
pub(crate) use plan::{Plan, Planned, Watch};
pub(crate) use seen::Seen;

use crate::model::is_plain_name;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use vesalius_volume::ErrorKind;

/// The description's file name in the folder of a union.
pub const UNION_FILE: &str = "union.yaml";

/// Several models that each segment some of the labels of one image.
///
/// Members run in their order, each on the whole image or on a part of it, and later members paint over earlier ones.
///
/// ```
/// use vesalius_inferers::UnionDescription;
///
/// let union = UnionDescription::parse(
///     "members:
///   - {name: organs, model: part_1, labels: {liver: liver, spleen: spleen}}
///   - {name: lesions, model: part_2, crop_to: {member: organs, labels: [liver], margin: 20}}
/// ",
/// )?;
/// assert_eq!(union.members[1].crop_to.as_ref().map(|crop| crop.margin), Some(20.0));
/// # Ok::<(), vesalius_inferers::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UnionDescription {
    /// What the union is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The spacing in mm to which an image is resampled before any member sees it, one number or `[x, y, z]`; the labels
    /// are brought back to the image's grid by the nearest voxel. Without it each member sees the image as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<UnionSpacing>,
    /// The value of each label in the result. Left out, labels are numbered from 1 in the order of the members.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, u16>,
    /// The models, in the order in which they run and paint.
    pub members: Vec<UnionMember>,
}

/// One number for all axes, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a spacing in mm: a number, or [x, y, z]"
)]
pub enum UnionSpacing {
    /// The same along all axes, mm.
    Isotropic(f64),
    /// Along `[x, y, z]`, mm.
    Axes([f64; 3]),
}

impl UnionSpacing {
    /// Along `[x, y, z]`, mm.
    pub fn axes(self) -> [f64; 3] {
        match self {
            Self::Isotropic(mm) => [mm; 3],
            Self::Axes(mm) => mm,
        }
    }
}

/// A model of a union.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnionMember {
    /// What other members call it; a plain name.
    pub name: String,
    /// Its model folder, relative to the description's file.
    pub model: PathBuf,
    /// The labels that it paints: its own name of each, and the name in the result. Left out, it paints all of its labels
    /// under their names; empty, it paints none and serves only `crop_to` and `needs` of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// The part of the image that it segments: around what an earlier member found. It does not run where that found nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop_to: Option<CropTo>,
    /// What an earlier member must have found for it to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Needs>,
}

impl UnionMember {
    /// A member that sees the whole image and paints all of its labels.
    pub fn new(name: impl Into<String>, model: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            model: model.into(),
            labels: None,
            crop_to: None,
            needs: None,
        }
    }
}

/// A box around labels of an earlier member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropTo {
    /// The earlier member.
    #[serde(alias = "model")]
    pub member: String,
    /// Its labels, by its own names; none means all but the background.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Millimetres to keep around the box on each side.
    #[serde(default)]
    pub margin: f64,
}

/// Labels of an earlier member that must be in the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// The earlier member.
    #[serde(alias = "model")]
    pub member: String,
    /// Its labels, by its own names; none means all but the background.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// How much of them there must be together, ml; 0 means one voxel.
    #[serde(default)]
    pub millilitres: f64,
}

impl UnionDescription {
    /// A union of these members, everything else at its default.
    pub fn new(members: Vec<UnionMember>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    /// Reads YAML text and checks it.
    ///
    /// # Errors
    /// [`Error::BadModel`] with the line and key, or what is not consistent.
    pub fn parse(text: &str) -> Result<Self> {
        let union: Self = vesalius_planning::parse_yaml(text).map_err(Error::BadModel)?;
        union.check()?;
        Ok(union)
    }

    /// Reads the description at a path, a file or a folder with a [`UNION_FILE`].
    ///
    /// # Errors
    /// [`Error::ModelFolder`] with the file and what is wrong in it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = file_at(path.as_ref());
        let text = vesalius_io::read_text(&path).map_err(|e| {
            let reason = format!("cannot be read ({e}); name a union's folder or description");
            Error::of_folder(ErrorKind::of_io(&e), &path, reason)
        })?;
        Self::parse(&text).map_err(|error| match error {
            Error::BadModel(reason) => Error::model_folder(&path, reason),
            other => other,
        })
    }

    /// Checks what can be checked without the models: names, order, numbers.
    ///
    /// # Errors
    /// [`Error::BadModel`] with the member and the key.
    pub fn check(&self) -> Result<()> {
        let bad = |reason: String| Err(Error::BadModel(reason));
        if self.members.is_empty() {
            return bad("`members` is empty; name at least one model".to_owned());
        }
        if let Some(spacing) = self.spacing
            && !spacing.axes().iter().all(|mm| mm.is_finite() && *mm > 0.0)
        {
            let found = spacing.axes();
            return bad(format!(
                "`spacing` is {found:?}, expected lengths in mm above 0"
            ));
        }
        self.check_values()?;
        let mut earlier = BTreeSet::new();
        for member in &self.members {
            let name = &member.name;
            if !is_plain_name(name) {
                return bad(format!("member `{name}` is not a plain name"));
            }
            member.check_after(&earlier)?;
            if !earlier.insert(name.as_str()) {
                return bad(format!(
                    "two members are called `{name}`; give each a name of its own"
                ));
            }
        }
        Ok(())
    }

    /// Checks that no two labels have one value, and none that of the background.
    fn check_values(&self) -> Result<()> {
        let mut names = BTreeMap::new();
        for (name, &value) in &self.labels {
            if value == 0 {
                return Err(Error::BadModel(format!(
                    "label `{name}` has the value 0, which is the background's"
                )));
            }
            if let Some(other) = names.insert(value, name) {
                return Err(Error::BadModel(format!(
                    "labels `{other}` and `{name}` both have the value {value}; give each its own"
                )));
            }
        }
        Ok(())
    }
}

impl UnionMember {
    /// Checks lengths and volumes, and that the members it names stand before it.
    fn check_after(&self, earlier: &BTreeSet<&str>) -> Result<()> {
        let name = &self.name;
        let crop = self.crop_to.iter();
        let crop = crop.map(|crop| ("crop_to", &crop.member, ("margin", crop.margin)));
        let needs = self.needs.iter();
        let needs = needs.map(|n| ("needs", &n.member, ("millilitres", n.millilitres)));
        for (key, other, (number, value)) in crop.chain(needs) {
            if !earlier.contains(other.as_str()) {
                return Err(Error::BadModel(format!(
                    "member `{name}`: {key} names `{other}`, which is no member that stands before it"
                )));
            }
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::BadModel(format!(
                    "member `{name}`: {key}.{number} is {value}, expected a number that is not negative"
                )));
            }
        }
        Ok(())
    }
}

/// The description's file of a path that may be its folder.
pub(crate) fn file_at(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join(UNION_FILE),
        false => path.to_path_buf(),
    }
}

/// Whether a folder holds a union.
pub(crate) fn is_union(folder: &Path) -> bool {
    folder.join(UNION_FILE).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_that_makes_no_sense_is_refused_by_name() {
        for (text, expected) in [
            ("members: []", "`members` is empty"),
            (
                "members: [{name: a/b, model: m}]",
                "`a/b` is not a plain name",
            ),
            (
                "members: [{name: a, model: m}, {name: a, model: n}]",
                "two members are called `a`",
            ),
            (
                "members: [{name: a, model: m, crop_to: {member: b}}, {name: b, model: n}]",
                "crop_to names `b`, which is no member that stands before it",
            ),
            (
                "members: [{name: a, model: m}, {name: b, model: n, crop_to: {model: a, margin: -1}}]",
                "crop_to.margin is -1",
            ),
            (
                "members: [{name: a, model: m}, {name: b, model: n, needs: {member: a, millilitres: .nan}}]",
                "needs.millilitres is NaN",
            ),
            (
                "labels: {liver: 1, spleen: 1}\nmembers: [{name: a, model: m}]",
                "`liver` and `spleen` both have the value 1",
            ),
            (
                "labels: {liver: 0}\nmembers: [{name: a, model: m}]",
                "the background's",
            ),
            (
                "spacing: 0\nmembers: [{name: a, model: m}]",
                "lengths in mm above 0",
            ),
            (
                "spacing: [1, 2]\nmembers: [{name: a, model: m}]",
                "a number, or [x, y, z]",
            ),
            ("members: [{name: a, model: m, crop: 1}]", "crop"),
        ] {
            let error = UnionDescription::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
