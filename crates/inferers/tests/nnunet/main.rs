//! nnU-Net's trained-model folders in all the ways in which they vary, beside what nnU-Net 2.8.1 answered.

mod checkpoints;
mod made;
mod paths;
