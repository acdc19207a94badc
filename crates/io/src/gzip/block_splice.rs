//! Opens the end of a deflate stream, so that another can follow it in one member: libdeflate ends
//! every stream that it writes, and only decoding finds where its last block begins and ends.
//! RFC 1951; no byte is unpacked here.

/// Makes the last block of a complete deflate stream one that others follow, and ends it on a byte;
/// `None` when the bytes are no complete stream.
pub(super) fn open(stream: &mut Vec<u8>) -> Option<()> {
    let (last, end) = last_block(stream)?;
    stream[last / 8] &= !(1 << (last % 8));
    stream.truncate(end.div_ceil(8));
    // An empty stored block: three zero bits, zeros to the next byte, length 0 and its complement.
    let free = (8 - end % 8) % 8;
    if free < 3 {
        stream.push(0);
    }
    stream.extend([0, 0, 0xFF, 0xFF]);
    Some(())
}

/// The bits at which the last block begins and ends.
fn last_block(stream: &[u8]) -> Option<(usize, usize)> {
    let mut bits = Bits {
        bytes: stream,
        at: 0,
        word: 0,
        count: 0,
    };
    loop {
        let start = bits.place();
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => bits.skip_stored()?,
            1 => fixed()?.skip(&mut bits)?,
            2 => dynamic(&mut bits)?.skip(&mut bits)?,
            _ => return None,
        }
        if last {
            return Some((start, bits.place()));
        }
    }
}

/// Bits of a stream, the lowest of each byte first; zeros behind its end.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte that is not in `word` yet.
    at: usize,
    word: u64,
    count: u32,
}

