//! Changes of JSON values at random, as by a typing error, a defective program or a damaged file.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Draws changes; the same seed draws the same ones.
pub struct Mutation(ChaCha8Rng);

impl Mutation {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// The value with one to three changes.
    pub fn of(&mut self, value: &Value) -> Value {
        let mut changed = value.clone();
        for _ in 0..self.0.random_range(1..=3) {
            let mut places = Vec::new();
            pointers(&changed, String::new(), &mut places);
            let place = places[self.below(places.len())].clone();
            let node = changed.pointer_mut(&place).expect("a place of the value");
            self.change(node);
        }
        changed
    }

    fn change(&mut self, node: &mut Value) {
        match node {
            Value::Array(items) if !items.is_empty() && self.0.random_bool(0.7) => {
                let at = self.below(items.len());
                match self.below(4) {
                    0 => drop(items.remove(at)),
                    1 => items.clear(),
                    2 => items.push(items[at].clone()),
                    _ => items.insert(0, self.odd()),
                }
            }
            Value::Object(entries) if !entries.is_empty() && self.0.random_bool(0.7) => {
                let at = self.below(entries.len());
                let key = entries.keys().nth(at).cloned().expect("a key");
                match self.below(3) {
                    0 => drop(entries.shift_remove(&key)),
                    1 => drop(entries.insert(key, self.odd())),
                    _ => drop(entries.insert("surplus".to_owned(), self.odd())),
                }
            }
            Value::Number(number) if self.0.random_bool(0.5) => {
                let whole = number.as_i64().unwrap_or(1);
                *node = match self.below(5) {
                    0 => json!(whole.saturating_neg()),
                    1 => json!(whole.saturating_add(1)),
                    2 => json!(whole.saturating_sub(1)),
                    3 => json!(number.as_f64().unwrap_or(0.0) + 0.5),
                    _ => json!(-number.as_f64().unwrap_or(0.0)),
                };
            }
            _ => *node = self.odd(),
        }
    }

    /// Values that are trivial or beyond any machine: none that would only take long.
    fn odd(&mut self) -> Value {
        let values = [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(-0.0),
            json!(-1),
            json!(1),
            json!(2),
            json!(0.5),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1u64 << 40),
            json!(1e-300),
            json!(1e300),
            json!(-1e300),
            json!(f64::from(f32::MAX) * 2.0),
            json!(""),
            json!("x"),
            json!("\u{0}\n\u{1F600}"),
            json!([]),
            json!({}),
            json!([0, 0, 0]),
            json!([-1, -1, -1]),
            json!([1, 1, 1]),
            json!([0.0, 0.0, 0.0]),
            json!([1e300, 1e300, 1e300]),
            json!([u64::MAX, u64::MAX, u64::MAX]),
            json!([2, 1]),
        ];
        values[self.below(values.len())].clone()
    }

    /// Bytes with a few of them changed, cut or put in.
    pub fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        for _ in 0..self.0.random_range(1..=4) {
            let at = self.below(changed.len().max(1));
            match self.below(4) {
                0 => changed.truncate(at.max(1)),
                1 => changed.insert(at, self.0.next_u32() as u8),
                _ => {
                    if let Some(byte) = changed.get_mut(at) {
                        *byte ^= 1 << self.below(8);
                    }
                }
            }
        }
        changed
    }
}

/// The places of all values within a value, as JSON pointers.
fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    let below = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                pointers(item, below(&place.to_string()), out);
            }
        }
        Value::Object(entries) => {
            for (key, entry) in entries {
                pointers(entry, below(key), out);
            }
        }
        _ => {}
    }
    out.push(at);
}
