//! Which scalars of a tensor are kept: as the gaps between them, or as a bit for each, whichever is shorter.

/// A gap that goes on in the next byte.
const ON: u8 = 255;

/// The places of the kept scalars among all scalars of a tensor, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Positions<B> {
    /// All are kept.
    All,
    /// For each kept scalar the number of pruned ones before it, since the kept one before it: a byte, with 255 for 255
    /// pruned ones and more to come. After the last kept scalar 255 stands for every 255 pruned ones.
    Gaps(B),
    /// A bit for each scalar, the lowest of a byte first; what is left of the last byte is 0.
    Bits(B),
}

impl Positions<Vec<u8>> {
    /// Of the kept ones of `len` scalars, in ascending order.
    pub(crate) fn of(len: usize, kept: &[usize]) -> Self {
        if kept.len() == len {
            return Self::All;
        }
        let bits = len.div_ceil(8);
        // The shortest that the gaps can be.
        if kept.len() < bits {
            let gaps = gaps(len, kept);
            if gaps.len() < bits {
                return Self::Gaps(gaps);
            }
        }
        let mut bytes = vec![0; bits];
        kept.iter().for_each(|&i| bytes[i / 8] |= 1 << (i % 8));
        Self::Bits(bytes)
    }
}

fn gaps(len: usize, kept: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(kept.len());
    let mut next = 0;
    let mut skip = |bytes: &mut Vec<u8>, to: usize| {
        while to - next >= usize::from(ON) {
            bytes.push(ON);
            next += usize::from(ON);
        }
        let rest = (to - next) as u8;
        next = to + 1;
        rest
    };
    for &i in kept {
        let rest = skip(&mut bytes, i);
        bytes.push(rest);
    }
    if kept.last().is_none_or(|&last| last + 1 < len) {
        skip(&mut bytes, len);
    }
    bytes
}

impl<B: AsRef<[u8]>> Positions<B> {
    /// A byte for each of `len` scalars: 1 if it is kept, else 0.
    ///
    /// # Errors
    /// What is wrong, if the bytes are of another number of scalars.
    pub(crate) fn flags(&self, len: usize) -> Result<Vec<u8>, String> {
        match self {
            Self::All => flags(1, len),
            Self::Gaps(bytes) => of_gaps(bytes.as_ref(), len),
            Self::Bits(bytes) => of_bits(bytes.as_ref(), len),
        }
    }
}

/// As many flags of one value, if there is room.
fn flags(value: u8, len: usize) -> Result<Vec<u8>, String> {
    let mut flags = Vec::new();
    flags.try_reserve_exact(len).map_err(|_| format!("no memory for {len} scalars"))?;
    flags.resize(len, value);
    Ok(flags)
}

fn of_gaps(bytes: &[u8], len: usize) -> Result<Vec<u8>, String> {
    let wrong = || format!("its gaps are not those of {len} scalars");
    // Every byte stands for 256 scalars at most: a short file cannot ask for much memory.
    if len / 256 > bytes.len() {
        return Err(wrong());
    }
    let mut flags = flags(0, len)?;
    let mut next = 0;
    for &byte in bytes {
        next += usize::from(byte);
        if byte != ON {
            *flags.get_mut(next).ok_or_else(wrong)? = 1;
            next += 1;
        }
    }
    let rest = len.checked_sub(next).ok_or_else(wrong)?;
    if rest < usize::from(ON) { Ok(flags) } else { Err(wrong()) }
}

fn of_bits(bytes: &[u8], len: usize) -> Result<Vec<u8>, String> {
    let unused = bytes.last().map_or(0, |last| (u16::from(*last) >> ((len + 7) % 8 + 1)) as u8);
    if bytes.len() != len.div_ceil(8) || unused != 0 {
        return Err(format!("its bits are not those of {len} scalars"));
    }
    let mut flags = flags(0, len)?;
    for (flags, byte) in flags.chunks_mut(8).zip(bytes) {
        flags.iter_mut().enumerate().for_each(|(bit, flag)| *flag = byte >> bit & 1);
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_are_as_worked_out_by_hand() {
        let of = |len, kept: &[usize]| Positions::of(len, kept);
        assert_eq!(of(64, &[0, 3, 4]), Positions::Gaps(vec![0, 2, 0]));
        assert_eq!(of(8000, &[254, 510, 1021]), {
            let mut gaps = vec![254, 255, 0, 255, 255, 0];
            gaps.resize(gaps.len() + (8000 - 1022) / 255, 255);
            Positions::Gaps(gaps)
        });
        assert_eq!(of(16, &[0, 9, 15]), Positions::Bits(vec![1, 0b1000_0010]));
        assert_eq!(of(2, &[0, 1]), Positions::All);
        assert_eq!(of(600, &[]), Positions::Gaps(vec![255, 255]));
    }

    #[test]
    fn bytes_of_another_number_of_scalars_are_refused() {
        let gaps = |bytes: &[u8], len| Positions::Gaps(bytes.to_vec()).flags(len).is_ok();
        assert!(gaps(&[3], 4) && gaps(&[3], 258) && gaps(&[255], 255) && gaps(&[255], 509));
        assert!(!gaps(&[3], 3) && !gaps(&[3], 259) && !gaps(&[255], 254) && !gaps(&[255], 510));
        assert!(!gaps(&[], usize::MAX));
        let bits = |bytes: &[u8], len| Positions::Bits(bytes.to_vec()).flags(len).is_ok();
        assert!(bits(&[255], 8) && bits(&[3], 2) && bits(&[], 0));
        assert!(!bits(&[3], 1) && !bits(&[255], 9) && !bits(&[1, 0], 8));
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(flags in prop::collection::vec(any::<bool>(), 0..3000), share in 1_usize..400) {
            let flags: Vec<u8> =
                flags.iter().enumerate().map(|(i, &flag)| u8::from(flag && i % share == 0)).collect();
            let kept: Vec<usize> = (0..flags.len()).filter(|&i| flags[i] == 1).collect();
            let positions = Positions::of(flags.len(), &kept);
            prop_assert_eq!(positions.flags(flags.len()).unwrap(), flags);
        }
    }
}
