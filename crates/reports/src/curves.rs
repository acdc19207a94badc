//! The report's curves, from the log's steps and validations.

use crate::drawn;
use crate::page::{number, of_kind, pairs};
use serde_json::Value;
use vesalius_training::Result;
use vesalius_view::{Chart, Curve, Marks, Page};

/// Points of a curve; more are averaged in groups.
const POINTS: usize = 400;

/// Loss, Dice, learning rate and gradient norm over the steps.
pub(crate) fn curves(page: &mut Page, events: &[Value]) -> Result<()> {
    let steps: Vec<&Value> = of_kind(events, "step").collect();
    if steps.is_empty() {
        return Ok(());
    }
    page.heading("Curves");
    let curve = |key: &str| Curve {
        name: key.replace('_', " "),
        points: thinned(&steps, key),
    };
    let chart = |title: &str, y: &str, series: Vec<Curve>| Chart {
        title: title.to_owned(),
        x: "step".to_owned(),
        y: y.to_owned(),
        series,
        ..Chart::default()
    };
    drawn(page.chart(&chart("Training loss", "loss", vec![curve("loss")])))?;
    let dice = dice_curves(events);
    if !dice.is_empty() {
        drawn(page.chart(&chart("Dice of held-out cases", "Dice", dice)))?;
    }
    learning_rate(page, &steps)?;
    let norm = curve("gradient_norm");
    if norm.points.iter().any(|point| point.1.is_finite()) {
        drawn(page.chart(&chart("Gradient norm before clipping", "norm", vec![norm])))?;
    }
    Ok(())
}

/// The learning rate of the steps, with a mark where the number of steps was counted again and the reason.
fn learning_rate(page: &mut Page, steps: &[&Value]) -> Result<()> {
    let group = steps.len().div_ceil(POINTS);
    // Rates as they were used: a mean would hide a jump.
    let used = steps.chunks(group).map(|steps| &steps[0]);
    let rate = Curve {
        name: "learning rate".to_owned(),
        points: used
            .map(|step| (number(step, "step"), number(step, "learning_rate")))
            .collect(),
    };
    let recounts = recounts(steps);
    drawn(page.chart(&Chart {
        title: "Learning rate".to_owned(),
        x: "step".to_owned(),
        y: "rate".to_owned(),
        series: vec![rate],
        marks: Marks {
            name: "steps counted again".to_owned(),
            places: recounts.iter().map(|(step, _)| *step as f64).collect(),
        },
        ..Chart::default()
    }))?;
    if !recounts.is_empty() {
        page.text(&told(&recounts));
    }
    Ok(())
}

/// The steps at which the number of steps in all became known or changed, and that number.
fn recounts(steps: &[&Value]) -> Vec<(u64, u64)> {
    let first = steps.first().and_then(|step| step["steps"].as_u64());
    let mut known = first;
    let mut found = Vec::new();
    for step in steps {
        let now = step["steps"].as_u64();
        if let (Some(number), true) = (now, now != known) {
            found.push((step["step"].as_u64().unwrap_or(0), number));
        }
        known = now.or(known);
    }
    found
}

fn told(recounts: &[(u64, u64)]) -> String {
    let each: Vec<String> = recounts
        .iter()
        .map(|(step, number)| format!("{number} after step {step}"))
        .collect();
    format!(
        "The length of the run was given as a time, or changed when the run went on: the number of steps was counted again at the dashed lines, from the time that a step had taken until then ({}). The learning rate follows the share of all steps that is done, so that it may jump there.",
        each.join(", ")
    )
}

/// At most [`POINTS`] points, each the mean of a group of steps.
fn thinned(steps: &[&Value], key: &str) -> Vec<(f64, f64)> {
    let group = steps.len().div_ceil(POINTS);
    steps
        .chunks(group)
        .map(|steps| {
            let mean = |key: &str| {
                steps.iter().map(|step| number(step, key)).sum::<f64>() / steps.len() as f64
            };
            (mean("step"), mean(key))
        })
        .collect()
}

fn dice_curves(events: &[Value]) -> Vec<Curve> {
    let validations: Vec<&Value> = of_kind(events, "validated").collect();
    let Some(first) = validations.first() else {
        return Vec::new();
    };
    let points = |value: &dyn Fn(&Value) -> f64| {
        validations
            .iter()
            .map(|event| (number(event, "step"), value(event)))
            .collect()
    };
    let mean = Curve {
        name: "mean".to_owned(),
        points: points(&|event| number(event, "dice")),
    };
    let labels = pairs(&first["labels"]).into_iter().enumerate();
    let each = labels.map(|(i, (name, _))| Curve {
        name,
        points: points(&|event| event["labels"][i][1].as_f64().unwrap_or(f64::NAN)),
    });
    std::iter::once(mean).chain(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_that_are_counted_again_are_found_and_told() {
        let totals = [None, None, Some(9), Some(9), Some(7), Some(7)];
        let steps: Vec<Value> = (1..)
            .zip(totals)
            .map(|(step, steps)| json!({"event": "step", "step": step, "steps": steps, "learning_rate": 0.1}))
            .collect();
        let steps: Vec<&Value> = steps.iter().collect();
        assert_eq!(recounts(&steps), [(3, 9), (5, 7)]);
        assert_eq!(recounts(&steps[2..4]), []);
        let text = told(&recounts(&steps));
        assert!(text.contains("9 after step 3, 7 after step 5"), "{text}");
        let mut page = Page::new("rates");
        learning_rate(&mut page, &steps).unwrap();
        assert!(page.html().contains("steps counted again"));
    }
}