impl Bits<'_> {
    /// Bits that are behind us.
    fn place(&self) -> usize {
        self.at * 8 - self.count as usize
    }

    /// At least 56 bits in the word.
    #[inline(always)]
    fn fill(&mut self) {
        if let Some(eight) = self.bytes.get(self.at..self.at + 8) {
            // The slice has eight bytes.
            let next = u64::from_le_bytes(eight.try_into().unwrap_or_default());
            self.word |= next << self.count;
            let taken = (63 - self.count) / 8;
            self.at += taken as usize;
            self.count += taken * 8;
            return;
        }
        while self.count <= 56 {
            let byte = self.bytes.get(self.at).copied().unwrap_or(0);
            self.word |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    #[inline(always)]
    fn drop(&mut self, count: u32) {
        self.word >>= count;
        self.count -= count;
    }

    fn take(&mut self, count: u32) -> Option<usize> {
        self.fill();
        let value = (self.word & ((1 << count) - 1)) as usize;
        self.drop(count);
        self.inside().then_some(value)
    }

    fn inside(&self) -> bool {
        self.place() <= self.bytes.len() * 8
    }

    fn skip_stored(&mut self) -> Option<()> {
        let length_at = self.place().div_ceil(8);
        let word = self.bytes.get(length_at..length_at + 2)?;
        self.at = length_at + 4 + usize::from(u16::from_le_bytes([word[0], word[1]]));
        (self.word, self.count) = (0, 0);
        self.inside().then_some(())
    }
}

/// The lowest bits of an entry say how many bits a code and its extra bits take; 0 is no code.
const BITS: u16 = 0xFF;
/// A length, which a distance follows.
const LENGTH: u16 = 0x100;
/// The end of the block.
const END: u16 = 0x200;

/// A prefix code: an entry for every value of the next `width` bits.
struct Table {
    entries: Vec<u16>,
    width: u32,
}

impl Table {
    /// The canonical code of these lengths; `entry` gives extra bits and marks of a symbol.
    fn new(lengths: &[u8], entry: impl Fn(usize) -> u16) -> Option<Self> {
        let width = u32::from(lengths.iter().copied().max()?).max(1);
        let mut entries = vec![0; 1 << width];
        let mut code = 0u32;
        for length in 1..=width {
            for (symbol, _) in lengths
                .iter()
                .enumerate()
                .filter(|(_, l)| u32::from(**l) == length)
            {
                if code >> length != 0 {
                    return None;
                }
                // Codes are in the stream with their highest bit first.
                let first = (code.reverse_bits() >> (32 - length)) as usize;
                for place in entries[first..].iter_mut().step_by(1 << length) {
                    *place = entry(symbol) + length as u16;
                }
                code += 1;
            }
            code <<= 1;
        }
        Some(Self { entries, width })
    }

    #[inline(always)]
    fn next(&self, word: u64) -> u16 {
        self.entries[(word & ((1 << self.width) - 1)) as usize]
    }
}

/// The two codes of a block.
struct Codes {
    literals: Table,
    distances: Table,
}

impl Codes {
    fn new(literals: &[u8], distances: &[u8]) -> Option<Self> {
        Some(Self {
            literals: Table::new(literals, |symbol| match symbol {
                0..=255 => 0,
                256 => END,
                257..=264 | 285.. => LENGTH,
                _ => LENGTH + (symbol as u16 - 261) / 4,
            })?,
            distances: Table::new(distances, |symbol| (symbol as u16 / 2).saturating_sub(1))?,
        })
    }

    /// Steps over everything up to the end of the block.
    fn skip(&self, bits: &mut Bits) -> Option<()> {
        loop {
            bits.fill();
            // A code with its extra bits has at most 20 bits, a distance with its own 28.
            while bits.count >= 48 {
                let entry = self.literals.next(bits.word);
                if entry == 0 {
                    return None;
                }
                bits.drop(u32::from(entry & BITS));
                if entry & END != 0 {
                    return bits.inside().then_some(());
                }
                if entry & LENGTH != 0 {
                    let distance = self.distances.next(bits.word);
                    if distance == 0 {
                        return None;
                    }
                    bits.drop(u32::from(distance));
                }
            }
            if !bits.inside() {
                return None;
            }
        }
    }
}

fn fixed() -> Option<Codes> {
    let mut literals = [8; 288];
    literals[144..256].fill(9);
    literals[256..280].fill(7);
    Codes::new(&literals, &[5; 30])
}

fn dynamic(bits: &mut Bits) -> Option<Codes> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let literals = bits.take(5)? + 257;
    let distances = bits.take(5)? + 1;
    let count = bits.take(4)? + 4;
    let mut lengths = [0u8; 19];
    for &place in &ORDER[..count] {
        lengths[place] = bits.take(3)? as u8;
    }
    // The symbol is above the bits.
    let table = Table::new(&lengths, |symbol| (symbol as u16) << 8)?;
    let mut all = Vec::with_capacity(320);
    while all.len() < literals + distances {
        bits.fill();
        let entry = table.next(bits.word);
        if entry == 0 {
            return None;
        }
        bits.drop(u32::from(entry & BITS));
        let (value, times) = match entry >> 8 {
            16 => (*all.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        all.extend(std::iter::repeat_n(value, times));
    }
    (all.len() == literals + distances).then_some(())?;
    Codes::new(&all[..literals], &all[literals..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn packed(bytes: &[u8], level: i32) -> Vec<u8> {
        let level = libdeflater::CompressionLvl::new(level).unwrap();
        let mut compressor = libdeflater::Compressor::new(level);
        let mut out = vec![0; compressor.deflate_compress_bound(bytes.len())];
        let length = compressor.deflate_compress(bytes, &mut out).unwrap();
        out.truncate(length);
        out
    }

    /// Bytes of many kinds: noise of some bits, runs, ramps, text.
    fn samples() -> Vec<Vec<u8>> {
        let mut state = 1u64;
        let mut noise = |bits: u32| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> (64 - bits)) as u8
        };
        let mut samples = vec![vec![], vec![7], vec![0; 70_000], vec![9; 258]];
        for bits in 1..=8 {
            samples.push((0..40_000).map(|_| noise(bits)).collect());
        }
        samples.push((0..100_000u32).map(|i| (i / 7) as u8).collect());
        samples.push(
            (0..60_000u32)
                .map(|i| if i % 97 < 60 { 0 } else { noise(6) })
                .collect(),
        );
        samples.push(b"to be or not to be, ".repeat(20));
        samples
    }

    #[test]
    fn opened_streams_follow_each_other() {
        for level in [0, 1, 4, 7, 10] {
            let mut stream = Vec::new();
            let mut whole = Vec::new();
            for sample in samples() {
                let mut part = packed(&sample, level);
                open(&mut part).unwrap();
                stream.extend(part);
                whole.extend(sample);
            }
            stream.extend(packed(b"the end", level));
            whole.extend(b"the end");
            let mut back = Vec::new();
            flate2::read::DeflateDecoder::new(&stream[..])
                .read_to_end(&mut back)
                .unwrap();
            assert!(back == whole, "level {level}");
        }
    }

    #[test]
    fn what_is_no_complete_stream_is_left_alone() {
        for sample in samples() {
            let whole = packed(&sample, 6);
            for keep in [0, 1, whole.len() / 2, whole.len() - 1] {
                let mut cut = whole[..keep.min(whole.len() - 1)].to_vec();
                let before = cut.clone();
                assert_eq!(open(&mut cut), None);
                assert_eq!(cut, before);
            }
        }
        assert_eq!(open(&mut vec![7; 100]), None);
    }
}
