//! The sentences of warnings that depend on more than one number.

pub(super) fn validations_cut(
    times: u64,
    of_times: u64,
    units: usize,
    of: usize,
    unit: &str,
    side_by_side: bool,
) -> String {
    if times == 0 {
        return format!(
            "the minutes are too short to score one of {of} {unit}: the last weights are kept, and no score is known"
        );
    }
    let scored = match units == of {
        true => format!("all {of} {unit}"),
        false => format!("{units} of {of} {unit}"),
    };
    let how = match side_by_side {
        true => ", with windows side by side instead of overlapping",
        false => "",
    };
    let validations = match of_times {
        1 => "validation is".to_owned(),
        _ => format!(
            "of {of_times} validations {}",
            if times == 1 { "is" } else { "are" }
        ),
    };
    format!("to keep the minutes, {times} {validations} made, on {scored}{how}")
}

pub(super) fn validation_cut_off(done: usize, of: usize) -> String {
    match done {
        0 if of == 1 => "the minutes were over before the held-out case was scored".to_owned(),
        0 => format!("the minutes were over before the first of {of} held-out cases was scored"),
        _ => format!(
            "the minutes were over after {done} of {of} held-out cases; the scores are those of the {done}"
        ),
    }
}

/// A number with its words: those for one, or those for more.
pub(super) fn counted_as(count: u64, [one, more]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

pub(super) fn is_or_are(count: u64) -> &'static str {
    match count {
        1 => "is",
        _ => "are",
    }
}
