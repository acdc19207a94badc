//! A space is held against the plan before anything is trained.

use super::*;

/// The result of checking a space for a plan that leaves everything at its default.
fn check(space: &str) -> Result<()> {
    let config = "name: t\npatch: {size: [8, 8, 8]}\nnetwork:\n  unet: {}\n";
    let config = TrainingConfig::parse(config).unwrap();
    let space = SearchSpace::parse(space).unwrap();
    check_values(
        &serde_json::to_value(config).unwrap(),
        &space,
        &Default::default(),
    )
}

#[test]
fn a_choice_of_a_kind_that_its_key_does_not_take_is_refused_by_name() {
    for choices in ["[1, two]", "[two, 1]"] {
        let space = format!("batch_size: {{categorical: {{choices: {choices}}}}}");
        let text = check(&space).unwrap_err().to_string();
        assert!(
            text.contains("batch_size") && text.contains("two"),
            "{text}"
        );
    }
    let postive = "patch.sampling: {categorical: {choices: [random, {postive: 1, negative: 1}]}}";
    let text = check(postive).unwrap_err().to_string();
    assert!(text.contains("did you mean `positive`"), "{text}");
}

#[test]
fn choices_of_several_kinds_are_taken_where_the_key_takes_each() {
    for space in [
        "batch_size: {categorical: {choices: [1, 2]}}",
        "clip_norm: {categorical: {choices: [1, 0.5, null]}}",
        "patch.sampling: {categorical: {choices: [random, {positive: 1, negative: 1}]}}",
    ] {
        check(space).unwrap();
    }
}
