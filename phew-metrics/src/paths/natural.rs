//! Whole numbers without a greatest one: what paths are counted in.

use std::fmt;

/// A whole number of any size.
///
/// It prints in decimal, and compares as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Natural {
    /// Digits to the base 2⁶⁴, the least first; the last is not 0.
    digits: Vec<u64>,
}

/// The greatest power of ten in a digit, and its exponent.
const TEN: (u64, usize) = (10_000_000_000_000_000_000, 19);

impl Natural {
    /// Adds `other · times`.
    pub(crate) fn add_times(&mut self, other: &Self, times: u64) {
        if times == 0 {
            return;
        }
        let mut carry = 0u128;
        for (place, &digit) in other.digits.iter().enumerate() {
            if place == self.digits.len() {
                self.digits.push(0);
            }
            // At most 2⁶⁴ − 1 + (2⁶⁴ − 1)² + 2⁶⁴ − 1, which is 2¹²⁸ − 1.
            let sum =
                u128::from(self.digits[place]) + u128::from(digit) * u128::from(times) + carry;
            self.digits[place] = sum as u64;
            carry = sum >> 64;
        }
        let mut place = other.digits.len();
        while carry > 0 {
            if place == self.digits.len() {
                self.digits.push(0);
            }
            let sum = u128::from(self.digits[place]) + carry;
            self.digits[place] = sum as u64;
            carry = sum >> 64;
            place += 1;
        }
    }

    /// The number, if 128 bits hold it.
    #[must_use]
    pub fn to_u128(&self) -> Option<u128> {
        match self.digits[..] {
            [] => Some(0),
            [low] => Some(low.into()),
            [low, high] => Some(u128::from(high) << 64 | u128::from(low)),
            _ => None,
        }
    }
}

impl From<u64> for Natural {
    fn from(number: u64) -> Self {
        Self { digits: if number == 0 { Vec::new() } else { vec![number] } }
    }
}

impl fmt::Display for Natural {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Divided by 10¹⁹ until nothing is left: nineteen decimal digits at a time, the last first.
        let (ten, width) = TEN;
        let mut left = self.digits.clone();
        let mut parts = Vec::new();
        while !left.is_empty() {
            let mut rest = 0u128;
            for digit in left.iter_mut().rev() {
                let number = rest << 64 | u128::from(*digit);
                *digit = (number / u128::from(ten)) as u64;
                rest = number % u128::from(ten);
            }
            while left.last() == Some(&0) {
                left.pop();
            }
            parts.push(rest);
        }
        let first = parts.pop().unwrap_or(0).to_string();
        let others = parts.iter().rev().map(|part| format!("{part:0width$}"));
        f.pad_integral(true, "", &(first + &others.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn natural(number: u128) -> Natural {
        let mut sum = Natural::from(number as u64);
        let mut high = Natural::default();
        high.add_times(&Natural::from((number >> 64) as u64), 1 << 32);
        let half = high.clone();
        sum.add_times(&half, 1 << 32);
        sum
    }

    proptest! {
        #[test]
        fn sums_and_products_are_those_of_128_bits(a in any::<u128>(), b in any::<u64>(), c in any::<u32>()) {
            let a = a >> 1;
            let mut sum = natural(a);
            prop_assert_eq!(sum.to_u128(), Some(a));
            sum.add_times(&Natural::from(b), c.into());
            let wanted = a + u128::from(b) * u128::from(c);
            prop_assert_eq!(sum.to_u128(), Some(wanted));
            prop_assert_eq!(sum.to_string(), wanted.to_string());
        }
    }

    #[test]
    fn powers_of_two_print_in_full() {
        let mut power = Natural::from(1);
        for _ in 0..300 {
            let same = power.clone();
            power.add_times(&same, 1);
        }
        let wanted = "2037035976334486086268445688409378161051468393665936250636140449354381299763336706183397376";
        assert_eq!(power.to_string(), wanted);
        assert_eq!(power.to_u128(), None);
        assert_eq!(Natural::default().to_string(), "0");
        assert_eq!(Natural::from(0), Natural::default());
    }
}
