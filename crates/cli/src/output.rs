//! Where results are printed: a table for people, JSON for machines.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use serde::Serialize;
use std::path::PathBuf;

/// `--json [FILE]`, shared by every command that prints results.
#[derive(clap::Args)]
pub struct JsonOutput {
    /// Write the results as JSON to FILE, or to stdout in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    json: Option<Option<PathBuf>>,
}

impl JsonOutput {
    /// Whether stdout is for machines.
    pub fn replaces_table(&self) -> bool {
        matches!(self.json, Some(None))
    }

    /// Writes the results where `--json` says, if it was given. An object also gets the list of all
    /// `warnings`, each with the file that it is `about`; items of a list carry their own.
    pub fn write(&self, results: &impl Serialize) -> Result<(), Box<dyn std::error::Error>> {
        let Some(target) = &self.json else {
            return Ok(());
        };
        let mut text = match serde_json::to_value(results)? {
            serde_json::Value::Object(fields) if !fields.contains_key("warnings") => {
                let warnings = crate::warnings::all();
                serde_json::to_string_pretty(&WithWarnings { results, warnings })?
            }
            _ => serde_json::to_string_pretty(results)?,
        };
        text.push('\n');
        match target {
            None => print!("{text}"),
            Some(path) => vesalius::io::write_bytes_atomically(path, text.as_bytes())?,
        }
        Ok(())
    }
}

/// An object of results, and every warning that was told.
#[derive(Serialize)]
struct WithWarnings<'a, T: Serialize> {
    #[serde(flatten)]
    results: &'a T,
    warnings: Vec<crate::warnings::About>,
}

/// Lines above, below the head, and below: a hundred rows stay on a few screens.
const LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('═').junction('═'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// A plain table whose columns after the first are numbers.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(LINES).set_header(header).add_rows(rows);
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}
