//! Frames that share places to parts, each of which is one volume: by the smallest set of attributes that separates
//! them, else by their order in time, in the last resort by the order of their InstanceNumbers.

use super::frame::Frame;
use super::key::Key;
use super::stack::{dot, height, normal};
use std::collections::{BTreeMap, HashMap};

/// Frames whose heights differ by less lie at one place, mm.
const SAME_PLACE: f64 = 1e-4;
/// The most attributes that are taken together.
const MOST_KEYS: usize = 3;

/// Of more frames, single attributes are tried only, so that a file that claims a million frames takes no minutes.
const MANY_FRAMES: usize = 200_000;

/// The attributes in the order in which they are tried; those that belong together stand together.
const TRIED: [&[Key]; 23] = [
    &[Key::BValue],
    &[Key::BValue, Key::Direction],
    &[Key::ImageType],
    &[Key::Component],
    &[Key::EchoTime],
    &[Key::EchoNumber],
    &[Key::Kernel],
    &[Key::InversionTime],
    &[Key::FlipAngle],
    &[Key::Kvp],
    &[Key::CardiacPhase],
    &[Key::EnergyWindow],
    &[Key::RrInterval],
    &[Key::TimeSlot],
    &[Key::TemporalPosition],
    &[Key::StackId],
    &[Key::AcquisitionNumber],
    &[Key::SequenceName],
    &[Key::Direction],
    &[Key::TriggerTime],
    &[Key::ReferenceTime],
    &[Key::AcquisitionTime],
    &[Key::Station],
];

/// Those by which the frames of a place can be sorted.
const RANKED: [Key; 5] = [
    Key::TriggerTime,
    Key::ReferenceTime,
    Key::AcquisitionTime,
    Key::ContentTime,
    Key::InstanceNumber,
];

/// How frames are separated.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Split {
    /// Keys whose values distinguish the parts.
    pub keys: Vec<Key>,
    /// The key by whose order the frames of a place are told apart, where values do not.
    pub rank: Option<Key>,
    /// The frames of each part, by their numbers, and their rank, from 1, where they have one.
    pub parts: Vec<(Vec<usize>, Option<usize>)>,
}

/// The place of each frame, and how many there are; `None` where a frame has no position.
fn places(frames: &[Frame]) -> Option<(Vec<usize>, usize)> {
    let heights: Vec<f64> = frames.iter().map(height).collect::<Option<_>>()?;
    let mut order: Vec<usize> = (0..frames.len()).collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    let mut places = vec![0; frames.len()];
    let mut place = 0;
    for pair in order.windows(2) {
        place += usize::from(heights[pair[1]] - heights[pair[0]] >= SAME_PLACE);
        places[pair[1]] = place;
    }
    Some((places, place + 1))
}

/// Centre of a frame's first voxel along its rows and columns, to a hundredth of a millimetre.
fn station(frame: &Frame) -> Option<String> {
    let (position, o) = (frame.position?, frame.orientation?);
    let along = |at: usize| dot(position, [o[at], o[at + 1], o[at + 2]]);
    let up = normal(&o);
    up.iter().all(|v| v.is_finite()).then(|| {
        let [x, y] = [along(0), along(3)].map(|v| (v * 100.0).round() + 0.0);
        format!("{x}\\{y}")
    })
}

/// The text of a frame's value.
pub(super) fn value_of(frame: &Frame, key: Key) -> Option<String> {
    match key {
        Key::Station => station(frame),
        _ => frame.mark(key).map(|mark| mark.text.clone()),
    }
}

/// A key's values as small numbers, one a frame; `None` where all frames have the same.
fn numbered(frames: &[Frame], key: Key) -> Option<(Vec<u32>, usize)> {
    let mut known: HashMap<Option<String>, u32> = HashMap::new();
    let ids = frames.iter().map(|frame| {
        let next = known.len() as u32;
        *known.entry(value_of(frame, key)).or_insert(next)
    });
    let ids: Vec<u32> = ids.collect();
    (known.len() > 1).then_some((ids, known.len()))
}

