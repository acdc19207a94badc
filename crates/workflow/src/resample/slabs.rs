//! Resampling some slices at a time, for images and label maps larger than the memory that may be taken.

use super::files::{FileInterpolation, of_images, of_labels};
use super::{Resampling, Through};
use crate::FileError as Error;
use crate::kind::{FileKind, Notice, Reader};
use crate::slabs::FileSlabs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use vesalius_control::{Cancelled, Control};
use vesalius_filters::{
    Convention, Interpolation, ResampleOptions, Result, resample_labels_slabs, resample_slabs,
};
use vesalius_io::{
    FileVoxel, ImageFile, OnWarning, ReadOptions, VoxelType, WriteOptions, open_with, write_made,
};
use vesalius_volume::{Geometry, Warning, available_memory};

/// The most slices of the result that are made at once.
const MOST: usize = 64;

/// Slices that [`FileSlabs`] reads at once.
const READ_AT_ONCE: usize = 8;

/// What a run by slabs works on.
pub(super) struct Large<'a> {
    pub input: &'a Path,
    pub output: &'a Path,
    pub job: &'a Resampling,
    pub interpolation: Option<FileInterpolation>,
    pub control: &'a Control,
}

impl Large<'_> {
    /// Resamples by slabs where input and result do not fit the memory that the reading options and the machine allow;
    /// `false`, with nothing written, where they do, or where this resampling needs the whole image: a map, nnU-Net's
    /// convention, several channels, slices that run the other way, DICOM.
    pub fn run(&self, kind: FileKind, reader: &mut Reader) -> std::result::Result<bool, Error> {
        let memory = (reader.options.max_bytes).min(available_memory().unwrap_or(u64::MAX));
        if self.job.through != Through::Nothing || self.job.convention == Convention::NnUnet {
            return Ok(false);
        }
        // What follows the voxels is known when all is written, and would be refused then.
        if reader.options.on_warning == OnWarning::Refuse {
            return Ok(false);
        }
        // The limit is kept by the slabs, not by the file's size.
        let unlimited = ReadOptions {
            max_bytes: u64::MAX,
            ..reader.options.clone()
        };
        let Ok(file) = open_with(self.input, &unlimited) else {
            return Ok(false);
        };
        let source = file.info().geometry;
        let target = self.job.target(&source)?;
        let needed = 4 * (source.voxel_count() as u64 + target.voxel_count() as u64);
        if file.info().channels > 1 || needed <= memory || !runs_along(&source, &target) {
            return Ok(false);
        }
        let labels = reader.is_label_file(&file, kind)?;
        let (size, cubic) = match labels {
            true => (size_of::<u16>(), false),
            false => (
                size_of::<f32>(),
                self.image_options()?.interpolation == Interpolation::Cubic,
            ),
        };
        let Some(thickness) = thickness(&source, &target, memory / size as u64, cubic) else {
            return Ok(false);
        };
        let grids = Grids { target, thickness };
        let of_header = file.info().warnings.clone();
        let warnings = match labels {
            true => self.labels(&file.as_labels()?, &grids)?,
            false => self.image(&file, &grids)?,
        };
        let path = self.input;
        let warnings = [of_header, warnings].concat();
        (reader.notice)(&Notice::Read {
            path,
            warnings: &warnings,
        });
        Ok(true)
    }

    fn image_options(&self) -> std::result::Result<ResampleOptions, Error> {
        Ok(self.job.image_options(of_images(self.interpolation)?))
    }

    fn image(&self, file: &ImageFile, grids: &Grids) -> std::result::Result<Vec<Warning>, Error> {
        let (target, slices, options) = (&grids.target, grids.thickness, self.image_options()?);
        let write = WriteOptions::default().control(self.control.clone());
        self.written::<f32>(file, target, &write, |source, send| {
            resample_slabs(source, target, slices, &options, |_, slab| {
                send(slab.data().to_vec())
            })
        })
    }

    fn labels(&self, file: &ImageFile, grids: &Grids) -> std::result::Result<Vec<Warning>, Error> {
        let (target, slices) = (&grids.target, grids.thickness);
        let options = self.job.label_options(of_labels(self.interpolation)?);
        // The type of the result is the smallest that holds every label of the input.
        let mut largest = 0u16;
        for slab in file.slabs::<u16>(READ_AT_ONCE)? {
            self.control
                .check()
                .map_err(vesalius_filters::Error::from)?;
            let slab = slab?;
            largest = slab.volume.data().iter().copied().fold(largest, u16::max);
        }
        let write = WriteOptions {
            labels: file.info().labels.clone(),
            voxel_type: Some(match largest {
                0..=255 => VoxelType::U8,
                _ => VoxelType::U16,
            }),
            ..WriteOptions::default().control(self.control.clone())
        };
        self.written::<u16>(file, target, &write, |source, send| {
            resample_labels_slabs(source, target, slices, &options, |_, slab| {
                send(slab.data().to_vec())
            })
        })
    }

    /// Writes the slabs that `resample` sends, while it makes the next, and gives what reading found.
    fn written<T: FileVoxel>(
        &self,
        file: &ImageFile,
        target: &Geometry,
        write: &WriteOptions,
        resample: impl FnOnce(&mut FileSlabs<T>, &mut dyn FnMut(Vec<T>) -> Result<()>) -> Result<()>
        + Send,
    ) -> std::result::Result<Vec<Warning>, Error> {
        let stage = (self.control).stage("resampling", target.size()[2] as u64);
        let slice = target.size()[0] * target.size()[1];
        let (sender, receiver) = sync_channel::<Vec<T>>(0);
        let make = || -> Result<Vec<Warning>> {
            let mut source = FileSlabs::new(file)?;
            resample(&mut source, &mut |values| {
                self.control.check()?;
                stage.advance((values.len() / slice.max(1)) as u64);
                // Where writing ended early, its error is the one to report.
                sender.send(values).map_err(|_| Cancelled.into())
            })?;
            drop(sender);
            source.finish()
        };
        std::thread::scope(|scope| {
            let made = scope.spawn(make);
            let queue = Mutex::new(Queue {
                slabs: receiver,
                values: Vec::new(),
                taken: 0,
            });
            let take = |_: usize, out: &mut [T]| {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.take(out)
            };
            let written = write_made::<T>(self.output, target, 1, &take, write);
            drop(queue);
            let made = made
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match (made, written) {
                (Err(vesalius_filters::Error::Cancelled(_)), Err(error)) => Err(error.into()),
                (Err(error), _) => Err(error.into()),
                (Ok(_), Err(error)) => Err(error.into()),
                (Ok(warnings), Ok(())) => Ok(warnings),
            }
        })
    }
}

