//! The bits of a JPEG-LS scan, out of bytes with stuffed zeros.

/// A reader of bits in which a byte 0xFF is followed by a byte of seven bits.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    word: u64,
    count: u32,
    /// Bits given out beyond the data.
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            word: 0,
            count: 0,
            beyond: 0,
        }
    }

    /// Reads on until there are more than 48 bits.
    fn fill(&mut self) {
        let after_mark = self.at > 0 && self.bytes[self.at - 1] == 0xFF;
        let next = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<4>());
        if let Some(four) = next.filter(|_| !after_mark && self.count <= 32) {
            let four = u32::from_be_bytes(*four);
            // Whether a byte of the complement is zero.
            let is_marked = (!four).wrapping_sub(0x0101_0101) & four & 0x8080_8080 != 0;
            if !is_marked {
                self.word = self.word << 32 | u64::from(four);
                self.count += 32;
                self.at += 4;
            }
        }
        while self.count <= 48 {
            let previous = self.at.checked_sub(1).map_or(0, |i| self.bytes[i]);
            let next = self.bytes.get(self.at).copied();
            let (byte, bits) = match next {
                // A marker ends the scan.
                Some(byte) if previous == 0xFF && byte >= 0x80 => {
                    self.beyond += 8;
                    self.word <<= 8;
                    self.count += 8;
                    continue;
                }
                Some(byte) => (byte, if previous == 0xFF { 7 } else { 8 }),
                None => {
                    self.beyond += 8;
                    self.word <<= 8;
                    self.count += 8;
                    continue;
                }
            };
            self.at += 1;
            self.word = self.word << bits | u64::from(byte);
            self.count += bits;
        }
    }

    pub fn read(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        if self.count < count {
            self.fill();
        }
        self.count -= count;
        (self.word >> self.count & ((1 << count) - 1)) as u32
    }

    /// Whether more bits were read than there are.
    pub fn exhausted(&self) -> bool {
        self.beyond > self.count + 64
    }

    /// Zeros before the next one, at most `limit`.
    pub fn zeros(&mut self, limit: u32) -> Option<u32> {
        if self.count <= 32 {
            self.fill();
        }
        // There are bits, so that the shift is less than a word.
        let zeros = (self.word << (64 - self.count)).leading_zeros();
        if zeros < self.count && zeros <= limit {
            self.count -= zeros + 1;
            return Some(zeros);
        }
        let mut zeros = 0;
        while self.read(1) == 0 {
            zeros += 1;
            if zeros > limit || self.exhausted() {
                return None;
            }
        }
        Some(zeros)
    }
}
