//! Arguments from the command line; the parser's errors, without tips that do not help.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

/// The arguments of this process; a wrong one ends it with a sentence and exit code 2.
pub fn parsed<T: Parser>() -> T {
    let matches = command::<T>().try_get_matches();
    let parsed = matches.and_then(|matches| T::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| helpful(error).exit())
}

/// The command with everything that its help shows.
pub fn command<T: CommandFactory>() -> clap::Command {
    crate::help::with_help(T::command())
}

/// An error of the parser without advice that leads nowhere.
fn helpful(mut error: clap::Error) -> clap::Error {
    match error.kind() {
        // `--` would make a file of an option that was mistyped.
        ErrorKind::UnknownArgument => {
            let tips = error.remove(ContextKind::Suggested);
            if let Some(ContextValue::StyledStrs(tips)) = tips {
                let kept = tips
                    .into_iter()
                    .filter(|tip| !tip.to_string().contains("'-- "));
                let kept: Vec<StyledStr> = kept.collect();
                if !kept.is_empty() {
                    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(kept));
                }
            }
        }
        ErrorKind::InvalidSubcommand => without_far_names(&mut error),
        _ => {}
    }
    error
}

/// Leaves only suggestions that may be a typing error.
fn without_far_names(error: &mut clap::Error) {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand).cloned()
    else {
        return;
    };
    let near = |name: &String| strsim::damerau_levenshtein(name, &given) <= 1 + given.len() / 4;
    match error.remove(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => {
            let names: Vec<String> = names.into_iter().filter(near).collect();
            if !names.is_empty() {
                error.insert(
                    ContextKind::SuggestedSubcommand,
                    ContextValue::Strings(names),
                );
            }
        }
        Some(ContextValue::String(name)) if near(&name) => {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::String(name));
        }
        _ => {}
    }
    let filters = error
        .get(ContextKind::Usage)
        .is_some_and(|usage| usage.to_string().contains("vesalius filter "));
    if filters && error.get(ContextKind::SuggestedSubcommand).is_none() {
        let tip = StyledStr::from("`vesalius filter --list` names them all");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> String {
        let words = words.split(' ');
        let error = command::<crate::Arguments>()
            .try_get_matches_from(words)
            .unwrap_err();
        helpful(error).to_string()
    }

    #[test]
    fn only_names_that_are_near_are_suggested() {
        let text = said("vesalius filter nosuch a b");
        assert!(!text.contains("otsu"), "{text}");
        assert!(text.contains("tip: `vesalius filter --list`"), "{text}");
        assert!(said("vesalius filter medain a b").contains("'median'"));
        assert!(said("vesalius predcit").contains("'predict'"));
    }

    #[test]
    fn a_mistyped_option_is_not_advised_as_a_file() {
        let text = said("vesalius convert --lables a b");
        assert!(
            text.contains("'--labels'") && !text.contains("'-- "),
            "{text}"
        );
        assert!(!said("vesalius convert --what a b").contains("'-- "));
    }

    #[test]
    fn a_negative_number_is_refused_by_its_value() {
        for words in [
            "vesalius resample a b --size -4,4,4",
            "vesalius train c.yaml --minutes -1",
            "vesalius train c.yaml --steps -1",
            "vesalius view a --output b.png --slices -1",
            "vesalius predict --model m --input i --output o --max-memory -1GiB",
            "vesalius predict --model m --input i --output o --max-memory 10",
            "vesalius convert a b --assume-spacing -1,1,1",
            "vesalius convert a b --compression -1",
            "vesalius filter median a b --radius -x",
            "vesalius auto run i.yaml --minutes -3",
        ] {
            let text = said(words);
            assert!(text.contains("invalid value"), "{words}: {text}");
        }
    }
}
