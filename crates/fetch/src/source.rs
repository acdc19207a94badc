//! What is fetched: a place, and what its bytes must be.

use crate::decathlon::PLACE;
use crate::{Checksum, Error, Result, TASKS, Task};
use ureq::http::Uri;

/// What a URL looks like.
const FORM: &str = "expected a URL that begins with https://, http:// or file://";

/// An archive or a file to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub(crate) url: String,
    pub(crate) checksum: Option<Checksum>,
    file_name: String,
}

impl Source {
    /// A task of the Medical Segmentation Decathlon: `Task04_Hippocampus`, `Task04` or `hippocampus`, in any case.
    ///
    /// # Errors
    /// [`Error::UnknownTask`] with the names that there are.
    pub fn task(name: &str) -> Result<Self> {
        let task = Task::of(name).ok_or_else(|| Error::UnknownTask {
            found: name.to_owned(),
        })?;
        let file_name = format!("{}.tar", task.name);
        Ok(Self {
            url: format!("{PLACE}/{file_name}"),
            checksum: Some(task.checksum),
            file_name,
        })
    }

    /// A URL: `https://`, `http://` or `file://`. The last part of its path is the name of the file.
    ///
    /// # Errors
    /// [`Error::BadUrl`] for another scheme, a URL without a host or a file name, and one with a password, which would
    /// show in messages.
    pub fn url(url: &str) -> Result<Self> {
        let bad = |reason: &'static str| Error::BadUrl {
            url: without_password(url),
            reason,
        };
        let path = match url.strip_prefix("file://") {
            Some(path) if path.starts_with('/') => path.to_owned(),
            Some(_) => return Err(bad("file:// is followed by an absolute path")),
            None => {
                let uri: Uri = url.parse().map_err(|_| bad(FORM))?;
                if !matches!(uri.scheme_str(), Some("http" | "https")) {
                    return Err(bad(FORM));
                }
                if uri
                    .authority()
                    .is_some_and(|found| found.as_str().contains('@'))
                {
                    return Err(bad(
                        "a name or password in it would show in messages and logs",
                    ));
                }
                uri.path().to_owned()
            }
        };
        let file_name = path.rsplit('/').next().unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.+ ".contains(c);
        if file_name.is_empty() || file_name.starts_with('.') || !file_name.chars().all(allowed) {
            return Err(bad(
                "its last part must be a file name of letters, digits, `-`, `_`, `+` and `.`",
            ));
        }
        Ok(Self {
            file_name: file_name.to_owned(),
            url: url.to_owned(),
            checksum: None,
        })
    }

    /// The same file below another address, such as `https://mirror.example.org/decathlon` or `file:///data/archives`.
    ///
    /// # Errors
    /// As of [`url`](Self::url).
    pub fn from_mirror(self, base: &str) -> Result<Self> {
        let there = Self::url(&format!(
            "{}/{}",
            base.trim_end_matches('/'),
            self.file_name
        ))?;
        Ok(Self {
            url: there.url,
            ..self
        })
    }

    /// With a checksum that the bytes must have.
    #[must_use]
    pub fn with_checksum(self, checksum: Checksum) -> Self {
        Self {
            checksum: Some(checksum),
            ..self
        }
    }

    /// The name of the file.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.url
    }
}

/// The names of the tasks, for messages.
pub(crate) fn task_names() -> String {
    let names: Vec<&str> = TASKS.iter().map(|task| task.name).collect();
    names.join(", ")
}

/// The URL without what stands before an `@` of its host.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.find('@')) {
        (Some(start), Some(end)) if start + 3 < end => {
            format!("{}***{}", &url[..start + 3], &url[end..])
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_three_names() {
        for name in ["Task09_Spleen", "task09", "SPLEEN"] {
            assert_eq!(Source::task(name).unwrap().file_name(), "Task09_Spleen.tar");
        }
        let error = Source::task("knee").unwrap_err().to_string();
        assert!(
            error.contains("knee") && error.contains("Task10_Colon"),
            "{error}"
        );
    }

    #[test]
    fn a_mirror_keeps_the_name_and_the_checksum() {
        let spleen = Source::task("spleen").unwrap();
        let there = spleen
            .clone()
            .from_mirror("https://m.example.org/msd/")
            .unwrap();
        assert_eq!(
            there.address(),
            "https://m.example.org/msd/Task09_Spleen.tar"
        );
        assert_eq!(there.checksum, spleen.checksum);
    }

    #[test]
    fn urls_that_are_refused() {
        for url in [
            "",
            "scan.tar",
            "ftp://example.org/a.tar",
            "https://example.org",
            "https://example.org/",
            "https://example.org/..",
            "https://example.org/a%2f..%2fb",
            "https://example.org/.hidden",
            "file://data/a.tar",
            "https://me:secret@example.org/a.tar",
        ] {
            let error = Source::url(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(
            Source::url("https://example.org/a.tar.gz?download=1")
                .unwrap()
                .file_name(),
            "a.tar.gz"
        );
    }
}
