//! Numbers in hexadecimal, for what every request needs: the formatter takes ten times as long.

/// The last `count` digits of `number`, in ASCII.
pub(crate) fn digits(number: u64, count: u32) -> impl Iterator<Item = u8> {
    (0..count).rev().map(move |at| b"0123456789abcdef"[(number >> (4 * at) & 15) as usize])
}
