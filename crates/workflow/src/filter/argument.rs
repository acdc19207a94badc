//! The arguments of the filters: names, help, defaults, and how their values are written as text.

use std::path::PathBuf;
use std::str::FromStr;
use vesalius_volume::Orientation;

/// One argument of a filter.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Its name, words joined by `-`.
    pub name: &'static str,
    /// What it means, with its unit.
    pub help: &'static str,
    /// What a value is called in help, such as `MM`; empty for the name itself.
    pub value_name: &'static str,
    /// What values are.
    pub kind: ArgumentKind,
    /// The value that holds where none is given, as text.
    pub default: Option<&'static str>,
    /// Whether a value must be given.
    pub required: bool,
    /// Whether numbers below 0 make sense, so that a command line takes `-1` as a value.
    pub negative: bool,
    /// Whether it may be given several times, a value each time.
    pub repeated: bool,
    /// An argument that cannot be given together with this one.
    pub conflicts_with: Option<&'static str>,
    /// Another name of it.
    pub alias: Option<&'static str>,
}

/// What the values of an argument are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ArgumentKind {
    /// True where it is given; has no value.
    Flag,
    /// A number.
    Number,
    /// Two numbers, `low,high`.
    Pair,
    /// A number along each axis, `x,y,z`, or one for all.
    Numbers,
    /// A whole number from 0 on.
    Count,
    /// Whole numbers with commas between them.
    CountList,
    /// A whole number from 0 on along each axis, or one for all.
    Counts,
    /// A whole number along each axis, or one for all.
    Integers,
    /// The value of a label.
    Label,
    /// One of several words.
    Choice(&'static [Choice]),
    /// Several of them with commas between them.
    ChoiceList(&'static [Choice]),
    /// One of several words along each axis, or one for all.
    Choices(&'static [Choice]),
    /// Three letters for the directions of the axes, such as `RAS`.
    Orientation,
    /// A file that is read or written.
    File,
}

/// A word that a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub name: &'static str,
    /// What it means; may be empty.
    pub help: &'static str,
}

impl Choice {
    pub(super) const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help }
    }
}

