//! Work for several threads: shares of a batch on rayon's pool.

use std::ops::Range;

/// Splits `count` things into at most `shares` ranges whose lengths differ by at most one; none is empty.
pub(crate) fn split(count: usize, shares: usize) -> impl Iterator<Item = Range<usize>> {
    let shares = shares.clamp(1, count.max(1));
    (0..shares).map(move |share| count * share / shares..count * (share + 1) / shares)
}

/// Runs `work` on every share: on this thread if there is one, else on rayon's current pool, entered once.
pub(crate) fn each<T: Send>(shares: Vec<T>, work: impl Fn(T) + Sync) {
    if shares.len() == 1 {
        return shares.into_iter().for_each(work);
    }
    let work = &work;
    rayon::scope(|scope| {
        for share in shares {
            scope.spawn(move |_| work(share));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_everything_in_order_and_differ_by_at_most_one() {
        for count in 1..50 {
            for shares in 1..20 {
                let ranges: Vec<_> = split(count, shares).collect();
                assert_eq!(ranges.len(), shares.min(count));
                assert_eq!(ranges.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
                let (low, high) = (ranges.iter().map(Range::len).min(), ranges.iter().map(Range::len).max());
                assert!(high.unwrap() - low.unwrap() <= 1 && low.unwrap() > 0, "{ranges:?}");
            }
        }
    }
}
