//! Scores by groups of cases, such as sites or scanners, from a table beside the data.

use super::{Error, Evaluated};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_metrics::{Bootstrap, Evaluation, Table};
use vesalius_volume::Warning;

/// Below this many cases a group's mean says little about others like it.
const FEW: usize = 20;

/// Which case belongs to which group, by any number of properties: `groups[property][group]` are names of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subgroups {
    path: PathBuf,
    properties: Vec<(String, BTreeMap<String, Vec<String>>)>,
}

impl Subgroups {
    /// Reads a table of comma-separated values whose head is `case` and the names of properties, such as
    /// `case,site,scanner,age`, with a row for each case. Cases without a value of a property belong to none of its groups.
    ///
    /// # Errors
    /// [`Error::Groups`] for a file that cannot be read, has no column `case`, no property, or a case twice.
    ///
    /// ```
    /// use vesalius_workflow::evaluate::Subgroups;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("groups.csv");
    /// std::fs::write(&path, "case,site,sex\na,north,f\nb,south,f\n")?;
    /// let groups = Subgroups::read(&path)?;
    /// assert_eq!(groups.properties().collect::<Vec<_>>(), ["site", "sex"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bad = |problem: String| Error::Groups {
            path: path.to_owned(),
            problem,
        };
        let unread = |error: csv::Error| bad(format!("{error}"));
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(path)
            .map_err(unread)?;
        let head = reader.headers().map_err(unread)?.clone();
        let Some(case) = head
            .iter()
            .position(|name| name.trim_start_matches('\u{feff}') == "case")
        else {
            let found: Vec<&str> = head.iter().collect();
            return Err(bad(format!(
                "its head is `{}`, expected a column `case` and one for each property",
                found.join(",")
            )));
        };
        let columns: Vec<usize> = (0..head.len()).filter(|&column| column != case).collect();
        if columns.is_empty() {
            return Err(bad(
                "it has no column but `case`; add one for a property such as `site`".to_owned(),
            ));
        }
        let mut properties: Vec<(String, BTreeMap<String, Vec<String>>)> = columns
            .iter()
            .map(|&column| (head[column].to_owned(), BTreeMap::new()))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        for row in reader.records() {
            let row = row.map_err(unread)?;
            let name = row.get(case).unwrap_or_default();
            if !seen.insert(name.to_owned()) {
                return Err(bad(format!("the case `{name}` has two rows; keep one")));
            }
            for (&column, (_, groups)) in columns.iter().zip(&mut properties) {
                match row.get(column).unwrap_or_default() {
                    "" => {}
                    group => groups
                        .entry(group.to_owned())
                        .or_default()
                        .push(name.to_owned()),
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            properties,
        })
    }

    /// The names of the properties, in the order of the columns.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().map(|(name, _)| name.as_str())
    }
}

/// The scores of the cases of one group.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GroupScores {
    /// The property, such as `site`.
    pub property: String,
    /// Its value that these cases share.
    pub group: String,
    /// Their scores.
    pub evaluation: Evaluation,
}

/// The scores of all groups.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Grouped {
    /// By property, then by value.
    pub groups: Vec<GroupScores>,
    /// How intervals are estimated.
    pub bootstrap: Bootstrap,
    /// Groups of fewer than 20 cases, and cases that belong to none.
    pub warnings: Vec<Warning>,
}

impl Evaluated {
    /// The scores of each group of cases.
    ///
    /// # Errors
    /// [`Error::Groups`] where the table names a case that was not scored.
    pub fn by_group(&self, groups: &Subgroups) -> Result<Grouped, Error> {
        let cases = self.evaluation.cases();
        let scored = |name: &String| cases.iter().any(|case| case.case == *name);
        let mut found = Grouped {
            groups: Vec::new(),
            bootstrap: self.bootstrap,
            warnings: Vec::new(),
        };
        for (property, by_value) in &groups.properties {
            let named = by_value.values().flatten();
            let unknown: Vec<&String> = named.clone().filter(|name| !scored(name)).collect();
            if let Some(first) = unknown.first() {
                return Err(Error::Groups {
                    path: groups.path.clone(),
                    problem: format!(
                        "it names {} that {} not scored, such as `{first}`; the first scored case is `{}`",
                        match unknown.len() {
                            1 => "a case".to_owned(),
                            n => format!("{n} cases"),
                        },
                        if unknown.len() == 1 { "was" } else { "were" },
                        cases.first().map_or("", |case| &case.case),
                    ),
                });
            }
            let without = cases.len() - named.count();
            if without > 0 {
                found.warnings.push(Warning::WithoutGroup {
                    property: property.clone(),
                    cases: without,
                });
            }
            for (group, names) in by_value {
                let of_group = cases.iter().filter(|case| names.contains(&case.case));
                if names.len() < FEW {
                    found.warnings.push(Warning::SmallGroup {
                        property: property.clone(),
                        group: group.clone(),
                        cases: names.len(),
                    });
                }
                found.groups.push(GroupScores {
                    property: property.clone(),
                    group: group.clone(),
                    evaluation: Evaluation::new(of_group.cloned().collect())?,
                });
            }
        }
        Ok(found)
    }
}

impl Grouped {
    /// One row a group: its cases and the mean of each measure over cases and labels, with its interval.
    pub fn table(&self) -> Table {
        let mut head = ["property", "group", "cases"].map(str::to_owned).to_vec();
        head.extend(self.keys());
        let row = |group: &GroupScores| {
            let mut row = vec![
                group.property.clone(),
                group.group.clone(),
                group.evaluation.cases().len().to_string(),
            ];
            row.extend(group.evaluation.means(&self.bootstrap));
            row
        };
        Table {
            rows: self.groups.iter().map(row).collect(),
            head,
        }
    }

    fn keys(&self) -> Vec<String> {
        let first = self.groups.first();
        first.map_or(Vec::new(), |group| group.evaluation.keys())
    }
}

/// `{property: {group: {"cases": n, "mean": {measure: value}, "intervals": {measure: [low, high]}}}}`.
impl Serialize for Grouped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = self.keys();
        let mut all: BTreeMap<&str, BTreeMap<&str, serde_json::Value>> = BTreeMap::new();
        for group in &self.groups {
            let scores = &group.evaluation;
            let means: BTreeMap<&String, Option<f64>> =
                keys.iter().map(|key| (key, scores.mean(key))).collect();
            let intervals: BTreeMap<&String, Option<[f64; 2]>> = keys
                .iter()
                .map(|key| {
                    let interval = scores.mean_interval(key, &self.bootstrap);
                    (key, interval.map(|i| [i.low, i.high]))
                })
                .collect();
            let entry = serde_json::json!({
                "cases": scores.cases().len(),
                "mean": means,
                "intervals": intervals,
            });
            all.entry(&group.property)
                .or_default()
                .insert(&group.group, entry);
        }
        let mut map = serializer.serialize_map(Some(all.len()))?;
        for (property, groups) in &all {
            map.serialize_entry(property, groups)?;
        }
        map.end()
    }
}
