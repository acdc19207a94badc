//! The layers and networks of the Python speed script, for `cargo bench`: the cases of `examples/peer_speed`, timed by
//! divan. `RAYON_NUM_THREADS=2 cargo bench -- NAME` times the cases whose names contain NAME. The processor's own
//! peak is printed by `cargo bench -p vesalius-kernels`, which times the loops alone, without Burn and without
//! fresh memory.

#[path = "../examples/peer_speed/case.rs"]
mod case;
#[path = "../examples/peer_speed/layers.rs"]
mod layers;
#[path = "../examples/peer_speed/networks.rs"]
mod networks;

use case::{Case, Result, Work};
use divan::Bencher;
use std::path::Path;

fn main() {
    divan::main();
}

fn cases() -> impl Iterator<Item = Case> {
    layers::cases().into_iter().chain(networks::cases())
}

#[divan::bench(args = cases().map(|case| case.name), sample_count = 7, sample_size = 1)]
fn peer_case(bencher: Bencher, name: &str) {
    let case = cases().find(|case| case.name == name);
    // The names are the cases' own, and numbers in memory need no folder.
    let case = case.expect("a name from the list");
    let mut work = (case.prepare)(Path::new(".")).expect("cases on made numbers read no file");
    bencher.bench_local(&mut work);
}
