//! De-identification of made files: nothing of the patient's stays, and what must stay does.

#[path = "deidentify/made.rs"]
mod made;
#[path = "deidentify/refused.rs"]
mod refused;
#[path = "deidentify/removed.rs"]
mod removed;
#[path = "deidentify/returned.rs"]
mod returned;
