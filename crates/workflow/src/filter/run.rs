//! One run of a filter: the files that it reads and writes.

use super::values::Values;
use super::{Error, Findings, Result};
use crate::kind::{FileKind, Notice, Reader};
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_filters as filters;
use vesalius_io::{FileVoxel, LabelName, ReadOptions, WriteOptions, probe_with};
use vesalius_io::{write, write_labels, write_labels_with};
use vesalius_volume::{Label, LabelMap, Volume};

/// A filter, its values and the files that it works on.
#[derive(Debug, Clone)]
pub struct FilterJob {
    values: Values,
    input: PathBuf,
    output: Option<PathBuf>,
    /// Whether the input is an image or a label map, for filters that take both.
    pub kind: FileKind,
    /// How the input and all other files are read.
    pub reading: ReadOptions,
    /// Cancels and follows the filters that may take longer than a second; the others (`rescale`, `window`, `clip`,
    /// `normalise`, `threshold`, `gradient-magnitude`, `laplacian`, `label-statistics`, the contour of a mask, and those
    /// that move voxels without interpolating) are cancelled before they begin.
    pub control: Control,
}

impl FilterJob {
    /// A filter with these values on a file, read with the usual options.
    pub fn new(input: impl Into<PathBuf>, values: Values) -> Self {
        Self {
            values,
            input: input.into(),
            output: None,
            kind: FileKind::default(),
            reading: ReadOptions::default(),
            control: Control::new(),
        }
    }

    /// The file that is written; its name decides the format.
    pub fn output(mut self, path: impl Into<PathBuf>) -> Self {
        self.output = Some(path.into());
        self
    }

    /// Reads, filters and writes; `notice` is called with what reading decided.
    ///
    /// # Errors
    /// [`Error`]: a file that cannot be read or written, an option that the filter cannot have, a file that
    /// may be an image or a label map.
    pub fn run(&self, notice: &mut dyn FnMut(&Notice)) -> Result<Findings> {
        let filter = self.values.filter;
        let mut run = Run {
            values: &self.values,
            input: &self.input,
            output: self.output.as_deref(),
            kind: self.kind,
            control: &self.control,
            reader: Reader {
                options: &self.reading,
                notice,
            },
        };
        self.control.check()?;
        (filter.run)(&mut run)
    }
}

/// What a filter's function works with.
pub(super) struct Run<'a> {
    pub values: &'a Values,
    pub control: &'a Control,
    pub input: &'a Path,
    output: Option<&'a Path>,
    kind: FileKind,
    reader: Reader<'a>,
}

