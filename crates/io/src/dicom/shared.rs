//! What the headers of a series have in common, held once: it would be most of the memory that a folder of 100,000 files
//! takes.

use super::frame::FileHeader;
use super::keys::Mark;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// What was found in the files of each series.
#[derive(Default)]
pub(super) struct Shared(Mutex<HashMap<Arc<str>, OfSeries>>);

struct OfSeries {
    uid: Arc<str>,
    frame_of_reference: Arc<str>,
    metadata: Arc<BTreeMap<String, String>>,
    marks: Vec<Arc<Vec<Mark>>>,
}

/// Different marks of one series that are compared: those of more volumes are held as they are.
const MOST: usize = 64;

impl Shared {
    /// Lets a header have what another file of its series has, where it is equal.
    pub fn share(&self, header: &mut FileHeader) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_series = match known.get_mut(&header.series_uid) {
            Some(of_series) => of_series,
            None => known
                .entry(header.series_uid.clone())
                .or_insert_with(|| OfSeries {
                    uid: header.series_uid.clone(),
                    frame_of_reference: header.frame_of_reference.clone(),
                    metadata: header.metadata.clone(),
                    marks: Vec::new(),
                }),
        };
        header.series_uid = of_series.uid.clone();
        take(
            &mut header.frame_of_reference,
            &of_series.frame_of_reference,
        );
        take(&mut header.metadata, &of_series.metadata);
        // Frames of one file share theirs.
        if let [frame] = &mut header.frames[..] {
            let marks = &mut frame.marks.lasting;
            match of_series.marks.iter().find(|known| *known == marks) {
                Some(known) => *marks = known.clone(),
                None if of_series.marks.len() < MOST => of_series.marks.push(marks.clone()),
                None => {}
            }
        }
    }
}

fn take<T: PartialEq + ?Sized>(own: &mut Arc<T>, known: &Arc<T>) {
    if own == known {
        *own = known.clone();
    }
}
