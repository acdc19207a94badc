//! Segments an image with a model folder of any kind: ours, one that nnU-Net trained, or a MONAI bundle.
//!
//! ```sh
//! cargo run --release -p vesalius-inferers --example segment -- MODEL OUTPUT CHANNEL... [--set ID=VALUE]... \
//!     [--probabilities FILE] [--convert FOLDER]
//! ```

use std::error::Error;
use std::path::Path;
use vesalius_filters::ResampleOptions;
use vesalius_inferers::{
    OpenOptions, SegmentOptions, Segmenter, convert_model, write_probability_image,
};
use vesalius_transforms::stack_on_first;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut paths, mut options) = (Vec::new(), OpenOptions::new());
    let (mut probabilities, mut converted) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("an option has no value");
        match argument.as_str() {
            "--set" => {
                let setting = value()?;
                let (id, value) = setting.split_once('=').ok_or("--set wants ID=VALUE")?;
                options = options.set(id, value);
            }
            "--probabilities" => probabilities = Some(value()?),
            "--convert" => converted = Some(value()?),
            _ => paths.push(argument),
        }
    }
    let [model, output, channels @ ..] = &paths[..] else {
        return Err("MODEL, OUTPUT and at least one image are expected".into());
    };
    if let Some(folder) = converted {
        convert_model(model, folder, &options)?;
    }
    let segmenter = Segmenter::open_with(model, &options)?;
    for warning in segmenter.warnings() {
        eprintln!("{warning}");
    }
    let images: Vec<_> = channels
        .iter()
        .map(vesalius_io::read)
        .collect::<Result<_, _>>()?;
    let image = stack_on_first(&images, &ResampleOptions::monai())?;
    let request = match probabilities {
        Some(_) => SegmentOptions::new().probabilities(),
        None => SegmentOptions::new(),
    };
    let result = segmenter.segment_owned(image, &request)?;
    result.write(output)?;
    if let (Some(path), Some(kept)) = (probabilities, result.probabilities) {
        write_probability_image(Path::new(&path), &kept)?;
    }
    Ok(())
}
