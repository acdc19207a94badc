//! The known name that a misspelt one was probably meant to be.

/// The known name with the fewest changed letters, when a third of them or fewer differ.
///
/// ```
/// use vesalius_volume::nearest_name;
///
/// let known = ["dice", "hausdorff", "volume"];
/// assert_eq!(nearest_name("hausdorf", &known), Some("hausdorff"));
/// assert_eq!(nearest_name("precision", &known), None);
/// ```
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    let best = known.iter().map(|k| (distance(&name, k), *k)).min()?;
    // A third of the letters may be wrong; a name within another one counts as well.
    let close = best.0 * 3 <= name.chars().count().max(best.1.chars().count());
    let within = || {
        known
            .iter()
            .copied()
            .find(|k| name.len() > 2 && (k.contains(&name) || name.contains(k)))
    };
    if close { Some(best.1) } else { within() }
}

/// The message for a name that is none of the known ones.
///
/// ```
/// use vesalius_volume::unknown_name;
///
/// let message = unknown_name("measure", "dise", &["dice", "volume"]);
/// assert_eq!(message, "unknown measure `dise`; did you mean `dice`?");
/// ```
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(meant) => format!("unknown {what} `{name}`; did you mean `{meant}`?"),
        None => format!("unknown {what} `{name}`; known are {}", known.join(", ")),
    }
}

/// A message of a YAML or JSON reader, with the nearest known name after its first line, where a name in it is
/// not known.
///
/// ```
/// use vesalius_volume::with_suggestion;
///
/// let message = with_suggestion("unknown field `spacin`, expected `spacing` or `size`");
/// assert!(message.ends_with("did you mean `spacing`?"));
/// ```
pub fn with_suggestion(message: &str) -> String {
    let Some(nearest) = suggestion(message) else {
        return message.to_owned();
    };
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let gap = if rest.is_empty() { "" } else { "\n" };
    format!("{first}; did you mean `{nearest}`?{gap}{rest}")
}

/// Of `unknown field `x`, expected one of a, b`, the name that is nearest to x.
fn suggestion(message: &str) -> Option<String> {
    let line = message[message.find("unknown ")?..].lines().next()?;
    let (found, expected) = line.split_once("expected ")?;
    let found = found.split('`').nth(1)?;
    let names = expected
        .trim_start_matches("one of ")
        .split([',', ' ', '`'])
        .filter(|name| !name.is_empty() && *name != "or");
    nearest(found, &names.collect::<Vec<_>>()).map(str::to_owned)
}

/// Letters to insert, delete, replace or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// A number of things in words: `1 window`, `2 windows`.
///
/// ```
/// assert_eq!(vesalius_volume::counted(1, "window"), "1 window");
/// assert_eq!(vesalius_volume::counted(0, "window"), "0 windows");
/// ```
pub fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["flip", "gamma", "gaussian_noise", "z_score"];
        assert_eq!(nearest("flipp", &known), Some("flip"));
        assert_eq!(nearest("filp", &known), Some("flip"));
        assert_eq!(nearest("Zscore", &known), Some("z_score"));
        assert_eq!(nearest("noise", &known), Some("gaussian_noise"));
        assert_eq!(nearest("watershed", &known), None);
        assert!(unknown("key", "watershed", &known).contains("known are flip"));
    }
}
