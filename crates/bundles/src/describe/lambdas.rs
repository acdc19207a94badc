//! The lambdas that are recognised by their form: painting, and choosing channels.

use crate::expression::Expression;
use crate::post_step::{PostStep, Rule, ValueKind};
use serde_json::Value;

/// The step of a lambda on what stands there: `Some(None)` is one that changes nothing, `None` one that is not recognised.
pub(super) fn step(lambda: &Expression, of: ValueKind) -> Option<Option<PostStep>> {
    let Expression::Lambda { parameter, body } = lambda else {
        return None;
    };
    let is_discrete = matches!(of, ValueKind::Masks | ValueKind::Labels);
    match &**body {
        Expression::Name(name) if name == parameter => Some(None),
        Expression::Slice(of, Some(from), None) if is_name(of, parameter) => {
            let from = usize::try_from(number(from)?.as_u64()?).ok()?;
            Some(Some(PostStep::SelectChannels { from }))
        }
        Expression::Call {
            function,
            arguments,
            named,
        } => match function.dotted()?[..] {
            ["torch", "where"] if of == ValueKind::Masks => {
                let mut rules = Vec::new();
                let otherwise = painted(body, parameter, &mut rules)?;
                Some(Some(PostStep::Paint { rules, otherwise }))
            }
            // Masks and labels have no values that are not numbers.
            ["torch", "nan_to_num"] if is_discrete => {
                let is_of_input = matches!(&arguments[..], [of] if is_name(of, parameter));
                let is_of_nan = named.iter().all(|(name, _)| name == "nan");
                (is_of_input && is_of_nan).then_some(None)
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_name(expression: &Expression, name: &str) -> bool {
    matches!(expression, Expression::Name(found) if found == name)
}

fn number(expression: &Expression) -> Option<&Value> {
    match expression {
        Expression::Literal(value @ Value::Number(_)) => Some(value),
        _ => None,
    }
}

/// `torch.where(x[[channel]] > 0, label, otherwise)`, again in `otherwise`; the label where no channel is on.
fn painted(expression: &Expression, parameter: &str, rules: &mut Vec<Rule>) -> Option<i64> {
    if let Some(label) = number(expression) {
        return label.as_i64();
    }
    let Expression::Call {
        function,
        arguments,
        named,
    } = expression
    else {
        return None;
    };
    let [condition, label, otherwise] = &arguments[..] else {
        return None;
    };
    if function.dotted()? != ["torch", "where"] || !named.is_empty() {
        return None;
    }
    rules.push(Rule {
        channel: channel_that_is_on(condition, parameter)?,
        label: number(label)?.as_i64()?,
    });
    painted(otherwise, parameter, rules)
}

/// `x[[channel]] > 0` and the like, which hold for 1 and not for 0.
fn channel_that_is_on(condition: &Expression, parameter: &str) -> Option<usize> {
    let Expression::Binary(operator, left, right) = condition else {
        return None;
    };
    let Expression::Index(of, index) = &**left else {
        return None;
    };
    let bound = number(right)?.as_f64()?;
    let is_on = match *operator {
        ">" => (0.0..1.0).contains(&bound),
        ">=" => bound > 0.0 && bound <= 1.0,
        "==" => bound == 1.0,
        _ => false,
    };
    match &**index {
        Expression::List(channels) if is_on && is_name(of, parameter) => match &channels[..] {
            [channel] => usize::try_from(number(channel)?.as_u64()?).ok(),
            _ => None,
        },
        _ => None,
    }
}
