//! RLE Lossless (PS3.5 annex G): PackBits segments, one per byte of the sample, the highest first.

/// The little-endian samples of one frame; an error says what the fragment has wrong.
pub(super) fn decode(fragment: &[u8], pixels: usize, width: usize) -> Result<Vec<u8>, String> {
    let word = |i: usize| {
        let bytes = fragment.get(4 * i..4 * i + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let segments = word(0).ok_or("the RLE header is cut off")?;
    if segments != width {
        return Err(format!(
            "{segments} RLE segments, expected {width}, one a byte of a sample"
        ));
    }
    let mut out = vec![0; pixels * width];
    for segment in 0..segments {
        let start = word(segment + 1).ok_or("the RLE header is cut off")?;
        let end = match segment + 1 < segments {
            true => word(segment + 2).ok_or("the RLE header is cut off")?,
            false => fragment.len(),
        };
        let bytes = fragment
            .get(start..end)
            .ok_or("an RLE segment lies outside of its fragment")?;
        let place = width - 1 - segment;
        let filled = unpack(bytes, &mut out[place..], width, pixels);
        if filled < pixels {
            return Err(format!(
                "RLE segment {segment} holds {filled} of {pixels} values"
            ));
        }
    }
    Ok(out)
}

/// Unpacks into every `width`-th byte; how many values there were, at most `pixels`.
fn unpack(bytes: &[u8], out: &mut [u8], width: usize, pixels: usize) -> usize {
    let mut places = out.iter_mut().step_by(width).take(pixels);
    let (mut at, mut filled) = (0, 0);
    while filled < pixels && at < bytes.len() {
        let control = bytes[at] as i8;
        at += 1;
        if control >= 0 {
            let literal = &bytes[at..(at + control as usize + 1).min(bytes.len())];
            at += literal.len();
            // The literal first: `zip` would otherwise take a place for the value that is not there.
            for (value, place) in literal.iter().zip(places.by_ref()) {
                *place = *value;
                filled += 1;
            }
            if literal.is_empty() {
                break;
            }
        } else if control != i8::MIN {
            let Some(&value) = bytes.get(at) else { break };
            at += 1;
            for place in places
                .by_ref()
                .take(1 + usize::from(control.unsigned_abs()))
            {
                *place = value;
                filled += 1;
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(segments: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[0] = segments.len() as u8;
        for (i, segment) in segments.iter().enumerate() {
            let start = bytes.len() as u32;
            bytes[4 * i + 4..4 * i + 8].copy_from_slice(&start.to_le_bytes());
            bytes.extend_from_slice(segment);
        }
        bytes
    }

    #[test]
    fn literals_and_runs_make_samples() {
        // High bytes: a run of four 1; low bytes: literals 5, 6 and a run of two 9.
        let packed = fragment(&[&[0xFD, 1], &[1, 5, 6, 0xFF, 9]]);
        assert_eq!(decode(&packed, 4, 2).unwrap(), [5, 1, 6, 1, 9, 1, 9, 1]);
    }

    #[test]
    fn lies_are_refused() {
        assert!(decode(&[1, 0], 4, 1).is_err());
        assert!(
            decode(&fragment(&[&[0xFD, 1]]), 5, 1)
                .unwrap_err()
                .contains("4 of 5")
        );
        assert!(decode(&fragment(&[&[0xFD, 1]]), 4, 2).is_err());
        let mut far = fragment(&[&[0xFD, 1]]);
        far[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decode(&far, 4, 1).is_err());
        let mut many = fragment(&[&[0xFD, 1]]);
        many[0..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(decode(&many, 4, 1).is_err());
    }
}
