//! `vesalius filter --list`: every filter, what it does, and its own options with units and defaults.

use super::Result;
use clap::Command;

/// Prints the filters of a command.
pub fn print(command: &Command) -> Result<()> {
    for filter in command.get_subcommands() {
        out!("{}  {}", usage(filter), about(filter));
        for option in filter
            .get_arguments()
            .filter(|argument| !argument.is_positional() && !is_common(argument))
        {
            out!("    {}  {}", written(option), help(option));
        }
    }
    Ok(())
}

/// Whether every filter that reads images has this option.
fn is_common(option: &clap::Arg) -> bool {
    option.get_help_heading() == Some(crate::input::READING) || option.get_id() == "overwrite"
}

/// `gaussian IN OUT`.
fn usage(filter: &Command) -> String {
    let names = filter
        .get_positionals()
        .filter_map(|file| file.get_value_names()?.first());
    std::iter::once(filter.get_name())
        .chain(names.map(|name| name.as_str()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn about(filter: &Command) -> String {
    filter
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// `--sigma MM`, or `--neighbours 6|18|26`.
fn written(option: &clap::Arg) -> String {
    let name = option.get_long().unwrap_or_default();
    if !option.get_action().takes_values() {
        return format!("--{name}");
    }
    let choices: Vec<String> = option
        .get_possible_values()
        .iter()
        .map(|choice| choice.get_name().to_owned())
        .collect();
    let value = match (choices.is_empty(), option.get_value_names()) {
        (false, _) => choices.join("|"),
        (true, Some([first, ..])) => first.to_string(),
        (true, _) => "VALUE".to_owned(),
    };
    format!("--{name} {value}")
}

fn help(option: &clap::Arg) -> String {
    let mut text = option
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let defaults: Vec<_> = option
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if option.get_action().takes_values() && !defaults.is_empty() {
        text.push_str(&format!(" [default: {}]", defaults.join(",")));
    }
    if option.is_required_set() {
        text.push_str(" (required)");
    }
    text
}
