//! The `vesalius` command: parses arguments, prints, and nothing else.

fn main() {}
