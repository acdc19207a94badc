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

    fn fill(&mut self) {
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
        self.fill();
        self.count -= count;
        (self.word >> self.count & ((1 << count) - 1)) as u32
    }

    /// Whether more bits were read than there are.
    pub fn exhausted(&self) -> bool {
        self.beyond > self.count + 64
    }

    /// Zeros before the next one, at most `limit`.
    pub fn zeros(&mut self, limit: u32) -> Option<u32> {
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
