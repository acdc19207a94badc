//! A list as a CSV table: columns `image` (or `image_T1`, `image_T2`, … one per channel), `label`, and,
//! if wanted, `name`, `fold`, `patient`. A row without label is a case to be segmented.

use super::{CaseFiles, Datalist, UnlabelledFiles, keys, numbered_channels};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// The positions of the columns.
struct Columns {
    images: Vec<usize>,
    label: usize,
    name: Option<usize>,
    fold: Option<usize>,
    patient: Option<usize>,
}

pub(super) fn parse(path: &Path, root: &Path, text: &str) -> Result<Datalist> {
    let bad = |reason: String| Error::Datalist {
        path: path.to_path_buf(),
        reason,
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|e| bad(format!("is not a CSV table: {e}")))?;
    let (columns, channels) = columns(header).map_err(bad)?;
    let mut list = Datalist {
        path: path.to_path_buf(),
        name: vesalius_io::strip_extension(path),
        channels,
        labels: BTreeMap::new(),
        regions: vec![],
        ignore: None,
        cases: vec![],
        held_out: vec![],
        testing: vec![],
    };
    for row in reader.records() {
        let row = row.map_err(|e| bad(format!("is not a CSV table: {e}")))?;
        let line = row.position().map_or(0, csv::Position::line);
        add_row(&mut list, &columns, root, &row)
            .map_err(|reason| bad(format!("line {line}: {reason}")))?;
    }
    Ok(list)
}

fn columns(header: &csv::StringRecord) -> std::result::Result<(Columns, Vec<String>), String> {
    let find = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let mut images = vec![];
    let mut channels = vec![];
    for (i, name) in header.iter().enumerate() {
        if name.eq_ignore_ascii_case("image") {
            images.push(i);
        } else if let Some(channel) = name.strip_prefix("image_") {
            images.push(i);
            channels.push(channel.to_owned());
        }
    }
    const OTHERS: [&str; 4] = ["label", "name", "fold", "patient"];
    let lower: Vec<String> = header.iter().map(str::to_lowercase).collect();
    let is_image = |name: &str| name == "image" || name.starts_with("image_");
    let strange = lower
        .iter()
        .filter(|name| !OTHERS.contains(&name.as_str()) && !is_image(name));
    for name in strange {
        let absent = |meant: &&str| lower.iter().all(|there| there != meant);
        if let Some(meant) = keys::slip(name, &OTHERS).find(absent) {
            return Err(format!(
                "has the unknown column `{name}`; did you mean `{meant}`?"
            ));
        }
    }
    let found = || header.iter().collect::<Vec<_>>().join(", ");
    if images.is_empty() {
        return Err(format!(
            "has no column `image` (or `image_T1`, `image_T2`, …); its columns are {}",
            found()
        ));
    }
    if channels.len() != images.len() {
        channels = numbered_channels(images.len());
    }
    let label = find("label")
        .ok_or_else(|| format!("has no column `label`; its columns are {}", found()))?;
    let columns = Columns {
        images,
        label,
        name: find("name"),
        fold: find("fold"),
        patient: find("patient"),
    };
    Ok((columns, channels))
}

fn add_row(
    list: &mut Datalist,
    columns: &Columns,
    root: &Path,
    row: &csv::StringRecord,
) -> std::result::Result<(), String> {
    let cell = |i: usize| row.get(i).filter(|text| !text.is_empty());
    let optional = |i: Option<usize>| i.and_then(cell);
    let images = columns.images.iter().map(|&i| {
        cell(i)
            .map(|text| root.join(text))
            .ok_or_else(|| "a column of images is empty; each channel needs its file".to_owned())
    });
    let images: Vec<_> = images.collect::<std::result::Result<_, _>>()?;
    let name = match optional(columns.name) {
        Some(name) => name.to_owned(),
        None => vesalius_io::strip_extension(&images[0]),
    };
    let fold = optional(columns.fold)
        .map(|text| {
            text.parse::<usize>()
                .map_err(|_| format!("`fold` is `{text}`, expected a whole number from 0"))
        })
        .transpose()?;
    match cell(columns.label) {
        Some(label) => list.cases.push(CaseFiles {
            name,
            images,
            label: root.join(label),
            fold,
            patient: optional(columns.patient).map(str::to_owned),
        }),
        None => list.testing.push(UnlabelledFiles { name, images }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Datalist> {
        parse(Path::new("cases.csv"), Path::new("data"), text)
    }

    #[test]
    fn columns_may_come_in_any_order() {
        let list = read(
            "fold,label,image_T1,image_T2,age,patient\n1,a_seg.nii,a1.nii,a2.nii,40,P1\n,,b1.nii,b2.nii,50,\n",
        )
        .unwrap();
        assert_eq!(list.channels, ["T1", "T2"]);
        assert_eq!(list.cases[0].images[1], Path::new("data/a2.nii"));
        assert_eq!(
            (list.cases[0].fold, list.cases[0].name.as_str()),
            (Some(1), "a1")
        );
        assert_eq!(list.cases[0].patient.as_deref(), Some("P1"));
        assert_eq!(list.testing[0].name, "b1");
    }

    #[test]
    fn a_bad_table_is_named_with_its_line() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(error("scan,label\na,b\n").contains("scan, label"));
        assert!(error("image,lable\na,b\n").contains("did you mean `label`"));
        assert!(error("image,label,flod\na,b,0\n").contains("did you mean `fold`"));
        assert!(error("image,mask\na,b\n").contains("no column `label`"));
        let fold = error("image,label,fold\na,b,0\nc,d,x\n");
        assert!(fold.contains("line 3") && fold.contains("`x`"), "{fold}");
        assert!(error("image,label\na\n").contains("CSV"));
    }
}