struct Table<'a> {
    frames: &'a [Frame],
    places: Vec<usize>,
    place_count: usize,
    /// The most frames at one place.
    most: usize,
    ids: BTreeMap<Key, (Vec<u32>, usize)>,
}

/// How the frames of a group are separated; `None` where no two share a place, or nothing separates them.
pub(super) fn split(frames: &[Frame]) -> Option<Split> {
    let (places, place_count) = places(frames)?;
    if place_count == frames.len() {
        return None;
    }
    let mut at_place = vec![0; place_count];
    places.iter().for_each(|&place| at_place[place] += 1);
    let keys = TRIED.iter().flat_map(|keys| keys.iter().copied());
    let table = Table {
        frames,
        places,
        place_count,
        most: at_place.into_iter().max().unwrap_or(0),
        ids: keys
            .filter_map(|key| Some((key, numbered(frames, key)?)))
            .collect(),
    };
    let sets = table.sets();
    let whole = |parts: &[Vec<usize>]| parts.iter().all(|part| part.len() == table.place_count);
    let by_values = |parts: &[Vec<usize>]| parts.len() == table.most && table.apart(parts);
    let few = |parts: &[Vec<usize>]| 2 * parts.len() <= frames.len() && table.apart(parts);
    table
        .first(&sets, |parts| by_values(parts) && whole(parts))
        .or_else(|| table.ranked(&sets, &RANKED[..4]))
        .or_else(|| table.first(&sets, by_values))
        .or_else(|| table.in_time())
        .or_else(|| table.ranked(&sets, &RANKED[4..]))
        .or_else(|| table.first(&table.any_sets(), few))
}

