//! Ensembles of models.

use super::*;
use crate::{Combination, PostprocessingStep, join_ensemble};
use vesalius_volume::Warning;

fn keeping(labels: &[u16]) -> ModelDescription {
    let mut keeping = model(CLASSES, "[]", WINDOWS);
    let labels = labels.to_vec();
    keeping.postprocessing = vec![PostprocessingStep::KeepLargest { labels }];
    keeping
}

#[test]
fn postprocessing_is_kept_where_all_have_the_same_and_its_loss_is_told() {
    let together = |models: [ModelDescription; 2]| {
        let [a, b] = models.map(segmenter);
        let models = vec![("a".to_owned(), a), ("b".to_owned(), b)];
        Segmenter::together(models, None, Combination::Probabilities).unwrap()
    };
    let same = together([keeping(&[1]), keeping(&[1])]);
    assert_eq!(same.model().postprocessing, keeping(&[1]).postprocessing);
    assert!(same.warnings().is_empty());
    for other in [keeping(&[1, 1]), model(CLASSES, "[]", WINDOWS)] {
        let different = together([keeping(&[1]), other]);
        assert!(different.model().postprocessing.is_empty());
        let [Warning::PostprocessingDropped { models }] = different.warnings() else {
            panic!("{:?}", different.warnings())
        };
        assert_eq!(models, &["a", "b"]);
    }
}

#[test]
fn a_joined_folder_tells_it_when_it_is_written() {
    let place = tempfile::tempdir().unwrap();
    let made = |name: &str, postprocessing: Vec<PostprocessingStep>| {
        let path = place.path().join(name);
        let mut description = folder(&path, |_| {});
        description.postprocessing = postprocessing;
        description.write(&path).unwrap();
        path
    };
    let steps = keeping(&[1]).postprocessing;
    let models = [
        made("a", steps.clone()),
        made("b", Vec::new()),
        made("c", steps.clone()),
    ];
    let join = |to: &str, of: [usize; 2]| {
        let of = of.map(|n| models[n].clone());
        join_ensemble(&of, place.path().join(to), &[1.0, 1.0], Combination::Vote).unwrap()
    };
    let (description, told) = join("same", [0, 2]);
    assert_eq!((description.postprocessing, told), (steps, None));
    let (description, told) = join("other", [0, 1]);
    assert!(description.postprocessing.is_empty());
    assert!(
        matches!(told, Some(Warning::PostprocessingDropped { .. })),
        "{told:?}"
    );
}