impl<'a> Run<'a> {
    pub fn output(&self) -> Result<&'a Path> {
        self.output.ok_or(Error::NoOutput(self.values.filter.name))
    }

    /// The input as an image.
    pub fn image(&mut self) -> Result<Volume<f32>> {
        Ok(self.reader.image(self.input)?)
    }

    /// The input as a label map.
    pub fn labels(&mut self) -> Result<LabelMap> {
        Ok(self.reader.labels(self.input)?)
    }

    /// The input as an image; `None` where it is a label map.
    pub fn image_unless_labels(&mut self) -> Result<Option<Volume<f32>>> {
        if self.kind == FileKind::Labels {
            return Ok(None);
        }
        let image = self.image()?;
        let labels = self.reader.is_labels(self.input, &image, self.kind)?;
        Ok((!labels).then_some(image))
    }

    /// The image that an argument names.
    pub fn image_at(&mut self, argument: &str) -> Result<Volume<f32>> {
        let path = self.values.file(argument)?;
        let path = path.ok_or_else(|| self.values.filter.wrong(argument, "is missing"))?;
        Ok(self.reader.image(path)?)
    }

    /// The label map that an argument names, where it is given.
    pub fn labels_at(&mut self, argument: &str) -> Result<Option<LabelMap>> {
        match self.values.file(argument)? {
            Some(path) => Ok(Some(self.reader.labels(path)?)),
            None => Ok(None),
        }
    }

    pub fn write<T: FileVoxel>(&self, image: &Volume<T>) -> Result<Findings> {
        write(self.output()?, image)?;
        Ok(Findings::Nothing)
    }

    /// Writes labels whose values mean something new.
    pub fn write_labels<T: Label + FileVoxel>(&self, labels: &LabelMap<T>) -> Result<Findings> {
        write_labels(self.output()?, labels)?;
        Ok(Findings::Nothing)
    }

    /// Writes labels whose values mean what they mean in the input: their names and colours go along.
    pub fn write_same_labels<T: Label + FileVoxel>(
        &self,
        labels: &LabelMap<T>,
    ) -> Result<Findings> {
        self.write_named(labels, self.names()?)
    }

    /// Writes labels with names and colours.
    pub fn write_named<T: Label + FileVoxel>(
        &self,
        labels: &LabelMap<T>,
        names: Vec<LabelName>,
    ) -> Result<Findings> {
        let options = WriteOptions {
            labels: names,
            ..WriteOptions::default()
        };
        write_labels_with(self.output()?, labels, &options)?;
        Ok(Findings::Nothing)
    }

    /// Names and colours of the input's labels.
    pub fn names(&self) -> Result<Vec<LabelName>> {
        Ok(probe_with(self.input, self.reader.options)?.labels)
    }

    /// From an image to an image.
    pub fn filter(
        &mut self,
        filter: impl FnOnce(&Volume<f32>) -> filters::Result<Volume<f32>>,
    ) -> Result<Findings> {
        let image = self.image()?;
        self.control.check()?;
        self.write(&filter(&image)?)
    }

    /// From labels to labels of the same values.
    pub fn relabel<T: Label + FileVoxel>(
        &mut self,
        filter: impl FnOnce(&LabelMap) -> filters::Result<LabelMap<T>>,
    ) -> Result<Findings> {
        let labels = self.labels()?;
        self.control.check()?;
        self.write_same_labels(&filter(&labels)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::named;
    use vesalius_volume::{ErrorKind, Geometry};

    #[test]
    fn a_job_that_is_cancelled_in_its_filter_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [image, labels, output] =
            ["a.nii", "b.nii", "c.nii"].map(|name| folder.path().join(name));
        let grid = Geometry::axis_aligned([20, 20, 30], [1.0; 3]).unwrap();
        let values = Volume::from_fn(grid, |[x, y, z]| (x * y + z) as f32 + 0.5);
        write(&image, &values).unwrap();
        let map = LabelMap::<u16>::from_fn(grid, |[x, y, z]| ((x / 4 + y / 5 + z / 6) % 3) as u16);
        write_labels(&labels, &map).unwrap();
        let markers = labels.to_str().unwrap();
        for (name, input, given) in [
            ("median", &image, vec![("radius", "1")]),
            ("gaussian", &image, vec![("sigma", "1")]),
            ("discrete-gaussian", &image, vec![("variance", "1")]),
            ("laplacian-sharpening", &image, vec![]),
            ("unsharp-mask", &image, vec![]),
            ("clahe", &image, vec![]),
            ("clahe", &image, vec![("convention", "scikit-image")]),
            ("match-histogram", &image, vec![("reference", markers)]),
            ("otsu", &image, vec![("thresholds", "2")]),
            ("watershed", &image, vec![("markers", markers)]),
            ("reconstruct", &labels, vec![("mask", markers)]),
            ("dilate", &labels, vec![("radius", "2")]),
            ("erode", &labels, vec![("radius", "1")]),
            ("open", &labels, vec![("radius", "1")]),
            ("close", &labels, vec![("radius", "1"), ("binary", "true")]),
            ("fill-holes", &labels, vec![("slices", "x")]),
            ("components", &labels, vec![]),
            ("keep-largest", &labels, vec![]),
            ("keep-larger-than", &labels, vec![("minimum-volume", "10")]),
            ("keep-touching", &labels, vec![("seed", "1,1,1")]),
            ("contour", &labels, vec![]),
        ] {
            let values = named(name).unwrap().values(given).unwrap();
            let mut job = FilterJob::new(input, values).output(&output);
            job.control.on_progress({
                let control = job.control.clone();
                move |progress| {
                    if progress.done > 0 {
                        control.cancel();
                    }
                }
            });
            let refused = job.run(&mut |_| {}).expect_err(name);
            assert_eq!(refused.kind(), ErrorKind::Cancelled, "{name}");
            assert!(!output.exists(), "{name}");
            job.control = Control::new();
            job.run(&mut |_| {}).expect(name);
            std::fs::remove_file(&output).expect(name);
        }
    }

    #[test]
    fn names_and_colours_go_along_where_values_keep_their_meaning() {
        let folder = tempfile::tempdir().unwrap();
        let [input, output] = ["in.nii", "out.nrrd"].map(|name| folder.path().join(name));
        let grid = Geometry::axis_aligned([12, 10, 8], [1.0; 3]).unwrap();
        let map = LabelMap::<u16>::from_fn(grid, |[x, y, z]| match [x, y, z] {
            [1..5, 1..8, 1..7] => 3,
            [5..11, 1..8, 1..7] => 5,
            _ => 0,
        });
        let [liver, spleen] = [(3, "liver"), (5, "spleen")].map(|(value, name)| LabelName {
            color: [value as u8, 20, 30],
            ..LabelName::new(value, name)
        });
        let options = WriteOptions {
            labels: vec![liver.clone(), spleen.clone()],
            ..WriteOptions::default()
        };
        write_labels_with(&input, &map, &options).unwrap();
        let both = vec![liver, spleen.clone()];
        let one = vec![LabelName { value: 1, ..spleen }];
        for (name, given, expected) in [
            ("orient", vec![("to", "LPS"), ("labels", "true")], &both),
            ("flip", vec![("axes", "x"), ("labels", "true")], &both),
            (
                "permute",
                vec![("order", "z,x,y"), ("labels", "true")],
                &both,
            ),
            ("crop-to-foreground", vec![("labels", "true")], &both),
            (
                "crop-or-pad",
                vec![("size", "9"), ("labels", "true")],
                &both,
            ),
            ("dilate", vec![("radius", "1")], &both),
            ("fill-holes", vec![], &both),
            ("fill-holes", vec![("label", "5")], &one),
            ("erode", vec![("radius", "1"), ("label", "5")], &one),
            ("erode", vec![("radius", "1"), ("binary", "true")], &vec![]),
            ("keep-largest", vec![], &both),
            ("keep-larger-than", vec![("minimum-volume", "10")], &both),
            ("keep-touching", vec![("seed", "2,2,2")], &both),
            ("components", vec![], &vec![]),
            ("median", vec![("radius", "1")], &both),
            ("contour", vec![], &both),
            ("contour", vec![("binary", "true")], &vec![]),
        ] {
            let values = named(name).unwrap().values(given).unwrap();
            let job = FilterJob::new(&input, values).output(&output);
            job.run(&mut |_| {}).expect(name);
            let found = probe_with(&output, &ReadOptions::default()).unwrap().labels;
            assert_eq!(&found, expected, "{name}");
            std::fs::remove_file(&output).unwrap();
        }
    }
}
