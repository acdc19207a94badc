//! What is slow to open stays open: the most recently used values, such as the models of an [`Engine`](crate::Engine).

use std::sync::{Arc, Mutex, PoisonError};

/// Values that were opened, by their names; the least recently used is closed before another is opened.
///
/// ```
/// use vesalius_server::Warm;
///
/// let models = Warm::new(1);
/// let opened = |name: &'static str| move || Ok::<_, String>(name.to_uppercase());
/// assert_eq!(*models.get("liver", opened("liver"))?, "LIVER");
/// // It is still open, so nothing is opened.
/// assert_eq!(*models.get("liver", || Err("opened twice".to_owned()))?, "LIVER");
/// models.get("lung", opened("lung"))?;
/// assert!(models.get("liver", || Err::<String, _>("opened again".to_owned())).is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct Warm<T> {
    capacity: usize,
    /// The most recently used last.
    open: Mutex<Vec<(String, Arc<T>)>>,
}

impl<T> Warm<T> {
    /// Keeps at most `capacity` values open; at least one.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            open: Mutex::new(Vec::new()),
        }
    }

    /// The value of this name, opened if it is not open. Others wait meanwhile, so that nothing is opened twice.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn get<E>(&self, name: &str, open: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        // Every change is complete, so a panic elsewhere leaves a valid list.
        let mut values = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = values.iter().position(|(known, _)| known == name) {
            let found = values.remove(at);
            let value = found.1.clone();
            values.push(found);
            return Ok(value);
        }
        while values.len() >= self.capacity {
            values.remove(0);
        }
        let value = Arc::new(open()?);
        values.push((name.to_owned(), value.clone()));
        Ok(value)
    }
}
