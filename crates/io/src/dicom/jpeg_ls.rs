//! JPEG-LS (ITU-T T.87), lossless and near-lossless, one component of up to 16 bits: the crates
//! that decode it need a C++ compiler and CMake.

/// A reader of bits in which a byte 0xFF is followed by a byte of seven bits.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    word: u64,
    count: u32,
    /// Bits given out beyond the data.
    beyond: u32,
}

impl Bits<'_> {
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

    fn read(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        self.fill();
        self.count -= count;
        (self.word >> self.count & ((1 << count) - 1)) as u32
    }

    /// Whether more bits were read than there are.
    fn exhausted(&self) -> bool {
        self.beyond > self.count + 64
    }

    /// Zeros before the next one, at most `limit`.
    fn zeros(&mut self, limit: u32) -> Option<u32> {
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

/// The parameters of a scan, with the defaults of the standard's annex C.
struct Parameters {
    width: usize,
    height: usize,
    largest: i32,
    near: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Parameters {
    fn range(&self) -> i32 {
        (self.largest + 2 * self.near) / (2 * self.near + 1) + 1
    }
}

fn default_thresholds(largest: i32, near: i32) -> [i32; 3] {
    let clamp = |v: i32, low: i32| if v > largest || v < low { low } else { v };
    if largest >= 128 {
        let factor = (largest.min(4095) + 128) / 256;
        let t1 = clamp(factor + 2 + 3 * near, near + 1);
        let t2 = clamp(factor * 4 + 3 + 5 * near, t1);
        [t1, t2, clamp(factor * 17 + 4 + 7 * near, t2)]
    } else {
        let factor = 256 / (largest + 1);
        let t1 = clamp((3 / factor + 3 * near).max(2), near + 1);
        let t2 = clamp((7 / factor + 5 * near).max(3), t1);
        [t1, t2, clamp((21 / factor + 7 * near).max(4), t2)]
    }
}

/// Decodes one grey image of the expected size; an error says what is wrong with the bytes.
pub(super) fn decode(bytes: &[u8], width: usize, height: usize) -> Result<Vec<u16>, String> {
    let (parameters, scan) = markers(bytes)?;
    if (parameters.width, parameters.height) != (width, height) {
        return Err(format!(
            "its JPEG-LS has {} × {} pixels, expected {width} × {height}",
            parameters.width, parameters.height
        ));
    }
    Scan::new(&parameters, &bytes[scan..]).run()
}

/// Walks the marker segments up to the scan's data.
fn markers(bytes: &[u8]) -> Result<(Parameters, usize), String> {
    let byte = |at: usize| {
        bytes
            .get(at)
            .copied()
            .ok_or("its JPEG-LS header is cut off")
    };
    let word = |at: usize| Ok::<i32, &str>(i32::from(byte(at)?) << 8 | i32::from(byte(at + 1)?));
    let (mut frame, mut preset) = (None, None);
    let mut at = 2;
    if bytes.get(..2) != Some(&[0xFF, 0xD8]) {
        return Err("it does not begin as JPEG-LS does".to_owned());
    }
    loop {
        if byte(at)? != 0xFF {
            return Err(format!("byte {at} is no JPEG-LS marker"));
        }
        let (marker, length) = (byte(at + 1)?, word(at + 2)? as usize);
        let body = at + 4;
        match marker {
            0xF7 => {
                if byte(body + 5)? != 1 {
                    return Err("its JPEG-LS has several components".to_owned());
                }
                frame = Some((
                    byte(body)?,
                    word(body + 3)? as usize,
                    word(body + 1)? as usize,
                ));
            }
            0xF8 if byte(body)? == 1 => {
                let mut values = [0; 5];
                for (i, value) in values.iter_mut().enumerate() {
                    *value = word(body + 1 + 2 * i)?;
                }
                preset = Some(values);
            }
            0xDA => {
                let (bits, width, height) = frame.ok_or("it has no JPEG-LS frame header")?;
                if byte(body)? != 1 || !(2..=16).contains(&bits) {
                    return Err(format!(
                        "its JPEG-LS has {bits} bits and {} components",
                        byte(body)?
                    ));
                }
                let near = i32::from(byte(body + 3)?);
                let start = at + 2 + length;
                if start > bytes.len() {
                    return Err("its JPEG-LS scan header is cut off".to_owned());
                }
                return Ok((complete(bits, width, height, near, preset)?, start));
            }
            _ => {}
        }
        at += 2 + length;
    }
}

fn complete(
    bits: u8,
    width: usize,
    height: usize,
    near: i32,
    preset: Option<[i32; 5]>,
) -> Result<Parameters, String> {
    let [largest, t1, t2, t3, reset] = preset.unwrap_or([0; 5]);
    let largest = if largest == 0 {
        (1 << bits) - 1
    } else {
        largest
    };
    if largest >= 1 << bits || near > largest / 2 || near > 255 {
        return Err(format!(
            "its JPEG-LS parameters are out of range (MAXVAL {largest}, NEAR {near})"
        ));
    }
    let usual = default_thresholds(largest, near);
    let or = |value: i32, usual: i32| if value == 0 { usual } else { value };
    let thresholds = [or(t1, usual[0]), or(t2, usual[1]), or(t3, usual[2])];
    let reset = or(reset, 64);
    if !thresholds.is_sorted() || thresholds[2] > largest || reset < 3 {
        return Err(format!(
            "its JPEG-LS thresholds {thresholds:?} are out of order"
        ));
    }
    Ok(Parameters {
        width,
        height,
        largest,
        near,
        thresholds,
        reset,
    })
}

/// Number of bits needed for values below `range`.
fn log2_up(range: i32) -> u32 {
    (0..31)
        .find(|&bits| 1i64 << bits >= i64::from(range))
        .unwrap_or(31)
}

/// Order of the run-length code (the standard's J).
const RUN_ORDER: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

/// Adaptive state of one context.
#[derive(Clone, Copy)]
struct Context {
    magnitude: i32,
    bias: i32,
    correction: i32,
    count: i32,
    /// Negative errors, for the two contexts of run interruption.
    negative: i32,
}

struct Scan<'a> {
    p: &'a Parameters,
    bits: Bits<'a>,
    contexts: Vec<Context>,
    run_index: usize,
    range: i32,
    /// Bits of an escaped error, and the longest code.
    escape: u32,
    limit: u32,
    /// A margin of one on the left and right spares the borders' special cases.
    previous: Vec<i32>,
    current: Vec<i32>,
}

impl<'a> Scan<'a> {
    fn new(p: &'a Parameters, bytes: &'a [u8]) -> Self {
        let range = p.range();
        let fresh = Context {
            magnitude: 2.max((range + 32) / 64),
            bias: 0,
            correction: 0,
            count: 1,
            negative: 0,
        };
        let bits = log2_up(p.largest + 1).max(2);
        Self {
            p,
            bits: Bits {
                bytes,
                at: 0,
                word: 0,
                count: 0,
                beyond: 0,
            },
            // 365 regular contexts and two of run interruption.
            contexts: vec![fresh; 367],
            run_index: 0,
            range,
            escape: log2_up(range),
            limit: 2 * (bits + bits.max(8)),
            previous: vec![0; p.width + 2],
            current: vec![0; p.width + 2],
        }
    }

    fn run(mut self) -> Result<Vec<u16>, String> {
        // Each line of the code takes at least a bit, so a lie about the height ends soon.
        let mut out = Vec::with_capacity(self.p.width * self.p.height);
        for y in 0..self.p.height {
            let width = self.p.width;
            self.previous[width + 1] = self.previous[width];
            self.current[0] = self.previous[1];
            self.line()
                .ok_or_else(|| format!("its JPEG-LS data end in line {y}"))?;
            out.extend(self.current[1..=width].iter().map(|&v| v as u16));
            // What stands left of the next line's upper left neighbour is this line's start.
            std::mem::swap(&mut self.previous, &mut self.current);
        }
        Ok(out)
    }

    fn line(&mut self) -> Option<()> {
        let mut x = 1;
        while x <= self.p.width {
            let (a, b) = (self.current[x - 1], self.previous[x]);
            let (c, d) = (self.previous[x - 1], self.previous[x + 1]);
            let gradients = [d - b, b - c, c - a];
            if gradients.iter().all(|g| g.abs() <= self.p.near) {
                x = self.run_mode(x)?;
            } else {
                self.current[x] = self.regular([a, b, c], gradients)?;
                x += 1;
            }
        }
        (!self.bits.exhausted()).then_some(())
    }

    fn quantise(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.p.thresholds;
        let size = gradient.abs();
        let level = if size <= self.p.near {
            0
        } else if size < t1 {
            1
        } else if size < t2 {
            2
        } else if size < t3 {
            3
        } else {
            4
        };
        level * gradient.signum()
    }

    fn regular(&mut self, [a, b, c]: [i32; 3], gradients: [i32; 3]) -> Option<i32> {
        let [q1, q2, q3] = gradients.map(|g| self.quantise(g));
        let mut index = 81 * q1 + 9 * q2 + q3;
        let sign = if index < 0 { -1 } else { 1 };
        index *= sign;
        let median = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let context = self.contexts[index as usize];
        let predicted = (median + sign * context.correction).clamp(0, self.p.largest);
        let order =
            (0..).find(|&k| i64::from(context.count) << k >= i64::from(context.magnitude))?;
        let mapped = self.golomb(order, self.limit)?;
        let mut error = if mapped % 2 == 0 {
            mapped / 2
        } else {
            -(mapped + 1) / 2
        };
        if self.p.near == 0 && order == 0 && 2 * context.bias <= -context.count {
            error = -(error + 1);
        }
        self.learn(index as usize, error);
        Some(self.reconstruct(predicted, sign * error))
    }

    fn reconstruct(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.p.near + 1;
        let span = self.range * step;
        let mut value = predicted + error * step;
        if value < -self.p.near {
            value += span;
        } else if value > self.p.largest + self.p.near {
            value -= span;
        }
        value.clamp(0, self.p.largest)
    }

    fn learn(&mut self, index: usize, error: i32) {
        let (near, reset) = (self.p.near, self.p.reset);
        let context = &mut self.contexts[index];
        context.bias += error * (2 * near + 1);
        context.magnitude += error.abs();
        if context.count == reset {
            context.magnitude >>= 1;
            context.bias >>= 1;
            context.count >>= 1;
        }
        context.count += 1;
        if context.bias <= -context.count {
            context.correction = (context.correction - 1).max(-128);
            context.bias = (context.bias + context.count).max(1 - context.count);
        } else if context.bias > 0 {
            context.correction = (context.correction + 1).min(127);
            context.bias = (context.bias - context.count).min(0);
        }
    }

    /// A Golomb code of limited length.
    fn golomb(&mut self, order: u32, limit: u32) -> Option<i32> {
        let escape = limit - self.escape - 1;
        let zeros = self.bits.zeros(escape)?;
        if zeros < escape {
            let rest = if order > 24 {
                return None;
            } else {
                self.bits.read(order)
            };
            i32::try_from(u64::from(zeros) << order | u64::from(rest)).ok()
        } else {
            i32::try_from(self.bits.read(self.escape))
                .ok()?
                .checked_add(1)
        }
    }

    /// Decodes a run from `x` on and the value that ends it; returns where to go on.
    fn run_mode(&mut self, mut x: usize) -> Option<usize> {
        let a = self.current[x - 1];
        let width = self.p.width;
        loop {
            if self.bits.read(1) == 0 {
                let rest = self.bits.read(RUN_ORDER[self.run_index]) as usize;
                if x + rest > width {
                    return None;
                }
                self.current[x..x + rest].fill(a);
                x += rest;
                break;
            }
            let full = 1 << RUN_ORDER[self.run_index];
            let count = full.min(width + 1 - x);
            self.current[x..x + count].fill(a);
            x += count;
            if count == full {
                self.run_index = (self.run_index + 1).min(31);
            }
            if x > width {
                return Some(x);
            }
            if self.bits.exhausted() {
                return None;
            }
        }
        self.current[x] = self.interruption(a, self.previous[x])?;
        self.run_index = self.run_index.saturating_sub(1);
        Some(x + 1)
    }

    /// The value that breaks a run: its own contexts and code.
    fn interruption(&mut self, a: i32, b: i32) -> Option<i32> {
        let same = i32::from((a - b).abs() <= self.p.near);
        let index = 365 + same as usize;
        let context = self.contexts[index];
        let magnitude = context.magnitude + if same == 1 { context.count / 2 } else { 0 };
        let order = (0..).find(|&k| i64::from(context.count) << k >= i64::from(magnitude))?;
        let limit = self.limit - RUN_ORDER[self.run_index] - 1;
        let mapped = self.golomb(order, limit)?;
        // The map folds the sign into the lowest bit, by which sign is the likelier one.
        let temporary = mapped + same;
        let odd = temporary % 2 == 1;
        let size = (temporary + 1) / 2;
        let likely_negative = order != 0 || 2 * context.negative >= context.count;
        let error = if likely_negative == odd { -size } else { size };
        let context = &mut self.contexts[index];
        if error < 0 {
            context.negative += 1;
        }
        context.magnitude += (mapped + 1 - same) >> 1;
        if context.count == self.p.reset {
            context.magnitude >>= 1;
            context.count >>= 1;
            context.negative >>= 1;
        }
        context.count += 1;
        Some(if same == 1 {
            self.reconstruct(a, error)
        } else {
            let sign = if a > b { -1 } else { 1 };
            self.reconstruct(b, sign * error)
        })
    }
}
