//! DICOM objects of a version of the labels, for jobs that were DICOM series. They are made when they are first asked for
//! and kept, so that they have the same identifiers each time.

use super::Server;
use super::file::file;
use super::jobs::find;
use super::refused::Refused;
use super::results::{AskedVersion, versioned};
use crate::input::{input_path, read_options, told};
use crate::job::{InputKind, Job};
use crate::queue::Queue;
use crate::spool::make_folder;
use crate::versions::file_of;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::path::PathBuf;
use vesalius_control::Control;
use vesalius_dicom::{AlgorithmType, ReportWriter, RtStructWriter, SegWriter, Segment, WrittenSeg};
use vesalius_io::{Series, choose_series, read_series};
use vesalius_volume::LabelMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Seg,
    Report,
    Contours,
}

impl Object {
    fn name(self) -> &'static str {
        match self {
            Self::Seg => "seg",
            Self::Report => "sr",
            Self::Contours => "rtstruct",
        }
    }
}

pub(crate) async fn seg(
    server: State<Server>,
    id: Path<String>,
    which: AskedVersion,
) -> Result<Response, Refused> {
    object(server, id, which, Object::Seg).await
}

pub(crate) async fn report(
    server: State<Server>,
    id: Path<String>,
    which: AskedVersion,
) -> Result<Response, Refused> {
    object(server, id, which, Object::Report).await
}

pub(crate) async fn contours(
    server: State<Server>,
    id: Path<String>,
    which: AskedVersion,
) -> Result<Response, Refused> {
    object(server, id, which, Object::Contours).await
}

async fn object(
    State(server): State<Server>,
    Path(id): Path<String>,
    which: AskedVersion,
    object: Object,
) -> Result<Response, Refused> {
    if find(&server, &id)?.job.kind != InputKind::Zip {
        return Err(Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a DICOM object belongs to the series from which it was made, and this job is a file of another format; download \
             the labels as NIfTI, or send the series as a zip archive",
        ));
    }
    let (job, version) = versioned(&server, &id, which)?;
    let number = version.number;
    // One at a time for each job would do; two for all bound the memory. The semaphore is never closed.
    let _turn = server.makers.acquire().await.map_err(|_| Refused::disk())?;
    let server = server.clone();
    let made =
        tokio::task::spawn_blocking(move || Maker::new(&server.queue, &job, number)?.make(object));
    let made = made.await.map_err(|_| Refused::disk())?;
    let path = made.map_err(|reason| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    file(
        path,
        "application/dicom",
        &format!("{}_{number}.dcm", object.name()),
    )
    .await
}

/// What the objects of one version are made from.
struct Maker<'a> {
    queue: &'a Queue,
    job: &'a Job,
    number: u32,
    folder: PathBuf,
    series: Series,
}

impl<'a> Maker<'a> {
    fn new(queue: &'a Queue, job: &'a Job, number: u32) -> Result<Self, String> {
        let folder = queue.folder(job);
        let options = read_options(job, &queue.limits, &Control::new());
        let series = choose_series(input_path(&folder, job), &options)
            .map_err(|error| told(&error.to_string(), &folder))?;
        Ok(Self {
            queue,
            job,
            number,
            folder,
            series,
        })
    }

    fn path(&self, object: Object) -> PathBuf {
        self.folder
            .join("objects")
            .join(format!("{:04}_{}.dcm", self.number, object.name()))
    }

    /// The file of an object, made if it does not exist.
    fn make(&self, object: Object) -> Result<PathBuf, String> {
        let path = self.path(object);
        if path.is_file() {
            return Ok(path);
        }
        let said = |error: &dyn std::fmt::Display| told(&error.to_string(), &self.folder);
        make_folder(&self.folder.join("objects")).map_err(|e| said(&e))?;
        let source = file_of(self.queue, self.job, self.number).ok_or("the labels were deleted")?;
        let labels: LabelMap = vesalius_io::read_labels(source).map_err(|e| said(&e))?;
        if labels.data().iter().all(|&label| label == 0) {
            return Err(
                "no voxel has a label, so there is nothing that an object could hold".to_owned(),
            );
        }
        match object {
            Object::Seg => {
                self.segmentation(&labels)?;
            }
            Object::Report => self.measured(&labels)?,
            Object::Contours => {
                let writer = RtStructWriter::new(&self.series).map_err(|e| said(&e))?;
                let writer = writer.segments(self.segments());
                writer.write(&labels, &path).map_err(|e| said(&e))?;
            }
        }
        Ok(path)
    }

    fn segmentation(&self, labels: &LabelMap) -> Result<WrittenSeg, String> {
        let said = |error: vesalius_dicom::Error| told(&error.to_string(), &self.folder);
        let mut writer = SegWriter::new(&self.series)
            .map_err(said)?
            .segments(self.segments());
        if let Ok(model) = self.queue.model(&self.job.model) {
            let version = match model.version.is_empty() {
                true => env!("CARGO_PKG_VERSION"),
                false => &model.version,
            };
            writer = writer.algorithm(shortened(&model.name), shortened(version));
        }
        writer.write(labels, self.path(Object::Seg)).map_err(said)
    }

    /// A report with the segmentation that it refers to, which is made unless it exists.
    fn measured(&self, labels: &LabelMap) -> Result<(), String> {
        let said = |error: vesalius_dicom::Error| told(&error.to_string(), &self.folder);
        let path = self.path(Object::Seg);
        let seg = match path.is_file() {
            // The labels of its segments are their numbers, so the values are put back.
            true => self.with_values(WrittenSeg::open(&path).map_err(said)?),
            false => self.segmentation(labels)?,
        };
        let options = read_options(self.job, &self.queue.limits, &Control::new());
        let image = read_series::<f32>(&self.series, &options)
            .map_err(|error| told(&error.to_string(), &self.folder))?;
        let writer = ReportWriter::new(&self.series, &seg).map_err(said)?;
        let measured = writer.measure(labels, Some(&image)).map_err(said)?;
        writer
            .write(&measured, self.path(Object::Report))
            .map_err(said)?;
        Ok(())
    }

    /// The segments of a file with the values that the labels have, found by their names.
    fn with_values(&self, mut seg: WrittenSeg) -> WrittenSeg {
        let named = self.segments();
        for (_, segment) in &mut seg.segments {
            if let Some(known) = named.iter().find(|known| known.name == segment.name) {
                segment.label = known.label;
            }
        }
        seg
    }

    /// What the labels mean. Those of a version that a person edited are neither the model's alone nor the person's.
    fn segments(&self) -> Vec<Segment> {
        let version = self
            .job
            .versions
            .iter()
            .find(|version| version.number == self.number);
        let volumes = version
            .map(|version| version.volumes.clone())
            .unwrap_or_default();
        let segments = volumes.into_iter().map(|volume| {
            let mut segment = Segment::named(volume.label.value, shortened(&volume.label.name));
            segment = segment.colored(volume.label.color);
            if self.number > 1 {
                segment.algorithm_type = AlgorithmType::SemiAutomatic;
            }
            segment
        });
        segments.collect()
    }
}

/// At most 64 characters, as many as the attributes hold.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
