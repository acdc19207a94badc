//! Dates and times of the standard in seconds, so that frames can be sorted by them.

/// Seconds of a date and time, `20260131101200.5`, from an arbitrary day.
pub(super) fn moment(text: &str) -> Option<f64> {
    let (date, time) = text.trim().split_at_checked(8)?;
    day(date)?;
    match time {
        "" => moment_of(Some(date), "00"),
        _ => moment_of(Some(date), time),
    }
}

/// Seconds of a time, `101200.5`, on a date, `20260131`, where that is known.
pub(super) fn moment_of(date: Option<&str>, time: &str) -> Option<f64> {
    // A difference to universal time, which does not differ within a series, follows the time.
    let time: String = time.trim().replace(':', "");
    let time = time.split(['+', '-', '&']).next()?;
    let part = |from: usize, to: usize| match time.get(from..to) {
        Some(digits) => digits.parse::<f64>().ok(),
        None if time.len() <= from => Some(0.0),
        None => None,
    };
    let whole = time.split('.').next()?;
    if !matches!(whole.len(), 2 | 4 | 6) || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = (part(0, 2)?, part(2, 4)?);
    let seconds: f64 = match time.get(4..) {
        None | Some("") => 0.0,
        Some(rest) => rest.parse().ok()?,
    };
    let of_day = hours * 3600.0 + minutes * 60.0 + seconds;
    Some(date.and_then(day).unwrap_or(0.0) * 86_400.0 + of_day)
}

/// A number for a day that grows by 1 from each day to the next.
fn day(date: &str) -> Option<f64> {
    let date = date.trim().replace(['.', '-'], "");
    if date.len() != 8 || !date.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| date.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    // Years begin in March here, so that a leap day is a year's last.
    let (year, month) = match month > 2 {
        true => (year, month - 3),
        false => (year - 1, month + 9),
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400;
    // Counted from the year 2000, so that microseconds remain.
    const DAYS_UNTIL_2000: i64 = 730_425;
    Some((days + (month * 306 + 5) / 10 + day - DAYS_UNTIL_2000) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_grow_over_seconds_minutes_midnights_and_leap_days() {
        let at = |text| moment(text).unwrap();
        assert_eq!(at("20260131101200.5") - at("20260131101100.25"), 60.25);
        assert_eq!(at("20260201000000") - at("20260131235959"), 1.0);
        assert_eq!(at("20240301") - at("20240228"), 2.0 * 86_400.0);
        assert_eq!(at("20250301") - at("20250228"), 86_400.0);
        assert_eq!(at("20260101") - at("20251231"), 86_400.0);
        assert_eq!(at("2026013110+0100") - at("20260131"), 36_000.0);
        assert_eq!(moment_of(None, "10:12:00"), Some(36_720.0));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "x", "2026", "2026013110120", "20260131ab", "20260131é1"] {
            assert_eq!(moment(text), None, "{text}");
        }
        for text in ["", "x", "1", "101", "-10"] {
            assert_eq!(moment_of(None, text), None, "{text}");
        }
    }
}
