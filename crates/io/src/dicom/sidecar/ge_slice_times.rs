//! When the slices of GE's echo-planar time series were acquired. The times in its files are those of a volume, or wrong; the
//! protocol tells the order. The orders are those of dcm2niix, whose validation data (neurolabusc/dcm_qa_ge) have them from
//! simulated sequences. Those of diffusion sequences are not known.

use super::super::key::Key;
use super::super::tags;
use super::ge_protocol::Protocol;
use super::{Part, describing};

/// An echo-planar time series.
pub(super) struct TimeSeries {
    /// Whether every second slice comes first.
    is_interleaved: bool,
    /// Slices that are excited together.
    bands: usize,
    /// Seconds without acquisition at the end of every volume that RepetitionTime does not count, and neither does
    /// (0043,107C).
    pub delay: f64,
}

impl TimeSeries {
    /// What the protocol of a GE volume says; nothing for other sequences, and for those with a delay that varies.
    pub fn of(part: &Part) -> Option<Self> {
        if !part.is_made_by("GE") {
            return None;
        }
        let private = |creator, tag| {
            let bytes = tags::private(&part.file, creator, tag)?;
            let text = std::str::from_utf8(bytes).ok()?;
            Some(text.trim_matches([' ', '\0']).to_owned())
        };
        let protocol = Protocol::of(part)?;
        let sequence = private("GEMS_ACQU_01", describing::GE_SEQUENCE).unwrap_or_default();
        let family = private("GEMS_ACQU_01", describing::GE_SEQUENCE_FAMILY).unwrap_or_default();
        let options = protocol.text("IOPT");
        let has_group_delay =
            tags::private(&part.file, "GEMS_PARM_01", tags::GE_GROUP_DELAY).is_some();
        let is_functional =
            has_group_delay || sequence.contains("epiRT") || options.contains("FMRI");
        let is_echo_planar = sequence.contains("epi") && !sequence.contains("epi2");
        let is_multiphase = is_echo_planar || family == "EPI" || options.contains("MPh");
        if sequence.contains("pepolar") || !is_functional && !is_multiphase {
            return None;
        }
        if !is_functional && options.contains("MPhVar") {
            return None;
        }
        let is_minimal = options.contains("MPh") && protocol.text("DELACQ") == "Minimum";
        let delay = protocol
            .number("DELACQNOAV")
            .filter(|seconds| *seconds > 0.0);
        let stated = private("GEMS_PARM_01", describing::GE_MULTIBAND);
        let stated = stated.and_then(|text| text.split('\\').next()?.trim().parse().ok());
        let bands = protocol
            .number("MBACCEL")
            .unwrap_or(1.0)
            .max(stated.unwrap_or(1.0));
        Some(Self {
            is_interleaved: !is_functional || protocol.number("SLICEORDER") != Some(0.0),
            bands: (bands.clamp(1.0, 1000.0)) as usize,
            delay: match is_functional || is_minimal {
                true => 0.0,
                false => delay.unwrap_or(0.0),
            },
        })
    }

    /// Seconds from the first slice, in the order of the volume's slices.
    pub fn times(&self, part: &Part) -> Option<Vec<f64>> {
        let frames = &part.series.frames;
        let release = part.text(describing::SOFTWARE);
        let release = release.and_then(|text| Release::parse(&text));
        let repetition = part.real(tags::REPETITION_TIME).filter(|ms| *ms > 0.0)? / 1e3;
        let places = places(frames.len(), self.bands, self.is_interleaved, release)?;
        let step = repetition / places.len() as f64;
        let numbers: Option<Vec<f64>> = frames
            .iter()
            .map(|frame| frame.number(Key::InstanceNumber))
            .collect();
        let numbers = numbers?;
        // Slices are counted as they were stored.
        let mut stored: Vec<usize> = (0..frames.len()).collect();
        stored.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
        let mut times = vec![0.0; frames.len()];
        for (count, slice) in stored.into_iter().enumerate() {
            times[slice] = places[count % places.len()] as f64 * step;
        }
        Some(times)
    }
}

/// A release of the scanner's software.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Release {
    version: (u32, u32),
    revision: u32,
}

