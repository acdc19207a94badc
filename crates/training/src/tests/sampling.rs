//! User-defined samplers and case sources, and invalid settings of patches.

use super::{CONFIG, config, data, options, run, subject};
use crate::{
    CacheEntry, Case, CaseHandle, CaseSource, Loader, LoaderOptions, MemoryCases, PatchSampler,
    Result, StoredCase, TrainingConfig, TrainingData, fit,
};
use serde::Deserialize;
use std::sync::Arc;
use vesalius_registry::Registry;
use vesalius_transforms::{
    Chain, CustomSampler, LabelIndex, PatchPlace, PatchSampling, RegisterSampler, SampledCase,
    TransformRng,
};
use vesalius_volume::{Geometry, LabelScheme, Subject, Volume};

/// Patches of one case, at one place.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixed {
    case: String,
    start: [i64; 3],
}

impl CustomSampler for Fixed {
    fn place(
        &self,
        case: &SampledCase<'_>,
        size: [usize; 3],
        _: &mut TransformRng,
    ) -> vesalius_transforms::Result<PatchPlace> {
        assert_eq!(size, [8; 3]);
        let start = self.start;
        let absent = vec![format!("what {} lacks", case.name)];
        Ok(PatchPlace { start, absent })
    }

    fn case(&self, cases: &[String], _: u64, _: &mut TransformRng) -> Option<usize> {
        // One past the last where there is none of that name.
        let found = cases.iter().position(|case| *case == self.case);
        Some(found.unwrap_or(cases.len()))
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.sampler::<Fixed>("fixed");
    registry
}

fn text(sampling: &str) -> String {
    let patch = format!("patch: {{size: [8, 8, 8], sampling: {sampling}}}");
    CONFIG.replace("patch: {size: [8, 8, 8]}", &patch)
}

#[test]
fn a_sampler_of_ones_own_says_which_patch_of_which_case() {
    let sampling = "{custom: {name: fixed, case: b, start: [1, 1, 0]}}";
    let by_name = TrainingConfig::parse_with(&text(sampling), &registry()).unwrap();
    let labels = data().labels;
    let mut sampler = PatchSampler::new(data().training, &by_name, &labels).unwrap();
    let batch = sampler.batch(3, 2).unwrap();
    assert_eq!(batch.cases, ["b", "b"]);
    assert_eq!(batch.absent, ["what b lacks", "what b lacks"]);
    let first = subject("b", 1).image().data()[1 + 10];
    assert_eq!((batch.images[0], batch.images[512]), (first, first));

    let mut by_value = config("");
    by_value.patch.sampling = PatchSampling::custom(
        "fixed",
        Fixed {
            case: "b".to_owned(),
            start: [1, 1, 0],
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let losses = |name: &str, config: &TrainingConfig| {
        let (report, _) = run(config, &options(&folder.path().join(name)));
        report.unwrap().losses
    };
    assert_eq!(losses("name", &by_name), losses("value", &by_value));
    // The config that the run wrote is read again with the registry.
    let written = folder.path().join("name/model/training.yaml");
    let read = TrainingConfig::read_with(&written, &registry()).unwrap();
    assert_eq!(read, by_name.as_run(&data(), None));

    for (sampling, expected) in [
        ("{custom: fixd}", "did you mean `fixed`"),
        ("{custom: {name: fixed, case: b}}", "start"),
        ("{custom: {name: fixed}, foreground: 0.3}", "stands alone"),
    ] {
        let refused = TrainingConfig::parse_with(&text(sampling), &registry());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let unmade = TrainingConfig::parse(&text(sampling)).unwrap_err();
    assert!(unmade.to_string().contains("`Registry`"), "{unmade}");
    let nowhere = sampling.replace("case: b", "case: z");
    let nowhere = TrainingConfig::parse_with(&text(&nowhere), &registry()).unwrap();
    let mut sampler = PatchSampler::new(data().training, &nowhere, &labels).unwrap();
    let refused = sampler.batch(0, 1).unwrap_err().to_string();
    assert!(refused.contains("case 2 of 2"), "{refused}");
}

/// A case that a program keeps itself, and reads by regions.
#[derive(Debug)]
struct Kept(Case);

impl StoredCase for Kept {
    fn name(&self) -> &str {
        self.0.subject().name()
    }

    fn geometry(&self) -> &Geometry {
        self.0.subject().geometry()
    }

    fn index(&self) -> Result<Arc<LabelIndex>> {
        Ok(Arc::new(self.0.index().clone()))
    }

    fn region(&self, start: [i64; 3], size: [usize; 3]) -> Result<Subject> {
        CaseHandle::Whole(Arc::new(self.0.clone())).region(start, size)
    }

    fn whole(&self) -> Result<Case> {
        Ok(self.0.clone())
    }
}

/// Cases of a program's own.
#[derive(Debug)]
struct Own {
    names: Vec<String>,
    cases: Vec<Arc<dyn StoredCase>>,
}

impl Own {
    fn shared(cases: Vec<Arc<dyn StoredCase>>) -> Arc<dyn CaseSource> {
        let names = cases.iter().map(|case| case.name().to_owned()).collect();
        Arc::new(Self { names, cases })
    }
}

impl CaseSource for Own {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn get(&self, index: usize) -> Result<CaseHandle> {
        Ok(CaseHandle::Stored(self.cases[index].clone()))
    }
}

#[test]
fn a_case_source_of_ones_own_lends_entries_and_cases_by_regions() {
    let folder = tempfile::tempdir().unwrap();
    let scheme = data().labels;
    let cases = || {
        [("a", 0), ("b", 1)].map(|(name, shift)| {
            Case::new(subject(name, shift), &scheme, &Chain::default()).unwrap()
        })
    };
    let entries = cases().map(|case| -> Arc<dyn StoredCase> {
        let path = folder.path().join(case.subject().name());
        CacheEntry::store(&path, &case, &scheme).unwrap();
        Arc::new(CacheEntry::read(&path, &scheme).unwrap())
    });
    let kept = cases().map(|case| -> Arc<dyn StoredCase> { Arc::new(Kept(case)) });
    let train = |name: &str, training: Arc<dyn CaseSource>| {
        let data = TrainingData { training, ..data() };
        let options = options(&folder.path().join(name));
        fit(&config(""), &data, &options, &mut |_| ())
            .unwrap()
            .losses
    };
    let whole = train("whole", MemoryCases::shared(cases()));
    assert_eq!(train("entries", Own::shared(entries.to_vec())), whole);
    assert_eq!(train("kept", Own::shared(kept.to_vec())), whole);

    std::fs::write(folder.path().join("a"), "no entry").unwrap();
    let refused = CacheEntry::read(folder.path().join("a"), &scheme).unwrap_err();
    assert!(refused.to_string().contains("cut short"), "{refused}");
}

#[test]
fn patches_and_batches_that_make_no_sense_are_errors_and_no_panics() {
    let labels = data().labels;
    for (sampling, expected) in [
        ("{positive: 0, negative: 0}", "sampling"),
        ("{foreground: 1.5}", "from 0 to 1"),
    ] {
        let mut config = config("");
        config.patch.sampling = serde_saphyr::from_str(sampling).unwrap();
        let refused = PatchSampler::new(data().training, &config, &labels).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
        // A chain that a program made is not checked before it draws.
        let patch = vesalius_transforms::Transform::Patch(config.patch);
        let refused = Chain(vec![patch]).apply(subject("a", 0), 0, 0).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let sampler = PatchSampler::new(data().training, &config(""), &labels).unwrap();
    let refused = sampler.clone().batch(0, 0).unwrap_err().to_string();
    assert!(refused.contains("batch_size"), "{refused}");
    let refused = sampler.clone().batch(u64::MAX, 2).unwrap_err().to_string();
    assert!(refused.contains("batch_size"), "{refused}");
    let options = LoaderOptions {
        batch_size: 0,
        first: 0,
        end: None,
        ahead: 1,
        workers: 1,
    };
    let refused = Loader::start(&sampler, options).next_batch().unwrap_err();
    assert!(refused.to_string().contains("batch_size"), "{refused}");
}

#[test]
fn patches_of_unlike_channels_do_not_become_one_batch() {
    let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let case = |name: &str, channels: usize| {
        let one = subject(name, 0);
        let values = one.image().data().repeat(channels);
        let image = Volume::new(*one.geometry(), channels, values).unwrap();
        let subject = Subject::new(name, image, one.labels().cloned()).unwrap();
        Case::new(subject, &scheme, &Chain::default()).unwrap()
    };
    let cases = MemoryCases::shared([case("one", 1), case("two", 2)]);
    let mut sampler = PatchSampler::new(cases, &config(""), &scheme).unwrap();
    let refused = sampler.batch(0, 2).unwrap_err().to_string();
    assert!(refused.contains(" channel"), "{refused}");
}