impl Table<'_> {
    /// Sets of keys, the smallest first, that may separate the frames: none has more values than frames lie at a place.
    fn sets(&self) -> Vec<Vec<Key>> {
        let most_keys = match self.frames.len() > MANY_FRAMES {
            true => 1,
            false => MOST_KEYS,
        };
        self.sets_of(most_keys, self.most)
    }

    /// Each key, however many values they have.
    fn any_sets(&self) -> Vec<Vec<Key>> {
        self.sets_of(1, usize::MAX)
    }

    fn sets_of(&self, most_keys: usize, most_values: usize) -> Vec<Vec<Key>> {
        let usable = |keys: &&[Key]| {
            keys.iter().all(|key| {
                self.ids
                    .get(key)
                    .is_some_and(|(_, count)| *count <= most_values)
            })
        };
        let atoms: Vec<&[Key]> = TRIED.iter().copied().filter(usable).collect();
        let mut sets: Vec<Vec<Key>> = Vec::new();
        let mut last: Vec<(usize, Vec<Key>)> = vec![(0, Vec::new())];
        for _ in 0..most_keys {
            let mut grown = Vec::new();
            for (from, set) in &last {
                for (at, atom) in atoms.iter().enumerate().skip(*from) {
                    if atom.iter().all(|key| !set.contains(key)) {
                        grown.push((at + 1, [set, *atom].concat()));
                    }
                }
            }
            sets.extend(grown.iter().map(|(_, set)| set.clone()));
            last = grown;
        }
        sets
    }

    /// The frames with equal values of all keys.
    fn parts(&self, keys: &[Key]) -> Vec<Vec<usize>> {
        let ids: Vec<&Vec<u32>> = keys
            .iter()
            .filter_map(|key| Some(&self.ids.get(key)?.0))
            .collect();
        let mut parts: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
        for frame in 0..self.frames.len() {
            let value = ids.iter().map(|ids| ids[frame]).collect();
            parts.entry(value).or_default().push(frame);
        }
        let mut parts: Vec<Vec<usize>> = parts.into_values().collect();
        parts.sort_unstable();
        parts
    }

    /// Whether no two frames of a part share a place.
    fn apart(&self, parts: &[Vec<usize>]) -> bool {
        let mut seen = vec![usize::MAX; self.place_count];
        parts.iter().enumerate().all(|(number, part)| {
            part.iter()
                .all(|&frame| std::mem::replace(&mut seen[self.places[frame]], number) != number)
        })
    }

    /// The first set of keys whose parts are accepted.
    fn first(&self, sets: &[Vec<Key>], accepts: impl Fn(&[Vec<usize>]) -> bool) -> Option<Split> {
        sets.iter().find_map(|keys| {
            let parts = self.parts(keys);
            (parts.len() > 1 && accepts(&parts)).then(|| Split {
                keys: keys.clone(),
                rank: None,
                parts: parts.into_iter().map(|part| (part, None)).collect(),
            })
        })
    }

    /// Parts with the same number of frames at every place, sorted there by a key: the first frames of all places are
    /// one volume, the second another. Values of keys separate them first as far as they do.
    fn ranked(&self, sets: &[Vec<Key>], by: &[Key]) -> Option<Split> {
        let none = [Vec::new()];
        let even = sets.iter().chain(&none).filter_map(|keys| {
            let parts = self.parts(keys);
            parts
                .iter()
                .all(|part| self.is_even(part))
                .then_some((keys, parts))
        });
        let mut even: Vec<_> = even.collect();
        even.sort_by_key(|(keys, parts)| (std::cmp::Reverse(parts.len()), keys.len()));
        by.iter().find_map(|&rank| {
            even.iter().find_map(|(keys, parts)| {
                let ranked: Option<Vec<_>> =
                    parts.iter().map(|part| self.rank(part, rank)).collect();
                Some(Split {
                    keys: (*keys).clone(),
                    rank: Some(rank),
                    parts: ranked?.concat(),
                })
            })
        })
    }

    /// Whether a part has equally many frames at every place.
    fn is_even(&self, part: &[usize]) -> bool {
        let mut counts = vec![0usize; self.place_count];
        part.iter()
            .for_each(|&frame| counts[self.places[frame]] += 1);
        counts.iter().all(|&count| count > 0 && count == counts[0])
    }

    /// The frames of a part by their rank at their place; `None` where frames of a place have the same value.
    fn rank(&self, part: &[usize], key: Key) -> Option<Vec<(Vec<usize>, Option<usize>)>> {
        let mut at_place: Vec<Vec<(f64, usize)>> = vec![Vec::new(); self.place_count];
        for &frame in part {
            let number = self.frames[frame].number(key)?;
            at_place[self.places[frame]].push((number, frame));
        }
        let mut ranked: Vec<(Vec<usize>, Option<usize>)> = Vec::new();
        for frames in &mut at_place {
            frames.sort_by(|a, b| a.0.total_cmp(&b.0));
            if frames.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return None;
            }
            for (rank, &(_, frame)) in frames.iter().enumerate() {
                if ranked.len() == rank {
                    ranked.push((Vec::new(), Some(rank + 1)));
                }
                ranked[rank].0.push(frame);
            }
        }
        if let [(_, rank)] = &mut ranked[..] {
            *rank = None;
        }
        Some(ranked)
    }

    /// Volumes one after the other in time, of which some lack slices, as the last of a scan that was stopped.
    fn in_time(&self) -> Option<Split> {
        let all: Vec<usize> = (0..self.frames.len()).collect();
        RANKED[..4].iter().find_map(|&key| {
            let parts = self.rank(&all, key)?;
            let number = |&frame: &usize| self.frames[frame].number(key);
            let ends = parts.iter().map(|(part, _)| {
                let times: Vec<f64> = part.iter().filter_map(number).collect();
                let first = times.iter().copied().fold(f64::INFINITY, f64::min);
                (first, times.into_iter().fold(f64::NEG_INFINITY, f64::max))
            });
            let ends: Vec<(f64, f64)> = ends.collect();
            let follow = ends.windows(2).all(|pair| pair[0].1 < pair[1].0);
            follow.then(|| Split {
                keys: Vec::new(),
                rank: Some(key),
                parts,
            })
        })
    }
}
