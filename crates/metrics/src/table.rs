//! Evaluations as tables: for the terminal, for spreadsheets, worst cases first.

use crate::{Better, Bootstrap, CaseScores, Evaluation, Interval, Outcome, Score, Targets};

/// A table of words; every row is as long as the head.
///
/// ```
/// use vesalius_metrics::Table;
///
/// let words = |row: [&str; 2]| row.map(str::to_owned).to_vec();
/// let table = Table { head: words(["case", "dice"]), rows: vec![words(["a, left", "0.91"])] };
/// assert_eq!(table.csv(), "case,dice\n\"a, left\",0.91\n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table as comma-separated values (RFC 4180, lines end in `\n`).
    pub fn csv(&self) -> String {
        let field = |text: &String| {
            if text.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.clone()
            }
        };
        let line = |row: &Vec<String>| row.iter().map(field).collect::<Vec<_>>().join(",") + "\n";
        std::iter::once(&self.head)
            .chain(&self.rows)
            .map(line)
            .collect()
    }
}

impl Table {
    /// Tables of one head below each other, with a first column that says of what each is.
    ///
    /// ```
    /// use vesalius_metrics::Table;
    ///
    /// let words = |row: [&str; 2]| row.map(str::to_owned).to_vec();
    /// let of = |dice| Table { head: words(["case", "dice"]), rows: vec![words(["a", dice])] };
    /// let both = Table::stacked("model", [("old", of("0.8")), ("new", of("0.9"))]);
    /// assert_eq!(both.csv(), "model,case,dice\nold,a,0.8\nnew,a,0.9\n");
    /// ```
    pub fn stacked<'a>(column: &str, tables: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let mut all = Self {
            head: vec![column.to_owned()],
            rows: Vec::new(),
        };
        for (name, table) in tables {
            all.head.truncate(1);
            all.head.extend(table.head);
            all.rows.extend(table.rows.into_iter().map(|mut row| {
                row.insert(0, name.to_owned());
                row
            }));
        }
        all
    }
}

impl Evaluation {
    /// The cases with the worst first: by the mean over targets of a measure, cases without any
    /// value last. Equal cases are ordered by name.
    ///
    /// ```
    /// use vesalius_metrics::{Evaluation, Evaluator, Measure, Targets};
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let reference = LabelMap::new(grid, vec![0_u16, 1, 1])?;
    /// let half = LabelMap::new(grid, vec![0_u16, 1, 0])?;
    /// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
    /// let evaluation = Evaluation::new(vec![
    ///     evaluator.case("good", &reference, &reference)?,
    ///     evaluator.case("bad", &reference, &half)?,
    /// ])?;
    /// assert_eq!(evaluation.worst_first("dice")[0].case, "bad");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn worst_first(&self, measure: &str) -> Vec<&CaseScores> {
        let better = self
            .measures()
            .iter()
            .find(|m| m.key() == measure)
            .map_or(Better::Higher, |m| m.better());
        let badness = |case: &CaseScores| better.badness(case.mean(measure).unwrap_or(f64::NAN));
        let mut cases: Vec<(f64, &CaseScores)> =
            self.cases().iter().map(|c| (badness(c), c)).collect();
        cases.sort_by(|(a, x), (b, y)| {
            let by_value = a.is_nan().cmp(&b.is_nan()).then(b.total_cmp(a));
            by_value.then_with(|| x.case.cmp(&y.case))
        });
        cases.into_iter().map(|pair| pair.1).collect()
    }

    /// One row per target and one for the mean of all: each measure's mean with its confidence
    /// interval, and how the cases were counted.
    pub fn label_table(&self, bootstrap: &Bootstrap) -> Table {
        let keys = self.keys();
        let mut head = vec!["label".to_owned(), "name".to_owned()];
        head.extend(keys.iter().cloned());
        head.extend(["cases", "both empty", "missed", "spurious"].map(str::to_owned));
        let mut rows = Vec::new();
        for target in self.targets().map_or(&[][..], Targets::list) {
            let mut row = vec![target.key.clone(), target.name.clone()];
            for key in &keys {
                let mean = self.summary(&target.key, key).and_then(|s| s.mean);
                row.push(with_interval(
                    mean,
                    self.interval(&target.key, key, bootstrap),
                ));
            }
            let counts = self
                .summary(&target.key, "dice")
                .map_or([0; 4], |s| [s.counted, s.both_empty, s.missed, s.spurious]);
            row.extend(counts.map(|n| n.to_string()));
            rows.push(row);
        }
        let mut row = vec!["mean".to_owned(), String::new()];
        row.extend(self.means(bootstrap));
        row.extend([
            self.cases().len().to_string(),
            String::new(),
            String::new(),
            String::new(),
        ]);
        rows.push(row);
        Table { head, rows }
    }

    /// One row per case and target, worst cases first by a measure; the numbers rounded for reading.
    /// A measure without a value has its reason there.
    pub fn case_table(&self, worst_by: &str) -> Table {
        let word = |score: &Score| match (score.outcome, score.counted) {
            (Outcome::Value(value), _) => short(value),
            (Outcome::BothEmpty, _) => "both empty".to_owned(),
            (outcome, Some(counted)) => format!("{} ({})", outcome.word(), short(counted)),
            (outcome, None) => outcome.word().to_owned(),
        };
        self.cases_by(
            &self.worst_first(worst_by),
            &["case", "label", "name"],
            |scores| scores.iter().map(word).collect(),
        )
    }

    /// One row per case and target in the order of the cases, in full precision, for a spreadsheet:
    /// the numbers as they are counted, an empty field where a case is left out, and the outcome
    /// of Dice in a separate column.
    pub fn csv(&self) -> String {
        self.csv_table().csv()
    }

    /// The rows of [`Evaluation::csv`].
    pub fn csv_table(&self) -> Table {
        let cases: Vec<&CaseScores> = self.cases().iter().collect();
        let dice = self.keys().iter().position(|key| key == "dice");
        let mut table = self.cases_by(&cases, &["case", "label", "name"], |scores| {
            let number = |score: &Score| score.counted.map_or(String::new(), |v| v.to_string());
            let mut row: Vec<String> = scores.iter().map(number).collect();
            let outcome = dice.map_or("", |i| scores[i].outcome.word());
            row.push(outcome.to_owned());
            row
        });
        table.head.push("outcome".to_owned());
        table
    }

    fn cases_by(
        &self,
        cases: &[&CaseScores],
        first: &[&str],
        scores: impl Fn(&[Score]) -> Vec<String>,
    ) -> Table {
        let mut head: Vec<String> = first.iter().map(|name| (*name).to_owned()).collect();
        head.extend(self.keys());
        let mut rows = Vec::new();
        for case in cases {
            for (target, row) in case.targets.list().iter().zip(&case.scores) {
                let mut words = vec![case.case.clone(), target.key.clone(), target.name.clone()];
                words.extend(scores(row));
                rows.push(words);
            }
        }
        Table { head, rows }
    }

    /// The mean of each measure over cases and targets with its interval, for reading.
    pub fn means(&self, bootstrap: &Bootstrap) -> Vec<String> {
        let keys = self.keys().into_iter();
        keys.map(|key| with_interval(self.mean(&key), self.mean_interval(&key, bootstrap)))
            .collect()
    }

    /// The keys of the measures, which are the names of their columns.
    pub fn keys(&self) -> Vec<String> {
        self.measures().iter().map(crate::Measure::key).collect()
    }
}

