//! nnU-Net's trained-model folders in all the ways in which they vary, against the results of nnU-Net 2.8.1.

mod checkpoints;
mod made;
mod paths;
