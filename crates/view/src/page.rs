//! One HTML page that needs no other file: text, tables, pictures and curves, to send or to print.

use crate::{Chart, Picture, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vesalius_metrics::Table;

const STYLE: &str = include_str!("page.css");

/// Letters of a table's cell from which on it has a minimum width, so that it is not one word a line.
const LONG: usize = 32;

/// A page; parts are added from top to bottom.
///
/// ```
/// use vesalius_view::{Page, Picture};
///
/// let mut page = Page::new("Report");
/// page.heading("Case 1");
/// page.text("Dice < 0.5");
/// page.picture(&Picture::filled(8, 8, [255, 0, 0])?, "a red square")?;
/// let html = page.html();
/// assert!(html.contains("<h2>Case 1</h2>") && html.contains("Dice &lt; 0.5"));
/// assert!(html.contains("data:image/png;base64,"), "the picture is inside the page");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    title: String,
    body: String,
}

impl Page {
    /// A page with nothing but its title.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            body: String::new(),
        }
    }

    /// Starts a section.
    pub fn heading(&mut self, text: &str) {
        self.body += &format!("<h2>{}</h2>\n", escaped(text));
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: &str) {
        self.body += &format!("<p>{}</p>\n", escaped(text));
    }

    /// Adds a list of short texts.
    pub fn list<T: AsRef<str>>(&mut self, items: impl IntoIterator<Item = T>) {
        self.body += "<ul>\n";
        for item in items {
            self.body += &format!("<li>{}</li>\n", escaped(item.as_ref()));
        }
        self.body += "</ul>\n";
    }

    /// Adds text whose lines and spaces stay as they are, such as a config.
    pub fn code(&mut self, text: &str) {
        self.body += &format!("<pre>{}</pre>\n", escaped(text));
    }

    /// Adds a table; columns of numbers are right-aligned. A table that is wider than the page can be scrolled.
    pub fn table(&mut self, table: &Table) {
        let numbers = |column: usize| {
            let cells = table.rows.iter().filter_map(|row| row.get(column));
            let mut cells = cells.filter(|cell| !cell.is_empty()).peekable();
            cells.peek().is_some() && cells.all(|cell| is_number(cell))
        };
        let numbers: Vec<bool> = (0..table.head.len()).map(numbers).collect();
        let class = |column: usize, cell: &str| match numbers.get(column) {
            Some(true) => " class=\"number\"",
            _ if cell.chars().count() > LONG => " class=\"long\"",
            _ => "",
        };
        self.body += "<div class=\"wide\"><table><thead><tr>";
        for (column, name) in table.head.iter().enumerate() {
            let class = class(column, "");
            self.body += &format!("<th scope=\"col\"{class}>{}</th>", escaped(name));
        }
        self.body += "</tr></thead><tbody>\n";
        for row in &table.rows {
            self.body += "<tr>";
            for (column, cell) in row.iter().enumerate() {
                let class = class(column, cell);
                self.body += &format!("<td{class}>{}</td>", escaped(cell));
            }
            self.body += "</tr>\n";
        }
        self.body += "</tbody></table></div>\n";
    }

    /// Adds a picture with a line below it.
    ///
    /// # Errors
    /// As [`Picture::png`].
    pub fn picture(&mut self, picture: &Picture, caption: &str) -> Result<()> {
        self.image("image/png", &picture.png()?, caption);
        Ok(())
    }

    /// Adds an animation of a volume, the bytes of [`crate::Animation::gif`].
    pub fn animation(&mut self, gif: &[u8], caption: &str) {
        self.image("image/gif", gif, caption);
    }

    /// Adds curves.
    ///
    /// # Errors
    /// As [`Chart::svg`].
    pub fn chart(&mut self, chart: &Chart) -> Result<()> {
        self.body += &format!(
            "<figure class=\"chart\" role=\"img\" aria-label=\"{}\">{}</figure>\n",
            escaped(&chart.title),
            chart.svg()?
        );
        Ok(())
    }

    /// The whole page.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head>\n\
             <body><h1>{title}</h1>\n{}</body></html>\n",
            self.body
        )
    }

    fn image(&mut self, kind: &str, bytes: &[u8], caption: &str) {
        let caption = escaped(caption);
        self.body += &format!(
            "<figure><img alt=\"{caption}\" src=\"data:{kind};base64,{}\">\
             <figcaption>{caption}</figcaption></figure>\n",
            STANDARD.encode(bytes)
        );
    }
}

/// Whether a cell is a number, maybe with more behind it: a unit, an interval; or a number that is missing.
fn is_number(cell: &str) -> bool {
    let first = cell.split(' ').next().unwrap_or_default();
    let digits = |c: char| c.is_ascii_digit() || c == '-';
    cell == "–" || first.starts_with(digits) && first.parse::<f64>().is_ok()
}

/// Text that a browser shows as it is, inside an element or a quoted attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_everything_itself() {
        let mut page = Page::new("Fold 0 <test>");
        page.heading("Scores & pictures");
        page.table(&Table {
            head: vec!["case".into(), "dice".into()],
            rows: vec![
                vec!["a\"b".into(), "0.91".into()],
                vec!["10_left".into(), "–".into()],
            ],
        });
        page.list(["first", "<second>"]);
        let picture = Picture::filled(3, 2, [9; 3]).unwrap();
        page.picture(&picture, "nothing").unwrap();
        let html = page.html();
        assert!(html.contains("<h1>Fold 0 &lt;test&gt;</h1>"));
        assert!(html.contains("<td>a&quot;b</td><td class=\"number\">0.91</td>"));
        assert!(html.contains("<td>10_left</td><td class=\"number\">–</td>"));
        assert!(html.contains("<li>first</li>\n<li>&lt;second&gt;</li>"));
        let start = html.find("base64,").unwrap() + 7;
        let end = start + html[start..].find('"').unwrap();
        let bytes = STANDARD.decode(&html[start..end]).unwrap();
        assert_eq!(bytes, picture.png().unwrap());
        assert!(!html.contains("src=\"http"));
    }
}
