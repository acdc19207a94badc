//! The bits of a JPEG-LS scan.

/// Zeros behind the bits, so that all of them can be loaded by eight bytes at a time.
const MARGIN: usize = 8;

/// Codes of errors of 16 bits and their sign; larger ones only damaged data have.
const LARGEST: u32 = 1 << 17;

/// The bits of a scan in whole bytes.
pub(super) struct Plain {
    bytes: Vec<u8>,
    /// How many bits there are.
    count: usize,
}

impl Plain {
    /// Takes out what is stuffed in: the highest bit of a byte behind 0xFF is none. A marker ends the scan.
    pub fn new(scan: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(scan.len() + 2 * MARGIN);
        // Bits that are no whole byte yet, from the highest on; fewer than eight.
        let (mut held, mut count) = (0u64, 0u32);
        let (mut at, mut is_behind_mark) = (0, false);
        while let Some(&byte) = scan.get(at) {
            let eight = scan[at..].first_chunk::<8>().filter(|_| !is_behind_mark);
            if let Some(word) = eight.map(|eight| u64::from_be_bytes(*eight))
                && !has_mark(word)
            {
                bytes.extend_from_slice(&(held | word >> count).to_be_bytes());
                // By two shifts, as there may be nothing left.
                held = word << 1 << (63 - count);
                at += 8;
                continue;
            }
            let bits = match is_behind_mark {
                true if byte >= 0x80 => break,
                true => 7,
                false => 8,
            };
            held |= u64::from(byte) << (64 - bits) >> count;
            count += bits;
            if count >= 8 {
                bytes.push((held >> 56) as u8);
                (held, count) = (held << 8, count - 8);
            }
            is_behind_mark = byte == 0xFF;
            at += 1;
        }
        let count = bytes.len() * 8 + count as usize;
        bytes.push((held >> 56) as u8);
        bytes.resize(bytes.len() + MARGIN, 0);
        Self { bytes, count }
    }

    pub fn count(&self) -> usize {
        self.count
    }
}

/// Whether a byte of the word is 0xFF.
fn has_mark(word: u64) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    (!word).wrapping_sub(LOW) & word & (LOW << 7) != 0
}

/// A reader of bits. Behind the last of them it reads zeros, which [`Bits::is_exhausted`] tells.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    plain: &'a [u8],
    count: usize,
    /// The number of the next bit.
    at: usize,
}

impl<'a> Bits<'a> {
    pub fn new(plain: &'a Plain) -> Self {
        Self {
            plain: &plain.bytes,
            count: plain.count,
            at: 0,
        }
    }

    /// The next bits from the highest on, 57 or more.
    #[inline(always)]
    fn word(&self) -> u64 {
        let first = self.at / 8;
        let eight = self.plain.get(first..first + 8);
        let eight = eight.and_then(|eight| eight.first_chunk::<8>());
        eight.map_or(0, |eight| u64::from_be_bytes(*eight)) << (self.at % 8)
    }

    /// The next bits as a number, at most 32.
    #[inline(always)]
    pub fn read(&mut self, count: u32) -> u32 {
        let value = self.word() >> 1 >> (63 - count);
        self.at += count as usize;
        value as u32
    }

    /// Whether more bits were read than there are.
    #[inline(always)]
    pub fn is_exhausted(&self) -> bool {
        self.at > self.count
    }

    /// A Golomb code: as many zeros as the value is multiples of two to the `order`, a one, and the rest. With `escape`
    /// zeros the value itself follows, less one, in so many bits.
    #[inline(always)]
    pub fn golomb(&mut self, order: u32, escape: u32, bits: u32) -> Option<i32> {
        let word = self.word();
        let zeros = word.leading_zeros();
        let length = zeros + 1 + order;
        if zeros < escape && length <= 57 {
            let rest = word << zeros << 1 >> 1 >> (63 - order);
            self.at += length as usize;
            let value = zeros << order | rest as u32;
            return (value <= LARGEST).then_some(value as i32);
        }
        let value;
        (*self, value) = self.long_golomb(zeros, order, escape, bits);
        value
    }

    /// By value, so that the reader of the usual code stays in registers.
    #[cold]
    #[inline(never)]
    fn long_golomb(
        mut self,
        zeros: u32,
        order: u32,
        escape: u32,
        bits: u32,
    ) -> (Self, Option<i32>) {
        // An order that only damaged data have.
        if zeros > escape || order > 24 {
            return (self, None);
        }
        self.at += zeros as usize + 1;
        let value = match zeros < escape {
            true => zeros << order | self.read(order),
            false => self.read(bits) + 1,
        };
        (self, (value <= LARGEST).then_some(value as i32))
    }
}
