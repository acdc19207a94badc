//! The ten tasks of the Medical Segmentation Decathlon.
//!
//! Names, places and MD5 sums are those that MONAI's `DecathlonDataset` uses (`monai/apps/datasets.py`); sizes are those
//! that medicaldecathlon.com names, rounded. The data are under CC-BY-SA 4.0; the paper is Antonelli et al., "The
//! Medical Segmentation Decathlon", Nature Communications 13, 4128 (2022).

use crate::Checksum;
use crate::checksum::md5_of;

/// Where the archives are: a public bucket of AWS.
pub(crate) const PLACE: &str = "https://msd-for-monai.s3-us-west-2.amazonaws.com";

/// A task of the Medical Segmentation Decathlon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Its name and its folder's, such as `Task04_Hippocampus`.
    pub name: &'static str,
    /// The channels.
    pub modality: &'static str,
    /// What is labelled, without the background.
    pub labels: &'static str,
    /// The size of the archive in megabytes (10⁶ bytes), rounded.
    pub megabytes: u64,
    /// The checksum of the archive.
    pub checksum: Checksum,
}

const fn task(
    name: &'static str,
    modality: &'static str,
    labels: &'static str,
    megabytes: u64,
    md5: &str,
) -> Task {
    Task {
        name,
        modality,
        labels,
        megabytes,
        checksum: md5_of(md5),
    }
}

/// The tasks, in the order of their numbers.
pub const TASKS: [Task; 10] = [
    task(
        "Task01_BrainTumour",
        "FLAIR, T1w, T1gd, T2w",
        "edema, non-enhancing tumour, enhancing tumour",
        7_608,
        "240a19d752f0d9e9101544901065d872",
    ),
    task(
        "Task02_Heart",
        "MRI",
        "left atrium",
        456,
        "06ee59366e1e5124267b774dbd654057",
    ),
    task(
        "Task03_Liver",
        "CT",
        "liver, tumour",
        28_900,
        "a90ec6c4aa7f6a3d087205e23d4e6397",
    ),
    task(
        "Task04_Hippocampus",
        "MRI",
        "anterior, posterior",
        28,
        "9d24dba78a72977dbd1d2e110310f31b",
    ),
    task(
        "Task05_Prostate",
        "T2, ADC",
        "peripheral zone, transition zone",
        240,
        "35138f08b1efaef89d7424d2bcc928db",
    ),
    task(
        "Task06_Lung",
        "CT",
        "tumour",
        9_200,
        "8afd997733c7fc0432f71255ba4e52dc",
    ),
    task(
        "Task07_Pancreas",
        "CT",
        "pancreas, tumour",
        12_300,
        "4f7080cfca169fa8066d17ce6eb061e4",
    ),
    task(
        "Task08_HepaticVessel",
        "CT",
        "vessels, tumour",
        9_300,
        "641d79e80ec66453921d997fbf12a29c",
    ),
    task(
        "Task09_Spleen",
        "CT",
        "spleen",
        1_610,
        "410d4a301da4e5b2f6f86ec3ddba524e",
    ),
    task(
        "Task10_Colon",
        "CT",
        "tumour",
        6_200,
        "bad7a188931dc2f6acf72b08eb6202d0",
    ),
];

impl Task {
    /// The task of a name: `Task04_Hippocampus`, `Task04` or `hippocampus`, in any case.
    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        TASKS.iter().find(|task| {
            let known = task.name.split_once('_');
            let parts = known.map_or([task.name; 2], |(number, part)| [number, part]);
            task.name.eq_ignore_ascii_case(name)
                || parts.iter().any(|part| part.eq_ignore_ascii_case(name))
        })
    }
}
