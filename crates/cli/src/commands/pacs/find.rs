//! `vesalius pacs find`.

use super::super::Result;
use super::explained;
use super::peer::{Connected, Peer};
use crate::interrupt::followed;
use crate::output::{JsonOutput, table};
use vesalius::pacs::{Found, InMemDicomObject, Level, Query};

/// Arguments of `vesalius pacs find`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    peer: Peer,
    /// What to list
    #[arg(long, value_enum, default_value = "study")]
    level: LevelOption,
    /// What must match, by keyword, such as `PatientID=4711`, `StudyDate=20260101-` or `StudyDescription=*liver*`; may be given
    /// several times
    #[arg(long = "match", value_name = "KEYWORD=VALUE", value_parser = pair)]
    matching: Vec<(String, String)>,
    /// A further attribute to list, by keyword; may be given several times
    #[arg(long, value_name = "KEYWORD")]
    ask: Vec<String>,
    /// The most matches to list
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    json: JsonOutput,
}

/// `--level`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum LevelOption {
    /// Studies
    Study,
    /// Series
    Series,
    /// Single objects
    Image,
}

impl From<LevelOption> for Level {
    fn from(level: LevelOption) -> Self {
        match level {
            LevelOption::Study => Self::Study,
            LevelOption::Series => Self::Series,
            LevelOption::Image => Self::Image,
        }
    }
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (keyword, value) = text
        .split_once('=')
        .ok_or("expected KEYWORD=VALUE, such as PatientID=4711")?;
    Ok((keyword.to_owned(), value.to_owned()))
}

/// What is listed at a level, the identifiers last.
fn columns(level: LevelOption) -> (&'static [&'static str], &'static [&'static str]) {
    match level {
        LevelOption::Study => (
            &[
                "PatientID",
                "PatientName",
                "StudyDate",
                "StudyDescription",
                "ModalitiesInStudy",
            ],
            &["StudyInstanceUID"],
        ),
        LevelOption::Series => (
            &[
                "Modality",
                "SeriesNumber",
                "SeriesDescription",
                "NumberOfSeriesRelatedInstances",
            ],
            &["StudyInstanceUID", "SeriesInstanceUID"],
        ),
        LevelOption::Image => (&["InstanceNumber"], &["SOPClassUID", "SOPInstanceUID"]),
    }
}

/// Lists what matches.
pub fn run(arguments: &Arguments) -> Result<()> {
    let (listed, uids) = columns(arguments.level);
    let mut query = Query::new(arguments.level.into());
    for (keyword, value) in &arguments.matching {
        query = query.matching(keyword, value)?;
    }
    let asked = arguments.ask.iter().map(String::as_str);
    let keywords: Vec<&str> = listed.iter().copied().chain(asked).collect();
    for keyword in &keywords {
        query = query.asking(keyword)?;
    }
    let keywords: Vec<&str> = keywords.into_iter().chain(uids.iter().copied()).collect();
    let limit = arguments.limit as usize;
    let found = match arguments.peer.connected()? {
        Connected::Dimse(client) => client.find(&query, limit, &followed()),
        Connected::Web(client) => client.find(&query, limit, &followed()),
    };
    print(arguments, &keywords, &found.map_err(explained)?)
}

fn print(arguments: &Arguments, keywords: &[&str], found: &Found) -> Result<()> {
    let row = |object: &InMemDicomObject| -> Vec<String> {
        keywords
            .iter()
            .map(|keyword| value(object, keyword))
            .collect()
    };
    let rows: Vec<Vec<String>> = found.matches.iter().map(row).collect();
    if !found.is_complete {
        note!("there are more than {}; see `--limit`", arguments.limit);
    }
    let objects: Vec<serde_json::Map<String, serde_json::Value>> = rows
        .iter()
        .map(|row| {
            let pairs = keywords.iter().zip(row);
            pairs
                .map(|(keyword, value)| ((*keyword).to_owned(), value.clone().into()))
                .collect()
        })
        .collect();
    if !arguments.json.replaces_table() {
        match rows.is_empty() {
            true => out!("nothing matches"),
            false => out!("{}", table(keywords, rows)),
        }
    }
    arguments.json.write(&objects)
}

/// The value of an attribute, without control characters that a terminal would obey.
fn value(object: &InMemDicomObject, keyword: &str) -> String {
    let text = object.element_by_name(keyword).ok().and_then(|element| {
        let values = element.to_multi_str().ok()?;
        Some(values.join("\\"))
    });
    let text = text.unwrap_or_default();
    text.trim_matches(['\0', ' '])
        .chars()
        .filter(|letter| !letter.is_control())
        .collect()
}
