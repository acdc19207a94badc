//! Compares the filters with reference implementations: numbers stored by `tests/parity/filters_peers.py`.

mod intensity;
mod limits;
mod masks;
mod peers;
mod regions;
mod resample;
mod smooth;
mod threads;
