//! How far two label maps agree.