/// A value of an argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A flag that was given.
    Flag,
    /// Of [`ArgumentKind::Number`].
    Number(f64),
    /// Of [`ArgumentKind::Pair`].
    Pair([f64; 2]),
    /// Of [`ArgumentKind::Numbers`].
    Numbers([f64; 3]),
    /// Of [`ArgumentKind::Count`], and one of [`ArgumentKind::CountList`].
    Count(usize),
    /// Of [`ArgumentKind::Counts`].
    Counts([usize; 3]),
    /// Of [`ArgumentKind::Integers`].
    Integers([i64; 3]),
    /// Of [`ArgumentKind::Label`].
    Label(u16),
    /// Of [`ArgumentKind::Choice`], and one of [`ArgumentKind::ChoiceList`].
    Choice(&'static str),
    /// Of [`ArgumentKind::Choices`].
    Choices([&'static str; 3]),
    /// Of [`ArgumentKind::Orientation`].
    Orientation(Orientation),
    /// Of [`ArgumentKind::File`].
    File(PathBuf),
}

impl ArgumentKind {
    /// Whether one text holds several values with commas between them.
    pub fn is_list(self) -> bool {
        matches!(self, Self::CountList | Self::ChoiceList(_))
    }

    /// The words that a value may be, where there are such.
    pub fn choices(self) -> &'static [Choice] {
        match self {
            Self::Choice(choices) | Self::ChoiceList(choices) => choices,
            _ => &[],
        }
    }

    /// Parses one value; of a list, one between two commas.
    ///
    /// # Errors
    /// What is wrong with the text, without the argument's name.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        Ok(match self {
            Self::Flag => return Err("takes no value".to_owned()),
            Self::Number => Value::Number(number(text)?),
            Self::Pair => Value::Pair(pair(text)?),
            Self::Numbers => Value::Numbers(triple(text)?),
            Self::Count | Self::CountList => Value::Count(number(text)?),
            Self::Counts => Value::Counts(triple(text)?),
            Self::Integers => Value::Integers(triple(text)?),
            Self::Label => {
                let value: i64 = number(text)?;
                let label = u16::try_from(value);
                Value::Label(label.map_err(|_| format!("{value} is not in 0..={}", u16::MAX))?)
            }
            Self::Choice(choices) | Self::ChoiceList(choices) => {
                Value::Choice(choice(choices, text)?)
            }
            Self::Choices(choices) => {
                let parts = text.split(',').map(|part| {
                    let part = part.trim();
                    choice(choices, part).map_err(|error| format!("`{part}`: {error}"))
                });
                Value::Choices(three(parts.collect::<Result<_, _>>()?)?)
            }
            Self::Orientation => Value::Orientation(number(text)?),
            Self::File => Value::File(text.into()),
        })
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn choice(choices: &'static [Choice], text: &str) -> Result<&'static str, String> {
    let found = choices
        .iter()
        .find(|choice| choice.name.eq_ignore_ascii_case(text));
    found
        .map(|choice| choice.name)
        .ok_or_else(|| format!("invalid variant: {text}"))
}

/// Parses `2` (along all axes) or `1,1,2.5` (`x,y,z`).
///
/// # Errors
/// What is wrong, without the option's name.
pub fn triple<T: FromStr + Copy>(text: &str) -> Result<[T; 3], String>
where
    T::Err: std::fmt::Display,
{
    let parts = text.split(',').map(|part| {
        let part = part.trim();
        part.parse().map_err(|error| format!("`{part}`: {error}"))
    });
    three(parts.collect::<Result<_, _>>()?)
}

fn three<T: Copy>(parts: Vec<T>) -> Result<[T; 3], String> {
    match parts[..] {
        [all] => Ok([all; 3]),
        [x, y, z] => Ok([x, y, z]),
        _ => Err(format!(
            "{} numbers, expected one for all axes or three: x,y,z",
            parts.len()
        )),
    }
}

/// Parses two numbers, `low,high`.
///
/// # Errors
/// What is wrong, without the option's name.
pub fn pair(text: &str) -> Result<[f64; 2], String> {
    let parts = text.split(',').map(|part| {
        let part = part.trim();
        number(part).map_err(|error| format!("`{part}`: {error}"))
    });
    let parts: Vec<f64> = parts.collect::<Result<_, _>>()?;
    parts
        .try_into()
        .map_err(|parts: Vec<f64>| format!("{} numbers, expected two", parts.len()))
}

/// Builders for the lists of arguments.
impl Argument {
    /// An argument that must be given.
    pub(super) const fn new(name: &'static str, kind: ArgumentKind, help: &'static str) -> Self {
        Self {
            name,
            help,
            value_name: "",
            kind,
            default: None,
            required: !matches!(kind, ArgumentKind::Flag),
            negative: false,
            repeated: false,
            conflicts_with: None,
            alias: None,
        }
    }

    pub(super) const fn flag(name: &'static str, help: &'static str) -> Self {
        Self::new(name, ArgumentKind::Flag, help)
    }

    pub(super) const fn value(mut self, name: &'static str) -> Self {
        self.value_name = name;
        self
    }

    pub(super) const fn default(mut self, text: &'static str) -> Self {
        self.default = Some(text);
        self.optional()
    }

    pub(super) const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    pub(super) const fn negative(mut self) -> Self {
        self.negative = true;
        self
    }

    pub(super) const fn repeated(mut self) -> Self {
        self.repeated = true;
        self
    }

    pub(super) const fn conflicts(mut self, with: &'static str) -> Self {
        self.conflicts_with = Some(with);
        self
    }

    pub(super) const fn alias(mut self, name: &'static str) -> Self {
        self.alias = Some(name);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stands_for_three_and_two_are_refused() {
        assert_eq!(triple::<f64>("2"), Ok([2.0; 3]));
        assert_eq!(triple::<f64>("1, 2,2.5"), Ok([1.0, 2.0, 2.5]));
        assert!(triple::<f64>("1,2").unwrap_err().contains("x,y,z"));
        assert!(triple::<usize>("-1").unwrap_err().contains("`-1`"));
        assert!(triple::<f64>("").is_err());
        assert_eq!(pair("-160,240"), Ok([-160.0, 240.0]));
        assert!(pair("1").unwrap_err().contains("two"));
    }

    #[test]
    fn values_out_of_range_and_unknown_words_are_named() {
        const WORDS: &[Choice] = &[Choice::new("ball", ""), Choice::new("box", "")];
        let refused = |kind: ArgumentKind, text| kind.parse(text).unwrap_err();
        assert!(refused(ArgumentKind::Label, "70000").contains("0..=65535"));
        assert!(refused(ArgumentKind::Choice(WORDS), "cube").contains("cube"));
        assert!(refused(ArgumentKind::Choices(WORDS), "box,ball").contains("x,y,z"));
        let box_and_balls = ArgumentKind::Choices(WORDS).parse("box,Ball,ball");
        assert_eq!(box_and_balls, Ok(Value::Choices(["box", "ball", "ball"])));
    }
}
