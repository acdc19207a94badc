//! Datasets made for what they have: Hounsfield units in thick slices, several channels, labels within
//! one another.

use serde_json::{Value, json};
use std::path::Path;
use vesalius::prelude::*;

/// The properties of a made dataset.
pub struct Made {
    pub cases: usize,
    pub size: [usize; 3],
    pub spacing: [f64; 3],
    pub channels: usize,
    /// Intensity of background and of each label.
    pub intensities: [f32; 3],
    pub noise: f32,
}

pub const MRI: Made = Made {
    cases: 6,
    size: [20, 22, 18],
    spacing: [1.0; 3],
    channels: 1,
    intensities: [100.0, 300.0, 500.0],
    noise: 30.0,
};

impl Made {
    /// Two boxes, one within the other, at a place of each case's own; the last case has no labels.
    pub fn write(&self, folder: &Path) {
        let mut listed = Vec::new();
        for number in 0..=self.cases {
            let geometry = Geometry::axis_aligned(self.size, self.spacing).unwrap();
            let mut labels = LabelMap::background(geometry);
            let shift = number % 3;
            let inside = |at: [usize; 3], margin: usize| {
                (0..3).all(|a| {
                    let from = self.size[a] / 5 + margin + shift % (1 + self.size[a] / 8);
                    at[a] >= from
                        && at[a] < from + self.size[a] / 2 - 2 * margin.min(self.size[a] / 8)
                })
            };
            for (offset, label) in labels.data_mut().iter_mut().enumerate() {
                let at = geometry.index(offset);
                *label = u16::from(inside(at, 0))
                    + u16::from(inside(at, 0) && at[0] % 20 < self.size[0] / 2);
            }
            let mut state = number as u32 + 1;
            let mut noise = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32 - 0.5
            };
            let values: Vec<f32> = (0..self.channels)
                .flat_map(|channel| labels.data().iter().map(move |&l| (channel, l)))
                .map(|(channel, label)| {
                    let seen = if channel == 1 { 2 - label } else { label };
                    self.intensities[usize::from(seen)] + 2.0 * self.noise * noise()
                })
                .collect();
            let volume = Volume::new(geometry, self.channels, values).unwrap();
            let image = format!("image_{number}.nii.gz");
            vesalius::io::write(folder.join(&image), &volume).unwrap();
            if number < self.cases {
                let label = format!("label_{number}.nii.gz");
                vesalius::io::write_labels(folder.join(&label), &labels).unwrap();
                listed.push(json!({"image": image, "label": label}));
            }
        }
        let channels: serde_json::Map<String, Value> = (0..self.channels)
            .map(|c| (c.to_string(), json!(format!("channel {c}"))))
            .collect();
        let list = json!({
            "name": "made",
            "modality": channels,
            "labels": {"0": "background", "1": "outer", "2": "inner"},
            "training": listed,
            "testing": [{"image": format!("image_{}.nii.gz", self.cases)}],
        });
        std::fs::write(folder.join("dataset.json"), list.to_string()).unwrap();
    }
}

/// The input file of a work folder in two folds.
pub fn input(folder: &Path, text: &str) {
    let text = format!("datalist: dataset.json\nnum_fold: 2\n{text}");
    std::fs::write(folder.join("input.yaml"), text).unwrap();
}

/// A plan of the work folder, as it is written.
pub fn plan_of(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(format!("work/plans/{name}.yaml"))).unwrap()
}
