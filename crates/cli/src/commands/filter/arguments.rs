//! The command's arguments, made from the library's list of filters.

use super::Result;
use crate::input::ImageInput;
use crate::interrupt::followed;
use crate::kind::KindOption;
use crate::output::JsonOutput;
use crate::target::OutputOption;
use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use std::path::{Path, PathBuf};
use vesalius::filter::{
    Argument, ArgumentKind, Filter, FilterJob, Input, Output, Value, filters, named,
};
use vesalius::workflow::FileKind;
use vesalius::workflow::output::Claimed;

/// A filter with the arguments that were given.
pub struct Chosen {
    filter: &'static Filter,
    given: Vec<(&'static str, Vec<Value>)>,
    input: PathBuf,
    output: Option<PathBuf>,
    kind: FileKind,
    overwrite: Option<OutputOption>,
    reading: ImageInput,
    /// Of a filter that measures.
    pub json: Option<JsonOutput>,
}

impl Chosen {
    /// The filter on its files.
    pub fn job(&self) -> Result<FilterJob> {
        let values = self.filter.parsed(self.given.iter().cloned())?;
        let mut job = FilterJob::new(&self.input, values);
        job.kind = self.kind;
        job.reading = self.reading.options();
        job.control = followed();
        Ok(match &self.output {
            Some(output) => job.output(output),
            None => job,
        })
    }
}

impl Chosen {
    /// Claims the file that is written, where there is one.
    pub fn claim(&self) -> Result<Option<Claimed>> {
        let (Some(output), Some(option)) = (&self.output, self.overwrite) else {
            return Ok(None);
        };
        let mut inputs: Vec<&Path> = vec![&self.input];
        let files = self.given.iter().flat_map(|(_, values)| values);
        inputs.extend(files.filter_map(|value| match value {
            Value::File(path) => Some(path.as_path()),
            _ => None,
        }));
        match self.filter.output {
            Output::Surface => option.file(output, &inputs),
            _ => option.image(output, &inputs),
        }
        .map(Some)
    }
}

impl Subcommand for Chosen {
    fn augment_subcommands(command: Command) -> Command {
        command
            .subcommand_value_name("NAME")
            .subcommand_help_heading("Filters")
            .subcommands(filters().map(subcommand))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        named(name).is_ok()
    }
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let unknown = || clap::Error::new(clap::error::ErrorKind::InvalidSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(unknown)?;
        let filter = named(name).map_err(|_| unknown())?;
        let file = |id: &str| matches.get_one::<PathBuf>(id).cloned();
        Ok(Self {
            filter,
            given: given(filter, matches),
            input: file("input").ok_or_else(unknown)?,
            output: match filter.output {
                Output::File | Output::Surface => file("output"),
                Output::Findings => None,
            },
            kind: match filter.input {
                Input::ByKind => KindOption::from_arg_matches(matches)?.kind(),
                Input::ByFilter => FileKind::default(),
            },
            overwrite: match filter.output {
                Output::File | Output::Surface => Some(OutputOption::from_arg_matches(matches)?),
                Output::Findings => None,
            },
            reading: ImageInput::from_arg_matches(matches)?,
            json: match filter.output {
                Output::File | Output::Surface => None,
                Output::Findings => Some(JsonOutput::from_arg_matches(matches)?),
            },
        })
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The values on the command line; those that are defaults are left to the library.
fn given(filter: &Filter, matches: &ArgMatches) -> Vec<(&'static str, Vec<Value>)> {
    let by_user = |argument: &&Argument| {
        matches.value_source(argument.name) == Some(clap::parser::ValueSource::CommandLine)
    };
    let arguments = filter.arguments.iter().filter(by_user);
    arguments
        .map(|argument| {
            let values = match argument.kind {
                ArgumentKind::Flag => vec![Value::Flag],
                _ => {
                    let values = matches.get_many::<Value>(argument.name);
                    values.into_iter().flatten().cloned().collect()
                }
            };
            (argument.name, values)
        })
        .collect()
}

fn subcommand(filter: &'static Filter) -> Command {
    let file = |id: &'static str, name: &'static str, help: &'static str| {
        let parser = clap::value_parser!(PathBuf);
        let file = Arg::new(id).value_name(name).help(help);
        file.required(true).value_parser(parser)
    };
    let mut command = Command::new(filter.name);
    let arguments = filter.arguments.iter().map(|a| argument(filter, a));
    match filter.output {
        Output::File | Output::Surface => {
            command = command
                .arg(file("input", "IN", "The file to read"))
                .arg(file(
                    "output",
                    "OUT",
                    "The file to write; its name decides the format",
                ));
            command = flattened::<ImageInput>(flattened::<OutputOption>(command));
            if filter.input == Input::ByKind {
                command = flattened::<KindOption>(command);
            }
            command = command.args(arguments);
        }
        Output::Findings => {
            command = command.arg(file("input", "IN", "The label map"));
            command = flattened::<ImageInput>(command.args(arguments));
            command = flattened::<JsonOutput>(command);
        }
    }
    if !filter.one_of.is_empty() {
        let group = ArgGroup::new("one-of").args(filter.one_of);
        command = command.group(group.required(true).multiple(false));
    }
    // Last, as each group of options brings a sentence of its own.
    command.about(in_options(filter, filter.about))
}

/// Adds a group of options; later ones are under the usual heading again.
fn flattened<T: Args>(command: Command) -> Command {
    T::augment_args(command).next_help_heading(None)
}

/// A sentence of the library with the command's names of arguments: `low` is --low.
fn in_options(filter: &Filter, text: &str) -> String {
    let mut text = text.to_owned();
    for argument in filter.arguments {
        let name = argument.name;
        text = text.replace(&format!("`{name}`"), &format!("--{name}"));
    }
    text
}

fn argument(filter: &Filter, argument: &'static Argument) -> Arg {
    let kind = argument.kind;
    let mut arg = Arg::new(argument.name)
        .long(argument.name)
        .help(in_options(filter, argument.help))
        .required(argument.required);
    if let Some(alias) = argument.alias {
        arg = arg.visible_alias(alias);
    }
    if let Some(other) = argument.conflicts_with {
        arg = arg.conflicts_with(other);
    }
    if kind == ArgumentKind::Flag {
        return arg.action(ArgAction::SetTrue);
    }
    arg = match (argument.value_name, argument.name) {
        ("", name) => arg.value_name(name.replace('-', "_").to_uppercase()),
        (name, _) => arg.value_name(name),
    };
    // A number below 0 is a value even where it is refused, so that the error is about it.
    let number = !matches!(
        kind,
        ArgumentKind::File | ArgumentKind::Choice(_) | ArgumentKind::ChoiceList(_)
    );
    if number {
        arg = arg.allow_hyphen_values(true);
    }
    if argument.repeated || kind.is_list() {
        arg = arg.action(ArgAction::Append);
    }
    if kind.is_list() {
        arg = arg.value_delimiter(',');
    }
    if let Some(default) = argument.default {
        arg = arg.default_value(default);
    }
    with_parser(arg, kind)
}

fn with_parser(arg: Arg, kind: ArgumentKind) -> Arg {
    use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
    match kind {
        ArgumentKind::File => arg.value_parser(PathBufValueParser::new().map(Value::File)),
        ArgumentKind::Choice(choices) | ArgumentKind::ChoiceList(choices) => {
            let words = choices.iter().map(|choice| {
                let word = PossibleValue::new(choice.name);
                match choice.help {
                    "" => word,
                    help => word.help(help),
                }
            });
            let parser = PossibleValuesParser::new(words);
            arg.value_parser(parser.try_map(move |word| kind.parse(&word).map_err(Wrong)))
        }
        _ => arg.value_parser(move |text: &str| kind.parse(text)),
    }
}

/// What is wrong with a value.
#[derive(Debug)]
struct Wrong(String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}