/// A mean with its interval, if it has one.
fn with_interval(mean: Option<f64>, interval: Option<Interval>) -> String {
    match (mean, interval) {
        (Some(mean), Some(i)) => {
            format!("{} [{}, {}]", short(mean), short(i.low), short(i.high))
        }
        (Some(mean), None) => short(mean),
        (None, _) => "-".to_owned(),
    }
}

/// A number with the digits that are read: four after the point below 10, fewer above.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        v if v < 10.0 => 4,
        v if v < 100.0 => 2,
        _ => 1,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evaluator, Measure};
    use vesalius_volume::{Geometry, LabelMap};

    fn evaluation() -> Evaluation {
        let grid = Geometry::axis_aligned([4, 1, 1], [1.0, 2.0, 2.0]).unwrap();
        let map = |values: [u16; 4]| LabelMap::new(grid, values.to_vec()).unwrap();
        let measures = vec![Measure::named("hd95", 1.0).unwrap()];
        let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), measures);
        let score = |name, r, p| evaluator.case(name, &map(r), &map(p)).unwrap();
        let cases = vec![
            score("good", [1, 1, 0, 0], [1, 1, 0, 0]),
            score("empty", [0; 4], [0; 4]),
            score("missed", [1, 1, 0, 0], [0; 4]),
            score("fair, \"b\"", [1, 1, 0, 0], [0, 1, 1, 0]),
        ];
        Evaluation::new(cases).unwrap()
    }

    #[test]
    fn the_worst_case_comes_first_and_the_empty_one_last() {
        let evaluation = evaluation();
        let names = |measure| {
            let cases = evaluation.worst_first(measure).into_iter();
            cases.map(|c| c.case.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("dice"), ["missed", "fair, \"b\"", "good", "empty"]);
        assert_eq!(names("hd95"), ["missed", "fair, \"b\"", "good", "empty"]);
        let table = evaluation.case_table("dice");
        assert_eq!(table.rows[0][3..], ["missed (0.0000)", "missed (3.0000)"]);
        assert_eq!(table.rows[3][3], "both empty");
    }

    #[test]
    fn csv_survives_commas_and_quotes() {
        let csv = evaluation().csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[0], "case,label,name,dice,hd95,outcome");
        assert_eq!(lines[1], "good,1,label 1,1,0,value");
        assert_eq!(lines[2], "empty,1,label 1,,,both_empty");
        assert_eq!(lines[3], "missed,1,label 1,0,3,missed");
        assert!(lines[4].starts_with("\"fair, \"\"b\"\"\",1,label 1,0.5,"));
    }

    #[test]
    fn the_label_table_ends_in_the_mean() {
        let table = evaluation().label_table(&Bootstrap::default());
        assert_eq!(table.rows.len(), 2);
        assert!(table.rows[0][2].starts_with("0.5000 ["), "{:?}", table.rows);
        assert_eq!(table.rows[0][4..], ["3", "1", "1", "0"]);
        assert_eq!(table.rows[1][0], "mean");
        assert!(table.rows.iter().all(|row| row.len() == table.head.len()));
    }
}
