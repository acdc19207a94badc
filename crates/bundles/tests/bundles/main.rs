//! Bundles made here with the forms of the zoo's, and the zoo's own configs where they are beside the repository.

mod config;
mod description;
mod expressions;
mod hostile;
mod made;
mod mutation;
mod parity;
mod postprocessing;
mod shared;
mod zoo;
