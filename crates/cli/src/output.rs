//! Where results are printed: a table for people, JSON for machines.

use crate::print;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;
use std::path::{Path, PathBuf};

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

    /// What `--json` took for its file, where that is an input: a folder, or an image that is there.
    pub fn taken_input(&self) -> Option<&Path> {
        let path = self.json.as_ref()?.as_deref()?;
        is_input(path).then_some(path)
    }

    /// Writes the results where `--json` says, if it was given; never over an image. An object also gets
    /// the list of all `warnings`, each with the file that it is `about`; items of a list carry their own.
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
            None => print::to_stdout(format_args!("{text}")),
            Some(path) if is_input(path) => {
                return Err(format!(
                    "--json {}: is an image or a folder, and would be overwritten; name a file such as results.json after --json, or put --json last",
                    path.display()
                )
                .into());
            }
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

/// Whether a path is what commands read: a folder, or a file that is an image by name or content.
fn is_input(path: &Path) -> bool {
    path.is_dir()
        || path.is_file() && (vesalius::io::is_image(path) || vesalius::io::probe(path).is_ok())
}

/// Lines above, below the head, and below: a hundred rows stay on a few screens.
const LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('═').junction('═'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// No lines: what reads from a pipe would take them for rows.
const BARE: TableStyle = TableStyle::new();

/// A plain table whose columns after the first are numbers. On a terminal it has lines and fits the width; elsewhere
/// it has neither limit nor lines.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> Table {
    let terminal = console::Term::stdout();
    let width = terminal.size_checked().map(|(_, columns)| columns);
    table_of_width(header, rows, width.filter(|_| terminal.is_term()))
}

/// A table for a terminal of so many columns, or for a pipe.
fn table_of_width(header: &[&str], rows: Vec<Vec<String>>, width: Option<u16>) -> Table {
    let mut table = Table::new();
    match width {
        Some(width) => {
            table.load_style(LINES);
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        None => {
            table.load_style(BARE);
        }
    }
    table.set_header(header).add_rows(rows);
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_the_terminal_and_has_no_lines_in_a_pipe() {
        let head = [
            "case",
            "seconds",
            "a label with a long name (ml)",
            "another label with a long name (ml)",
        ];
        let row = [
            "a case with quite a long name, too",
            "1.25",
            "12.25",
            "0.75",
        ]
        .map(str::to_owned);
        for width in [40, 60, 80, 120] {
            let text = table_of_width(&head, vec![row.to_vec()], Some(width)).to_string();
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(usize::from(width)), "{width}:\n{text}");
            assert!(text.contains('═'), "{text}");
        }
        let text = table_of_width(&head, vec![row.to_vec()], None).to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains(['─', '═']), "{text}");
    }
}
