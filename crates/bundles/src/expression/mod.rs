//! The part of Python's expressions that configs need: read into a tree; nothing is run.

mod parse;
mod tokens;

use serde_json::Value;

pub(crate) use parse::parse;
pub(crate) use tokens::id_length;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// A number, text, `True`, `False` or `None`.
    Literal(Value),
    /// `[a, b]` or `(a, b)`.
    List(Vec<Expression>),
    /// `{a: b}`.
    Mapping(Vec<(Expression, Expression)>),
    /// `@id`, its levels parted by `::`.
    Reference(String),
    /// A name.
    Name(String),
    /// `of.name`.
    Attribute(Box<Expression>, String),
    /// `of[index]`.
    Index(Box<Expression>, Box<Expression>),
    /// `of[from:to]`.
    Slice(
        Box<Expression>,
        Option<Box<Expression>>,
        Option<Box<Expression>>,
    ),
    /// `function(a, name=b)`.
    Call {
        /// What is called.
        function: Box<Expression>,
        /// The arguments without a name.
        arguments: Vec<Expression>,
        /// The arguments with a name.
        named: Vec<(String, Expression)>,
    },
    /// `-a`, `+a` or `not a`.
    Unary(&'static str, Box<Expression>),
    /// `a + b`, a comparison, `a and b`.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// `then if condition else otherwise`.
    Choice {
        /// What is asked.
        condition: Box<Expression>,
        /// The value where it is true.
        then: Box<Expression>,
        /// The value where it is false.
        otherwise: Box<Expression>,
    },
    /// `lambda parameter: body`.
    Lambda {
        /// The parameter's name.
        parameter: String,
        /// What it gives.
        body: Box<Expression>,
    },
}

impl Expression {
    /// `a.b.c` of names alone, as its parts.
    pub(crate) fn dotted(&self) -> Option<Vec<&str>> {
        match self {
            Self::Name(name) => Some(vec![name]),
            Self::Attribute(of, name) => {
                let mut parts = of.dotted()?;
                parts.push(name);
                Some(parts)
            }
            _ => None,
        }
    }
}
