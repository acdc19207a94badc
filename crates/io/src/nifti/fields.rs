//! Numbers and texts at fixed places of a header, in either byte order.

/// A header's bytes with their byte order.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub bytes: &'a [u8],
    pub big_endian: bool,
}

impl Fields<'_> {
    fn word<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut word = [0; N];
        word.copy_from_slice(&self.bytes[at..at + N]);
        if self.big_endian {
            word.reverse();
        }
        word
    }

    pub fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.word(at))
    }

    pub fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.word(at))
    }

    pub fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.word(at))
    }

    pub fn f32(&self, at: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.word(at)))
    }

    pub fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.word(at))
    }

    /// Text up to the first zero byte; bytes that are not UTF-8 are replaced.
    pub fn text(&self, at: usize, length: usize) -> String {
        let bytes = &self.bytes[at..at + length];
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(length);
        String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
    }
}

/// A header to be filled in, little-endian.
pub(super) struct Page(pub Vec<u8>);

impl Page {
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Text cut at a character's border so that it and a closing zero fit.
    pub fn text(&mut self, at: usize, length: usize, text: &str) {
        let mut end = text.len().min(length - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.put(at, &text.as_bytes()[..end]);
    }
}