impl Release {
    /// Of `27\LX\MR Software release:RX27.0_R02_1831.a`, `28\LX\MR29.1_EA_2039.g` or `30\LX\SIGNA_LX1.MR30.0_R01_2236.d`.
    fn parse(text: &str) -> Option<Self> {
        let behind = |mark: &str| text.rsplit_once(mark).map(|(_, rest)| rest);
        let name = behind("SIGNA_LX1.")
            .or_else(|| behind("MR Software release:"))
            .or_else(|| behind("\\"))
            .unwrap_or(text);
        // Two letters of the line of products.
        let letters = name.get(..2)?.bytes().all(|byte| byte.is_ascii_uppercase());
        let (version, rest) = letters.then(|| name.get(2..))??.split_once('_')?;
        let (major, minor) = version.split_once('.')?;
        let revision = rest.split('_').next()?.strip_prefix('R');
        Some(Self {
            version: (major.parse().ok()?, minor.parse().ok()?),
            revision: revision.and_then(|digits| digits.parse().ok()).unwrap_or(0),
        })
    }

    /// From 27.0 R03 on several bands are excited in another order.
    fn is_newer(self) -> bool {
        self.version >= (27, 1) || self.version.0 == 27 && self.revision >= 3
    }
}

/// The place in time of each excitation, from 0, by the number of its first slice; nothing for several bands before
/// software 26.0.
fn places(
    slices: usize,
    bands: usize,
    is_interleaved: bool,
    release: Option<Release>,
) -> Option<Vec<usize>> {
    let is_newer = match (bands, release) {
        (1, _) => false,
        (_, Some(release)) if release.version >= (26, 0) => release.is_newer(),
        _ => return None,
    };
    let mut count = slices.div_ceil(bands);
    // The number was made odd before.
    if bands > 1 && !is_newer && count.is_multiple_of(2) {
        count += 1;
    }
    if !is_interleaved {
        return Some((0..count).collect());
    }
    let place = |i: usize| match i.is_multiple_of(2) {
        true => i / 2,
        false => count.div_ceil(2) + i / 2,
    };
    let mut places: Vec<usize> = (0..count).map(place).collect();
    if is_newer && count > 2 && count.is_multiple_of(2) {
        places.swap(count - 1, count - 3);
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        Release::parse(text).unwrap()
    }

    #[test]
    fn releases_are_read_from_all_forms() {
        for (text, version, revision, newer) in [
            (
                "27\\LX\\MR Software release:RX27.0_R02_1831.a",
                (27, 0),
                2,
                false,
            ),
            (
                "27\\LX\\MR Software release:RX27.0_R03_1831.b",
                (27, 0),
                3,
                true,
            ),
            ("28\\LX\\MR29.1_EA_2039.g", (29, 1), 0, true),
            ("30\\LX\\SIGNA_LX1.MR30.0_R01_2236.d", (30, 0), 1, true),
            ("DV26.0_R01_1725.a", (26, 0), 1, false),
        ] {
            assert_eq!(release(text), Release { version, revision });
            assert_eq!(release(text).is_newer(), newer, "{text}");
        }
        for text in ["", "27", "27\\LX", "é27.0_R1", "RX27_R02", "RXx.0_R02"] {
            assert_eq!(Release::parse(text), None, "{text}");
        }
    }

    #[test]
    fn slices_follow_each_other_or_every_second_one_first() {
        let new = Some(release("28\\LX\\MR29.1_EA_2039.g"));
        let old = Some(release("DV26.0_R01_1725.a"));
        assert_eq!(places(4, 1, false, None).unwrap(), [0, 1, 2, 3]);
        assert_eq!(places(5, 1, true, None).unwrap(), [0, 3, 1, 4, 2]);
        assert_eq!(places(6, 1, true, None).unwrap(), [0, 3, 1, 4, 2, 5]);
        // 48 slices in 3 bands: the last and the third from the last change places.
        let of_48 = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 15, 7, 14];
        assert_eq!(places(48, 3, true, new).unwrap(), of_48);
        assert_eq!(places(48, 3, true, old).unwrap().len(), 17);
        assert_eq!(places(45, 3, true, new), places(15, 1, true, None));
        assert_eq!(places(77, 8, false, new).unwrap().len(), 10);
        assert_eq!(places(2, 2, true, new).unwrap(), [0]);
        assert_eq!(places(48, 3, true, None), None);
        assert_eq!(
            places(48, 3, true, Some(release("DV25.0_R02_1549.b"))),
            None
        );
    }
}
