//! Commands in messages, written so that they run as printed: with the paths and options that were given.

use std::ffi::OsString;

/// The command that runs now, with options added.
pub fn this_command(options: &[&str]) -> String {
    command(with_options(std::env::args_os().skip(1).collect(), options))
}

/// As [`this_command`] for labels, which no cubic spline can go through.
pub fn this_command_for_labels() -> String {
    let mut given: Vec<OsString> = std::env::args_os().skip(1).collect();
    without_cubic(&mut given);
    command(with_options(given, &["--labels"]))
}

/// The options are before a `--`, after which all words are files.
fn with_options(mut given: Vec<OsString>, options: &[&str]) -> Vec<OsString> {
    let end = given
        .iter()
        .position(|word| word == "--")
        .unwrap_or(given.len());
    given.splice(end..end, options.iter().map(OsString::from));
    given
}

fn without_cubic(given: &mut [OsString]) {
    for at in 0..given.len() {
        if given[at] == "--interpolation=cubic" {
            given[at] = "--interpolation=nearest".into();
        } else if given[at] == "--interpolation" && given.get(at + 1).is_some_and(|w| w == "cubic")
        {
            given[at + 1] = "nearest".into();
        }
    }
}

/// `vesalius` with these arguments, quoted for a shell where they need it.
pub fn command(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> String {
    let mut text = "vesalius".to_owned();
    for argument in arguments {
        text.push(' ');
        text.push_str(&quoted(&argument.into().to_string_lossy()));
    }
    text
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./,=+:@%^".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_and_quotes_come_back_from_a_shell() {
        let text = command([
            "resample",
            "a b.nii",
            "it's.nii",
            "",
            "--spacing",
            "1,1,2.5",
        ]);
        let expected = r"vesalius resample 'a b.nii' 'it'\''s.nii' '' --spacing 1,1,2.5";
        assert_eq!(text, expected);
    }

    #[test]
    fn options_stand_before_the_end_of_options_and_labels_lose_the_spline() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let given = words("resample --spacing 1 -- -in.nii out.nii");
        let found = with_options(given, &["--labels"]);
        assert_eq!(
            found,
            words("resample --spacing 1 --labels -- -in.nii out.nii")
        );
        let mut given = words("resample a b --interpolation cubic --interpolation=cubic cubic");
        without_cubic(&mut given);
        let expected = "resample a b --interpolation nearest --interpolation=nearest cubic";
        assert_eq!(given, words(expected));
    }
}
