//! Where results are printed: a table for people, JSON for machines.

use crate::print;
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};
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

    /// Writes the results to the target of `--json`, if it was given; never over an image. An object also gets the list
    /// of all `warnings`, each with the file that it is `about`; items of a list carry their own.
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
            Some(path) => write_text(path, "--json", &text)?,
        }
        Ok(())
    }
}

/// Writes the file of an option as JSON; never over an image.
pub fn write_json(
    path: &Path,
    option: &str,
    results: &impl Serialize,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut text = serde_json::to_string_pretty(results)?;
    text.push('\n');
    write_text(path, option, &text)
}

fn write_text(path: &Path, option: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    if is_input(path) {
        return Err(format!(
            "{option} {}: is an image or a folder, and would be overwritten; name a file such as results.json after {option}, or put {option} last",
            path.display()
        )
        .into());
    }
    Ok(vesalius::io::write_bytes_atomically(path, text.as_bytes())?)
}

/// An object of results, and every warning that was printed.
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

/// Columns that stay however narrow the terminal is.
const KEPT: usize = 2;

/// Words of more characters, such as names of files, are broken rather than that columns are left out.
const BROKEN: usize = 16;

/// A table, and the columns for which the terminal is too narrow.
pub struct Shown {
    table: Table,
    left_out: Vec<String>,
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.table)?;
        match self.left_out.is_empty() {
            true => Ok(()),
            false => write!(
                f,
                "\nno room for {} (a wider terminal, a pipe or --json shows all)",
                self.left_out.join(", ")
            ),
        }
    }
}

/// A plain table. On a terminal it has lines and fits the width; elsewhere
/// it has neither limit nor lines.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> Shown {
    let terminal = console::Term::stdout();
    let width = terminal.size_checked().map(|(_, columns)| columns);
    table_of_width(header, rows, width.filter(|_| terminal.is_term()))
}

/// A table for a terminal of so many columns, or for a pipe. Columns that do not fit are left out from the right, as
/// numbers are never broken; text is wrapped between words.
fn table_of_width(header: &[&str], mut rows: Vec<Vec<String>>, width: Option<u16>) -> Shown {
    let mut table = Table::new();
    let Some(width) = width else {
        table.load_style(BARE).set_header(header).add_rows(rows);
        return Shown {
            table: aligned(table),
            left_out: Vec::new(),
        };
    };
    let least: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let cells: Vec<&str> = cells.map(String::as_str).collect();
            let longest = cells.iter().map(|cell| longest_word(cell)).max();
            let longest = longest.unwrap_or(0);
            let cells = match cells.iter().all(|cell| is_number(cell)) {
                true => longest,
                false => longest.min(BROKEN),
            };
            cells.max(longest_word(header[column]))
        })
        .collect();
    // One space on each side of a column, and one between two.
    let needed = |columns: usize| least[..columns].iter().map(|n| n + 3).sum::<usize>();
    let mut columns = header.len();
    while columns > KEPT && needed(columns) > usize::from(width) {
        columns -= 1;
    }
    rows.iter_mut().for_each(|row| row.truncate(columns));
    table
        .load_style(LINES)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(&header[..columns])
        .add_rows(rows);
    if needed(columns) <= usize::from(width) {
        for (column, least) in table.column_iter_mut().zip(&least) {
            let least = u16::try_from(least + 2).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
        }
    }
    Shown {
        table: aligned(table),
        left_out: header[columns..]
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
    }
}

fn longest_word(text: &str) -> usize {
    let words = text.split_whitespace();
    words.map(|word| word.chars().count()).max().unwrap_or(0)
}

/// Numbers to the right, text to the left.
fn aligned(mut table: Table) -> Table {
    let columns = table.column_count();
    let numbers: Vec<bool> = (0..columns)
        .map(|column| {
            let rows = table.row_iter();
            let cells = rows.filter_map(|row| row.cell_iter().nth(column));
            cells
                .map(|cell| cell.content())
                .all(|text| is_number(&text))
        })
        .collect();
    for (column, number) in table.column_iter_mut().zip(numbers) {
        if number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Whether a cell is a number, alone or with its interval, or a replacement for one.
fn is_number(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first.is_empty() || first == "–" || first.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_the_terminal_without_broken_numbers_and_has_no_lines_in_a_pipe() {
        let head = [
            "case",
            "seconds",
            "a label with a long name (ml)",
            "another label with a long name (ml)",
            "volume_similarity",
        ];
        let row = [
            "a case with quite a long name, too",
            "1.25",
            "12.25",
            "0.75",
            "0.1234",
        ];
        let row = row.map(str::to_owned);
        for width in [30, 40, 60, 80, 120] {
            let shown = table_of_width(&head, vec![row.to_vec()], Some(width));
            let text = shown.table.to_string();
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(usize::from(width)), "{width}:\n{text}");
            assert!(text.contains('═') && text.contains("1.25"), "{text}");
            let whole = text.contains("0.1234") && text.contains("volume_similarity");
            assert_eq!(whole, shown.left_out.is_empty(), "{width}:\n{text}");
        }
        let shown = table_of_width(&head, vec![row.to_vec()], Some(40)).to_string();
        assert!(
            shown.contains("no room for") && shown.contains("volume_similarity"),
            "{shown}"
        );
        let text = table_of_width(&head, vec![row.to_vec()], None).to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains(['─', '═']), "{text}");
    }

    #[test]
    fn a_long_name_is_broken_before_columns_are_left_out() {
        let name = "hippocampus_017_of_the_second_centre.nii.gz";
        let row = [name, "0.9123", "0.8812"].map(str::to_owned);
        let shown = table_of_width(&["case", "dice", "nsd"], vec![row.to_vec()], Some(40));
        let text = shown.to_string();
        assert!(text.contains("0.9123") && text.contains("0.8812"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 40),
            "{text}"
        );
        let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).count();
        assert!(letters(&text) >= letters(name) + 10, "{text}");
    }

    #[test]
    fn numbers_stand_to_the_right_and_text_to_the_left() {
        let shown = |header: &[&str], rows: &[&[&str]]| -> Vec<String> {
            let owned = |row: &&[&str]| row.iter().map(|&cell| cell.to_owned()).collect();
            let table = table_of_width(header, rows.iter().map(owned).collect(), None);
            table.to_string().lines().map(str::to_owned).collect()
        };
        let lines = shown(
            &["", "value"],
            &[&["network", "unet"], &["parameters", "12"]],
        );
        assert_eq!(lines[1].find("unet"), lines[2].find("12"), "{lines:?}");
        let rows: [&[&str]; 2] = [&["a", "1.5", "0.89 [0.8, 0.9]"], &["b", "12.25", "–"]];
        let lines = shown(&["case", "ml", "dice"], &rows);
        let ends = |line: usize, text: &str| lines[line].find(text).map(|at| at + text.len());
        assert_eq!(ends(1, "1.5"), ends(2, "12.25"), "{lines:?}");
    }
}
