//! Times reading and writing of one `.nii.gz`, for comparison with SimpleITK or nibabel on the same file in the
//! same run: `image_speed IN.nii.gz OUT.nii.gz REPEATS [LEVEL]` prints one JSON line.

use std::time::Instant;
use vesalius_io::{WriteOptions, read, read_as, write_with};

fn fastest(repeats: usize, mut work: impl FnMut()) -> f64 {
    (0..repeats)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, input, output, repeats, more @ ..] = &arguments[..] else {
        return Err("usage: image_speed IN.nii.gz OUT.nii.gz REPEATS [LEVEL]".into());
    };
    let repeats = repeats.parse()?;
    let mut options = WriteOptions::default();
    if let Some(level) = more.first() {
        options.compression_level = Some(level.parse()?);
    }
    let volume = read_as::<i16>(input)?;
    let read_i16 = fastest(repeats, || drop(read_as::<i16>(input)));
    let read_f32 = fastest(repeats, || drop(read(input)));
    let mut result = Ok(());
    let write = fastest(repeats, || result = write_with(output, &volume, &options));
    result?;
    let bytes = std::fs::metadata(output)?.len();
    println!(
        "{{\"read_i16_ms\": {read_i16:.1}, \"read_f32_ms\": {read_f32:.1}, \"write_ms\": {write:.1}, \"bytes\": {bytes}}}"
    );
    Ok(())
}
