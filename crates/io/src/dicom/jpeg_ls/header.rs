//! The marker segments in front of a JPEG-LS scan, and the parameters that they give it.

/// The parameters of a scan, with the defaults of the standard's annex C.
pub(super) struct Parameters {
    pub width: usize,
    pub height: usize,
    pub largest: i32,
    pub near: i32,
    pub thresholds: [i32; 3],
    pub reset: i32,
}

impl Parameters {
    pub fn range(&self) -> i32 {
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

/// Reads the marker segments up to the scan's data.
pub(super) fn markers(bytes: &[u8]) -> Result<(Parameters, usize), String> {
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
    if !thresholds.is_sorted() || thresholds[0] <= near || thresholds[2] > largest || reset < 3 {
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