struct Grids {
    target: Geometry,
    /// Slices of the target that are made at once.
    thickness: usize,
}

/// Slabs that were made and not yet written.
struct Queue<T> {
    slabs: Receiver<Vec<T>>,
    values: Vec<T>,
    /// How many of them were written.
    taken: usize,
}

impl<T: Copy> Queue<T> {
    /// The next values, in the order of the result.
    fn take(&mut self, mut out: &mut [T]) -> io::Result<()> {
        while !out.is_empty() {
            if self.taken == self.values.len() {
                // Freed before the next come.
                self.values = Vec::new();
                self.taken = 0;
                let next = self.slabs.recv();
                self.values = next.map_err(|_| io::Error::other("the slices were not made"))?;
            }
            let count = out.len().min(self.values.len() - self.taken);
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(&self.values[self.taken..self.taken + count]);
            self.taken += count;
            out = later;
        }
        Ok(())
    }
}

/// Whether the slices of both grids run the same way, so that a file is read once from its start to its end.
fn runs_along(source: &Geometry, target: &Geometry) -> bool {
    let [first, second] = [[0.0; 3], [0.0, 0.0, 1.0]]
        .map(|index| source.world_to_index(target.index_to_world(index)));
    second[2] >= first[2]
}

/// How many slices of the target can be made at once within so many values; `None` where not one can.
fn thickness(source: &Geometry, target: &Geometry, values: u64, cubic: bool) -> Option<usize> {
    let slice = |grid: &Geometry| (grid.size()[0] * grid.size()[1]) as f64;
    let depth = source.size()[2] as f64;
    // Slices of the source beyond those under the slab, and copies of each while it is filtered.
    let (margin, copies) = match cubic {
        true => (62.0, 6.0),
        false => (6.0, 2.0),
    };
    let fits = |count: usize| -> Option<bool> {
        let [x, y, _] = target.size();
        let part = target.region([0; 3], [x, y, count]).ok()?;
        let seen = part
            .corners()
            .map(|corner| source.world_to_index(corner)[2]);
        let low = seen.iter().copied().fold(f64::INFINITY, f64::min);
        let high = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let read = (high - low + margin).min(depth) * copies + READ_AT_ONCE as f64;
        Some(read * slice(source) + 3.0 * count as f64 * slice(target) <= values as f64)
    };
    let most = target.size()[2].min(MOST);
    (1..=most).rev().find(|&count| fits(count) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resample::{FileGrid, FileResampling, resample_file};
    use std::path::PathBuf;
    use vesalius_io::{LabelName, probe, read_as, write, write_labels_with};
    use vesalius_volume::{LabelMap, Volume};

    fn run(input: &Path, options: &FileResampling) -> std::result::Result<PathBuf, Error> {
        let name = format!("{}.nii.gz", options.reading.max_bytes);
        let output = input.with_file_name(name);
        resample_file(input, &output, options, &mut |_| {})?;
        Ok(output)
    }

    fn within(bytes: u64, options: &FileResampling) -> FileResampling {
        let reading = ReadOptions {
            max_bytes: bytes,
            ..options.reading.clone()
        };
        FileResampling {
            reading,
            ..options.clone()
        }
    }

    #[test]
    fn within_little_memory_the_result_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let [image, labels] = ["i.nii.gz", "l.nii.gz"].map(|name| folder.path().join(name));
        let (c, s) = (0.1f64.cos(), 0.1f64.sin());
        let direction = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]];
        let grid = Geometry::from_parts([30, 26, 90], [0.8, 0.7, 1.5], [-9.0, 3.0, 8.0], direction);
        let grid = grid.unwrap();
        let value = |[x, y, z]: [usize; 3]| (x * 31 + y * 17 + z * 57) % 1009;
        write(&image, &Volume::from_fn(grid, |at| value(at) as i16)).unwrap();
        let map = LabelMap::<u16>::from_fn(grid, |[x, y, z]| ((x / 9 + y / 7 + z / 11) % 4) as u16);
        let named = WriteOptions {
            labels: vec![LabelName::new(1, "liver")],
            ..WriteOptions::default()
        };
        write_labels_with(&labels, &map, &named).unwrap();
        let all = 4 * grid.voxel_count() as u64;
        for interpolation in [None, Some(FileInterpolation::Nearest)] {
            for grid in [FileGrid::Spacing([1.0; 3]), FileGrid::Size([20, 20, 200])] {
                let options = FileResampling {
                    grid,
                    interpolation,
                    ..FileResampling::default()
                };
                for input in [&image, &labels] {
                    let whole = run(input, &options).unwrap();
                    let parts = run(input, &within(all / 2, &options)).unwrap();
                    assert_eq!(
                        read_as::<f32>(&parts).unwrap(),
                        read_as::<f32>(&whole).unwrap()
                    );
                    let [parts, whole] = [parts, whole].map(|path| probe(path).unwrap());
                    assert_eq!(parts.voxel_type, whole.voxel_type);
                    assert_eq!(parts.labels, whole.labels);
                }
            }
        }
    }

    #[test]
    fn what_needs_the_whole_image_is_refused_by_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("image.nii");
        let grid = Geometry::axis_aligned([30, 30, 40], [1.0; 3]).unwrap();
        write(
            &input,
            &Volume::from_fn(grid, |[x, y, z]| (x + y * z) as f32 + 0.5),
        )
        .unwrap();
        let options = FileResampling {
            grid: FileGrid::Spacing([0.5; 3]),
            ..FileResampling::default()
        };
        // Not one slice of the result fits.
        let refused = run(&input, &within(4000, &options)).unwrap_err();
        assert!(refused.to_string().contains("4000"), "{refused}");
        let nnunet = FileResampling {
            convention: Convention::NnUnet,
            ..options
        };
        let refused = run(&input, &within(100_000, &nnunet)).unwrap_err();
        assert!(refused.to_string().contains("100000"), "{refused}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_run_that_is_cancelled_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("image.nii");
        let grid = Geometry::axis_aligned([30, 30, 200], [1.0; 3]).unwrap();
        write(
            &input,
            &Volume::from_fn(grid, |[x, y, z]| (x + y * z) as f32 + 0.5),
        )
        .unwrap();
        let options = FileResampling {
            grid: FileGrid::Spacing([0.5; 3]),
            ..FileResampling::default()
        };
        options.control.on_progress({
            let control = options.control.clone();
            move |progress| {
                if progress.done > 0 {
                    control.cancel();
                }
            }
        });
        let refused = run(&input, &within(500_000, &options)).unwrap_err();
        assert_eq!(
            refused.kind(),
            vesalius_volume::ErrorKind::Cancelled,
            "{refused}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
