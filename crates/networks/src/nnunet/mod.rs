//! nnU-Net v2's two networks, as its `dynamic_network_architectures` 0.4 builds them: a plain and a
//! residual encoder with the same decoder. Vectors in configs are `[x, y, z]`, stages top first.

mod decoder;
mod plain;
mod residual;
mod stages;

pub use plain::{PlainConvUNet, PlainConvUNetConfig};
pub use residual::{ResidualBlock, ResidualEncoderUNet, ResidualEncoderUNetConfig};
pub use stages::PerStage;
pub(crate) use stages::Stages;

/// Whether a name in nnU-Net's state dicts only repeats a tensor that has another name there: its
/// blocks hold their layers twice, and its decoder holds the encoder.
pub(crate) fn is_alias(name: &str) -> bool {
    name.contains(".all_modules.") || name.starts_with("decoder.encoder.")
}

/// The other names of a tensor in nnU-Net's state dicts; `dropout` is true for blocks with dropout between
/// convolution and norm.
pub(crate) fn aliases(name: &str, dropout: bool) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    for (part, index) in [(".conv.", 0), (".norm.", if dropout { 2 } else { 1 })] {
        if let Some((block, parameter)) = name.rsplit_once(part) {
            names.push(format!("{block}.all_modules.{index}.{parameter}"));
        }
    }
    if name.starts_with("encoder.") {
        let repeated: Vec<String> = names.iter().map(|name| format!("decoder.{name}")).collect();
        names.extend(repeated);
    }
    names.remove(0);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_repeated_name_is_known() {
        let names = aliases("encoder.stages.0.0.convs.1.norm.weight", false);
        assert_eq!(
            names,
            [
                "encoder.stages.0.0.convs.1.all_modules.1.weight",
                "decoder.encoder.stages.0.0.convs.1.norm.weight",
                "decoder.encoder.stages.0.0.convs.1.all_modules.1.weight",
            ]
        );
        assert!(names.iter().all(|name| is_alias(name)));
        assert!(aliases("decoder.seg_layers.0.weight", false).is_empty());
    }
}
