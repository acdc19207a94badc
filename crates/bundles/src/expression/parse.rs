//! Tokens into a tree, with Python's order of operators.

use super::Expression;
use super::tokens::{Token, tokens};
use crate::limits::{DEEPEST_EXPRESSION, LONGEST_EXPRESSION};
use serde_json::Value;

type Parsed = Result<Expression, String>;

/// Operators by how strongly they bind, the weakest first.
const LEVELS: [&[&str]; 5] = [
    &["or"],
    &["and"],
    &["==", "!=", "<", "<=", ">", ">="],
    &["+", "-"],
    &["*", "/", "//", "%"],
];
/// The level of comparisons, above which `not` stands.
const COMPARISONS: usize = 2;

/// Words of Python's grammar that are no names.
const KEYWORDS: [&str; 14] = [
    "and", "await", "else", "for", "from", "if", "import", "in", "is", "lambda", "not", "or",
    "yield", "async",
];

/// The expression of a text.
pub(crate) fn parse(text: &str) -> Parsed {
    if text.len() > LONGEST_EXPRESSION {
        return Err(format!("has more than {LONGEST_EXPRESSION} bytes"));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let expression = parser.choice()?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(unexpected(token)),
    }
}

fn unexpected(token: &Token) -> String {
    match token {
        Token::Literal(value) => format!("has {value} where none is expected"),
        Token::Name(name) => format!("has the word `{name}`, which is not evaluated there"),
        Token::Reference(id) => format!("has `@{id}` where none is expected"),
        Token::Sign(sign) => format!("has `{sign}` where none is expected"),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token.ok_or_else(|| "ends too early".to_owned())
    }

    /// Takes a sign or keyword if it stands there.
    fn take(&mut self, word: &str) -> bool {
        let stands = match self.tokens.get(self.at) {
            Some(Token::Sign(sign)) => *sign == word,
            Some(Token::Name(name)) => name == word,
            _ => false,
        };
        self.at += usize::from(stands);
        stands
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        match self.take(word) {
            true => Ok(()),
            false => {
                let found = self.next()?;
                Err(format!("{} (`{word}` is)", unexpected(&found)))
            }
        }
    }

    /// `a if b else c`, or a lambda.
    fn choice(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST_EXPRESSION {
            return Err(format!("has more than {DEEPEST_EXPRESSION} levels"));
        }
        let expression = match self.take("lambda") {
            true => self.lambda()?,
            false => {
                let then = self.binary(0)?;
                match self.take("if") {
                    false => then,
                    true => {
                        let condition = Box::new(self.binary(0)?);
                        self.expect("else")?;
                        Expression::Choice {
                            condition,
                            then: Box::new(then),
                            otherwise: Box::new(self.choice()?),
                        }
                    }
                }
            }
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn lambda(&mut self) -> Parsed {
        let Token::Name(parameter) = self.next()? else {
            return Err("has a lambda without a parameter".to_owned());
        };
        self.expect(":")?;
        Ok(Expression::Lambda {
            parameter,
            body: Box::new(self.choice()?),
        })
    }

    fn binary(&mut self, level: usize) -> Parsed {
        if level == COMPARISONS && self.take("not") {
            return Ok(Expression::Unary("not", Box::new(self.negated()?)));
        }
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        let mut compared = false;
        let mut count = 0;
        while let Some(operator) = operators.iter().find(|operator| self.take(operator)) {
            if std::mem::replace(&mut compared, level == COMPARISONS) {
                return Err("compares more than two values".to_owned());
            }
            // A long row of operators makes a tree as deep as it is long.
            count += 1;
            if count > DEEPEST_EXPRESSION {
                return Err(format!("has more than {DEEPEST_EXPRESSION} `{operator}`"));
            }
            let right = self.binary(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn negated(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST_EXPRESSION {
            return Err(format!("has more than {DEEPEST_EXPRESSION} levels"));
        }
        let value = self.binary(COMPARISONS)?;
        self.depth -= 1;
        Ok(value)
    }

    fn unary(&mut self) -> Parsed {
        for sign in ["-", "+"] {
            if self.take(sign) {
                self.depth += 1;
                if self.depth > DEEPEST_EXPRESSION {
                    return Err(format!("has more than {DEEPEST_EXPRESSION} levels"));
                }
                let value = self.unary()?;
                self.depth -= 1;
                return Ok(Expression::Unary(sign, Box::new(value)));
            }
        }
        self.postfix()
    }

    /// An atom with what follows it: `.name`, `[index]`, `(arguments)`.
    fn postfix(&mut self) -> Parsed {
        let mut of = self.atom()?;
        for _ in 0..DEEPEST_EXPRESSION {
            if self.take(".") {
                let Token::Name(name) = self.next()? else {
                    return Err("has a `.` without a name".to_owned());
                };
                of = Expression::Attribute(Box::new(of), name);
            } else if self.take("[") {
                of = self.index(of)?;
            } else if self.take("(") {
                of = self.call(of)?;
            } else {
                return Ok(of);
            }
        }
        Err(format!("has more than {DEEPEST_EXPRESSION} levels"))
    }

    fn index(&mut self, of: Expression) -> Parsed {
        let of = Box::new(of);
        let from = match self.take(":") {
            true => None,
            false => {
                let index = Box::new(self.choice()?);
                if self.take("]") {
                    return Ok(Expression::Index(of, index));
                }
                self.expect(":")?;
                Some(index)
            }
        };
        if self.take("]") {
            return Ok(Expression::Slice(of, from, None));
        }
        let to = Box::new(self.choice()?);
        self.expect("]")?;
        Ok(Expression::Slice(of, from, Some(to)))
    }

    fn call(&mut self, function: Expression) -> Parsed {
        let (mut arguments, mut named) = (Vec::new(), Vec::new());
        while !self.take(")") {
            let is_named = matches!(
                self.tokens.get(self.at..self.at + 2),
                Some([Token::Name(_), Token::Sign("=")])
            );
            if is_named {
                let Token::Name(name) = self.next()? else {
                    return Err("has an argument without a name".to_owned());
                };
                self.expect("=")?;
                named.push((name, self.choice()?));
            } else {
                arguments.push(self.choice()?);
            }
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(Expression::Call {
            function: Box::new(function),
            arguments,
            named,
        })
    }

    fn atom(&mut self) -> Parsed {
        match self.next()? {
            Token::Literal(Value::String(mut text)) => {
                // Texts beside each other are one.
                while let Some(Token::Literal(Value::String(next))) = self.tokens.get(self.at) {
                    text.push_str(next);
                    self.at += 1;
                }
                Ok(Expression::Literal(Value::String(text)))
            }
            Token::Literal(value) => Ok(Expression::Literal(value)),
            Token::Reference(id) => Ok(Expression::Reference(id)),
            Token::Sign("[") => Ok(Expression::List(self.values("]")?.0)),
            Token::Sign("(") => match self.values(")")? {
                (mut values, false) if values.len() == 1 => Ok(values.remove(0)),
                (values, _) => Ok(Expression::List(values)),
            },
            Token::Sign("{") => self.mapping(),
            Token::Name(name) => match name.as_str() {
                "True" => Ok(Expression::Literal(true.into())),
                "False" => Ok(Expression::Literal(false.into())),
                "None" => Ok(Expression::Literal(Value::Null)),
                word if KEYWORDS.contains(&word) => Err(unexpected(&Token::Name(name))),
                _ => Ok(Expression::Name(name)),
            },
            token => Err(unexpected(&token)),
        }
    }

    /// Values up to a closing bracket, and whether a comma stands after the last.
    fn values(&mut self, close: &str) -> Result<(Vec<Expression>, bool), String> {
        let mut values = Vec::new();
        loop {
            if self.take(close) {
                return Ok((values, true));
            }
            values.push(self.choice()?);
            if !self.take(",") {
                self.expect(close)?;
                return Ok((values, false));
            }
        }
    }

    fn mapping(&mut self) -> Parsed {
        let mut pairs = Vec::new();
        while !self.take("}") {
            let key = self.choice()?;
            self.expect(":")?;
            pairs.push((key, self.choice()?));
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Expression::Mapping(pairs))
    }
}
