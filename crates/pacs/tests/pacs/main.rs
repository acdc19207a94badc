//! The crate against itself, against hostile peers, and against the programs of others.

mod made;

mod commitment;
mod hostile;
mod loopback;
mod secure;
