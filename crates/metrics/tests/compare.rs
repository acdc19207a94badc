//! Paired tests and effect sizes against SciPy and statsmodels (`tests/parity/compare.py`, with versions), and what is
//! refused.

use serde_json::Value;
use vesalius_metrics::{
    Better, BlandAltman, Bootstrap, Comparison, EffectSize, Error, Evaluation, Evaluator, Measure,
    PairedBootstrap, RankRule, Ranking, Targets, Wilcoxon, holm,
};
use vesalius_volume::{Geometry, LabelMap};

fn stored() -> Value {
    serde_json::from_str(include_str!("data/compare.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

#[test]
fn tests_and_effect_sizes_are_the_peers() {
    for pair in stored()["pairs"].as_array().unwrap() {
        let (a, b) = (numbers(&pair["a"]), numbers(&pair["b"]));
        let close = |ours: f64, key: &str| {
            let theirs = pair[key].as_f64().unwrap();
            let difference = (ours - theirs).abs() / theirs.abs().max(1e-3);
            assert!(
                difference < 1e-9,
                "{} cases, {key}: ours {ours}, theirs {theirs}",
                a.len()
            );
        };
        let test = Wilcoxon::of(&a, &b).unwrap();
        close(test.statistic, "statistic");
        close(test.p, "p");
        let effect = EffectSize::of(&a, &b).unwrap();
        close(effect.cohens_d.unwrap(), "cohens_d");
        close(effect.rank_biserial, "rank_biserial");
        let difference = PairedBootstrap::of(&a, &b, &Bootstrap::default()).unwrap();
        close(difference.mean, "mean");
        assert!(
            difference.interval.low <= difference.mean
                && difference.mean <= difference.interval.high
        );
        let agreement = BlandAltman::of(&a, &b).unwrap();
        close(-agreement.bias, "mean");
        close(agreement.deviation, "bias_deviation");
        close(agreement.slope.unwrap(), "slope");
        let interval = agreement.bias_interval(&Bootstrap::default()).unwrap();
        assert!(
            (interval.low + difference.interval.high).abs() < 1e-12,
            "the same draws of the same differences"
        );
    }
    for case in stored()["holm"].as_array().unwrap() {
        let ours = holm(&numbers(&case["p"])).unwrap();
        for (ours, theirs) in ours.iter().zip(numbers(&case["adjusted"])) {
            assert!((ours - theirs).abs() < 1e-12);
        }
    }
}

#[test]
fn lists_that_are_no_pairs_are_refused_by_name() {
    let bootstrap = Bootstrap::default();
    let refused = |a: &[f64], b: &[f64]| {
        let messages = [
            Wilcoxon::of(a, b).map(|_| ()),
            EffectSize::of(a, b).map(|_| ()),
            PairedBootstrap::of(a, b, &bootstrap).map(|_| ()),
            BlandAltman::of(a, b).map(|_| ()),
        ];
        messages.map(|result| result.unwrap_err().to_string())
    };
    for (a, b, word) in [
        (&[1.0, 2.0][..], &[1.0][..], "two numbers a case"),
        (&[1.0, f64::NAN], &[1.0, 2.0], "in case 1"),
        (&[1.0, 2.0], &[1.0, f64::INFINITY], "in case 1"),
        (&[], &[], "0 cases"),
    ] {
        refused(a, b)
            .iter()
            .for_each(|message| assert!(message.contains(word), "{message}"));
    }
    let none = Bootstrap {
        resamples: 0,
        ..bootstrap
    };
    assert!(matches!(
        PairedBootstrap::of(&[1.0, 2.0], &[1.0, 3.0], &none),
        Err(Error::BadOption { .. })
    ));
    let two = [vec![1.0, 2.0], vec![1.0, 3.0]];
    assert!(Ranking::of(&two, Better::Higher, RankRule::MeanThenRank, &none).is_err());
    assert!(
        Ranking::of(
            &two[..1],
            Better::Higher,
            RankRule::MeanThenRank,
            &bootstrap
        )
        .is_err()
    );
    assert!(
        Ranking::of(
            &[vec![1.0, 2.0], vec![1.0]],
            Better::Higher,
            RankRule::MeanThenRank,
            &bootstrap
        )
        .is_err()
    );
    for bad in [f64::NAN, -0.1, 1.1] {
        assert!(holm(&[0.5, bad]).is_err());
    }
    assert_eq!(holm(&[]).unwrap(), [0.0; 0]);
}

#[test]
fn equal_models_differ_by_nothing() {
    let same = [0.5, 0.7, 0.9];
    let test = Wilcoxon::of(&same, &same).unwrap();
    assert_eq!((test.p, test.statistic, test.differing), (1.0, 0.0, 0));
    let effect = EffectSize::of(&same, &same).unwrap();
    assert_eq!(
        (effect.rank_biserial, effect.cohens_d, effect.share_larger),
        (0.0, None, 0.5)
    );
    let values = [same.to_vec(), same.to_vec()];
    for rule in [RankRule::MeanThenRank, RankRule::RankThenMean] {
        let ranking = Ranking::of(&values, Better::Higher, rule, &Bootstrap::default()).unwrap();
        assert_eq!(
            (ranking.ranks.clone(), ranking.kendall),
            (vec![1.5, 1.5], None)
        );
        assert_eq!(
            (ranking.first.clone(), ranking.distribution[0].clone()),
            (vec![0.5, 0.5], vec![0.5, 0.5])
        );
    }
}

#[test]
fn a_ranking_follows_what_is_better_and_comes_back_the_same() {
    let values = [
        vec![3.0, 4.0, 5.0, 30.0],
        vec![4.0, 5.0, 6.0, 7.0],
        vec![9.0, 9.5, 9.0, 9.0],
    ];
    let rank = |better, rule| Ranking::of(&values, better, rule, &Bootstrap::default()).unwrap();
    assert_eq!(
        rank(Better::Lower, RankRule::MeanThenRank).ranks,
        [3.0, 1.0, 2.0]
    );
    // In three of four cases the first is the best.
    let by_case = rank(Better::Lower, RankRule::RankThenMean);
    assert_eq!(by_case.ranks, [1.0, 2.0, 3.0]);
    assert!(by_case.first.iter().sum::<f64>() - 1.0 < 1e-12);
    by_case
        .distribution
        .iter()
        .for_each(|row| assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    assert!(by_case.kendall.unwrap() > 0.3);
    assert_eq!(by_case, rank(Better::Lower, RankRule::RankThenMean));
}

#[test]
fn models_are_compared_on_the_same_cases_only() {
    let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3]).unwrap();
    let first = |count: usize| LabelMap::<u8>::from_fn(grid, |[x, ..]| u8::from(x < count));
    let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), vec![Measure::Dice]);
    let model = |names: &[&str], fewer: usize| {
        let cases = names.iter().enumerate().map(|(i, name)| {
            // The last case is empty in both.
            let count = if *name == "empty" { 0 } else { 6 };
            evaluator
                .case(name, &first(count), &first(count.saturating_sub(fewer * i)))
                .unwrap()
        });
        Evaluation::new(cases.collect()).unwrap()
    };
    let names = ["a", "b", "c", "empty"];
    let (good, bad) = (model(&names, 0), model(&names, 1));
    let bootstrap = Bootstrap::default();
    let compare = |models: &[(&str, &Evaluation)], measure: &str| {
        Comparison::of(models, "1", measure, RankRule::MeanThenRank, &bootstrap)
    };
    let found = compare(&[("good", &good), ("bad", &bad)], "dice").unwrap();
    assert_eq!(
        found.cases,
        ["a", "b", "c"],
        "the case without a value is left out for both"
    );
    assert_eq!(found.ranking.ranks, [1.0, 2.0]);
    assert_eq!(
        found.pairs[0].adjusted_p, found.pairs[0].test.p,
        "one pair needs no correction"
    );
    assert_eq!(found.pair_table().rows[0][0], "good - bad");
    let message = |other: &Evaluation, measure: &str| {
        compare(&[("good", &good), ("other", other)], measure)
            .unwrap_err()
            .to_string()
    };
    assert!(message(&model(&["a", "b", "c"], 0), "dice").contains("lacks the case `empty`"));
    assert!(
        message(&model(&["a", "b", "c", "empty", "d"], 0), "dice").contains("has the case `d`")
    );
    assert!(message(&bad, "hd95").contains("`good` has no `hd95`"));
    assert!(matches!(
        compare(&[("good", &good)], "dice"),
        Err(Error::Pairs { .. })
    ));
    assert!(compare(&[], "dice").is_err());
}
