//! NumPy's `RandomState`: the Mersenne Twister (Matsumoto and Nishimura, 1998) and the bounded integers,
//! shuffles and choices that NumPy 2.4 draws from it.

const STATE: usize = 624;
const SHIFT: usize = 397;

/// A generator that gives what `numpy.random.RandomState(seed)` gives.
#[derive(Clone)]
pub(crate) struct RandomState {
    state: [u32; STATE],
    next: usize,
}

impl RandomState {
    /// The generator of a seed.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; STATE];
        for i in 1..STATE {
            let last = state[i - 1];
            state[i] = 1_812_433_253u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(i as u32);
        }
        Self { state, next: STATE }
    }

    fn refill(&mut self) {
        let twist = |upper: u32, lower: u32| {
            let mixed = (upper & 0x8000_0000) | (lower & 0x7fff_ffff);
            (mixed >> 1) ^ (0x9908_b0df & (mixed & 1).wrapping_neg())
        };
        let s = &mut self.state;
        for i in 0..STATE - SHIFT {
            s[i] = s[i + SHIFT] ^ twist(s[i], s[i + 1]);
        }
        for i in STATE - SHIFT..STATE - 1 {
            s[i] = s[i + SHIFT - STATE] ^ twist(s[i], s[i + 1]);
        }
        s[STATE - 1] = s[SHIFT - 1] ^ twist(s[STATE - 1], s[0]);
        self.next = 0;
    }

    /// 32 random bits.
    #[inline]
    pub fn bits(&mut self) -> u32 {
        if self.next == STATE {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A whole number from 0 to `largest`: bits under the smallest mask, drawn until one fits.
    #[inline]
    pub fn up_to(&mut self, largest: u32) -> u32 {
        if largest == 0 {
            return 0;
        }
        let mask = u32::MAX >> largest.leading_zeros();
        loop {
            let value = self.bits() & mask;
            if value <= largest {
                return value;
            }
        }
    }

    /// `RandomState.shuffle`.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.up_to(i as u32) as usize);
        }
    }

    /// `RandomState.choice(values, out.len(), replace=True)`; `values` must not be empty.
    pub fn choose_into<T: Copy>(&mut self, values: &[T], out: &mut [T]) {
        let largest = (values.len() - 1) as u32;
        for out in out {
            *out = values[self.up_to(largest) as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NumPy 2.4.6: `RandomState(1234)`, `randint(0, 1000, 8)`, `shuffle(arange(10))`, `choice` in turn.
    #[test]
    fn draws_are_numpys() {
        let mut random = RandomState::new(1234);
        let drawn: Vec<u32> = (0..8).map(|_| random.up_to(999)).collect();
        assert_eq!(drawn, [815, 723, 294, 53, 204, 372, 664, 655]);
        let mut order: Vec<usize> = (0..10).collect();
        random.shuffle(&mut order);
        assert_eq!(order, [8, 5, 6, 0, 4, 3, 2, 9, 7, 1]);
        let mut chosen = [0; 6];
        random.choose_into(&[10, 11, 12], &mut chosen);
        assert_eq!(chosen, [12, 10, 10, 10, 11, 10]);
    }

    #[test]
    fn one_value_takes_no_draw() {
        let mut random = RandomState::new(7);
        assert_eq!(random.up_to(0), 0);
        assert_eq!(random.bits(), RandomState::new(7).bits());
    }
}
