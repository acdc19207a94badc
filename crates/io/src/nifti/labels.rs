//! Names and colours of labels in a NIfTI file: a header extension of text, ITK-SNAP's label description.

use crate::labels::{HEADING, described, description};
use crate::{Extension, LabelName};

/// The code of an extension that is a comment, plain text for readers.
const COMMENT: i32 = 6;

/// The extension for these labels; `None` without any, and where they overlap, which the form cannot express.
pub(super) fn extension(labels: &[LabelName]) -> Option<Extension> {
    let sayable = !labels.is_empty() && labels.iter().all(|label| label.layer == 0);
    sayable.then(|| Extension {
        code: COMMENT,
        data: description(labels).into_bytes(),
    })
}

/// Whether an extension holds names of labels.
pub(super) fn is_description(extension: &Extension) -> bool {
    extension.code == COMMENT && extension.data.starts_with(HEADING.as_bytes())
}

/// The names in a file's extensions; none where a program damaged them.
pub(super) fn of_extensions(extensions: &[Extension]) -> Vec<LabelName> {
    let Some(found) = extensions.iter().find(|e| is_description(e)) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&found.data);
    let names = described(text.trim_end_matches('\0')).unwrap_or_default();
    names.into_iter().filter(|label| label.value != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(value: u32, layer: u32) -> LabelName {
        LabelName {
            value,
            name: "große \"Zyste\"".to_owned(),
            color: [1, 2, 255],
            layer,
        }
    }

    #[test]
    fn names_pass_through_an_extension_and_damaged_ones_are_none() {
        let mut kept = extension(&[label(3, 0)]).unwrap();
        assert!(is_description(&kept));
        kept.data.extend([0; 5]);
        let expected = LabelName {
            name: "große 'Zyste'".to_owned(),
            ..label(3, 0)
        };
        assert_eq!(of_extensions(&[kept.clone()]), [expected]);
        assert!(extension(&[]).is_none() && extension(&[label(1, 1)]).is_none());
        kept.data.extend(b"\nnot a line");
        assert!(of_extensions(&[kept.clone()]).is_empty());
        kept.code = 4;
        assert!(!is_description(&kept));
    }
}
