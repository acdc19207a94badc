//! One HTML page that needs no other file: text, tables, pictures and curves, to send or to print.

use crate::{Chart, Picture, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vesalius_metrics::Table;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;color:#1a1c1f;max-width:1100px;margin:2em auto;padding:0 1em}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #d5d8dc}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:1em 0}\
th,td{padding:.25em .8em;text-align:left;border-bottom:1px solid #e3e5e8}\
th{background:#f3f4f6}td.number{text-align:right}\
figure{margin:1em 0}figure img,figure svg{max-width:100%;height:auto}\
pre{background:#f3f4f6;padding:.8em;overflow-x:auto;font-size:.9em}\
figcaption{color:#5b6068;font-size:.9em}";

/// A page, built from the top down.
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

    /// Begins a section.
    pub fn heading(&mut self, text: &str) {
        self.body += &format!("<h2>{}</h2>\n", escaped(text));
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: &str) {
        self.body += &format!("<p>{}</p>\n", escaped(text));
    }

    /// Adds text whose lines and spaces stay as they are, such as a config.
    pub fn code(&mut self, text: &str) {
        self.body += &format!("<pre>{}</pre>\n", escaped(text));
    }

    /// Adds a table; cells that are numbers stand to the right.
    pub fn table(&mut self, table: &Table) {
        self.body += "<table><thead><tr>";
        for name in &table.head {
            self.body += &format!("<th>{}</th>", escaped(name));
        }
        self.body += "</tr></thead><tbody>\n";
        for row in &table.rows {
            self.body += "<tr>";
            for cell in row {
                let number = cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
                let class = if number { " class=\"number\"" } else { "" };
                self.body += &format!("<td{class}>{}</td>", escaped(cell));
            }
            self.body += "</tr>\n";
        }
        self.body += "</tbody></table>\n";
    }

    /// Adds a picture with a line below it.
    ///
    /// # Errors
    /// As [`Picture::png`].
    pub fn picture(&mut self, picture: &Picture, caption: &str) -> Result<()> {
        self.image("image/png", &picture.png()?, caption);
        Ok(())
    }

    /// Adds a walk through a volume, the bytes of [`crate::Animation::gif`].
    pub fn animation(&mut self, gif: &[u8], caption: &str) {
        self.image("image/gif", gif, caption);
    }

    /// Adds curves.
    ///
    /// # Errors
    /// As [`Chart::svg`].
    pub fn chart(&mut self, chart: &Chart) -> Result<()> {
        self.body += &format!("<figure>{}</figure>\n", chart.svg()?);
        Ok(())
    }

    /// The whole page.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
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
            rows: vec![vec!["a\"b".into(), "0.91".into()]],
        });
        let picture = Picture::filled(3, 2, [9; 3]).unwrap();
        page.picture(&picture, "nothing").unwrap();
        let html = page.html();
        assert!(html.contains("<h1>Fold 0 &lt;test&gt;</h1>"));
        assert!(html.contains("<td>a&quot;b</td><td class=\"number\">0.91</td>"));
        let start = html.find("base64,").unwrap() + 7;
        let end = start + html[start..].find('"').unwrap();
        let bytes = STANDARD.decode(&html[start..end]).unwrap();
        assert_eq!(bytes, picture.png().unwrap());
        assert!(!html.contains("src=\"http"));
    }
}
