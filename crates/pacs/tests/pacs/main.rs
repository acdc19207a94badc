//! The crate against itself, against hostile peers, and against the programs of others.

mod made;
mod tools;

mod commitment;
mod dcmtk;
mod hostile;
mod loopback;
mod orthanc;
mod python;
mod secure;
mod web;
