//! Times measures on two masks that another program wrote; `tests/parity/metrics_speed.py` runs it in turn with the
//! other tools.
//!
//! ```sh
//! cargo run --release -p vesalius-metrics --example speed -- MASKS NX NY NZ SX SY SZ NAME,… REPETITIONS
//! ```
//!
//! `MASKS` holds the reference and then the prediction, one byte a voxel, x fastest. Prints one line a measure: its name,
//! its value and the median of the times in ms.

use std::time::Instant;
use vesalius_metrics::{Evaluator, Measure, Targets};
use vesalius_volume::{Geometry, LabelMap};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, numbers @ .., names, repetitions] = &arguments[..] else {
        return Err("expected MASKS NX NY NZ SX SY SZ NAME,… REPETITIONS".into());
    };
    let numbers: Vec<f64> = numbers
        .iter()
        .map(|word| word.parse())
        .collect::<Result<_, _>>()?;
    let [nx, ny, nz, spacing @ ..] = &numbers[..] else {
        return Err("expected three sizes and three spacings".into());
    };
    let size = [*nx, *ny, *nz].map(|n| n as usize);
    let grid = Geometry::axis_aligned(size, spacing.try_into()?)?;
    let bytes = std::fs::read(path)?;
    let (reference, prediction) = bytes.split_at(grid.voxel_count());
    let reference = LabelMap::new(grid, reference.to_vec())?;
    let prediction = LabelMap::new(grid, prediction.to_vec())?;
    for name in names.split(',') {
        let measure = Measure::named(name, 1.0)?;
        let key = measure.key();
        let evaluator = Evaluator {
            targets: Targets::of_values(&[1])?,
            measures: vec![measure],
        };
        let mut times = Vec::new();
        let mut value = None;
        for _ in 0..repetitions.parse()? {
            let start = Instant::now();
            let case = evaluator.case("a", &reference, &prediction)?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
            value = case.get("1", &key).and_then(|score| score.counted);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{name} {} {:.2}",
            value.unwrap_or(f64::NAN),
            times[times.len() / 2]
        );
    }
    Ok(())
}
