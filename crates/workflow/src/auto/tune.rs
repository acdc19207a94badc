//! Searches better settings of a plan.

use super::{AutoEvent, Error, Observer, Result};
use vesalius_auto::{Plan, TuneOptions, WorkFolder};

/// Searches, and writes the best settings as a plan of their own.
///
/// # Errors
/// [`Error::NoTrial`]; a search or plan that cannot be used; a stop.
pub fn tune(
    work: &WorkFolder,
    plan: &Plan,
    options: &TuneOptions,
    observer: &Observer,
) -> Result<Plan> {
    let trials = options.trials;
    let best = vesalius_auto::tune(work, plan, options, &mut |event| {
        observer(&AutoEvent::Tuning { event, trials });
    })?;
    let plan = best.ok_or(Error::NoTrial)?;
    let path = Plan::path(work.plans_folder(), plan.name());
    observer(&AutoEvent::Tuned {
        plan: &plan,
        path: &path,
    });
    Ok(plan)
}

/// The plan of a name; without a name the only plan that no search made, so that the same call continues the same
/// search.
///
/// # Errors
/// [`Error::SeveralPlans`] and [`Error::NoPlan`] with the names there are.
pub fn choose_plan(work: &WorkFolder, name: Option<&str>) -> Result<Plan> {
    let plans = work.plans()?;
    let names = |plans: &[&Plan]| plans.iter().map(|p| p.name().to_owned()).collect();
    let Some(name) = name else {
        let given: Vec<&Plan> = plans.iter().filter(|plan| !plan.is_tuned()).collect();
        return match given[..] {
            [one] => Ok(one.clone()),
            _ => Err(Error::SeveralPlans(names(&given))),
        };
    };
    let found = plans.iter().find(|plan| plan.name() == name).cloned();
    found.ok_or_else(|| Error::NoPlan {
        name: name.to_owned(),
        plans: names(&plans.iter().collect::<Vec<_>>()),
    })
}
