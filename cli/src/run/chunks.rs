//! A long batch in chunks that take a moment each, with a progress bar on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Some of `count` steps or sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The first of them.
    pub start: usize,
    /// How many.
    pub count: usize,
}

impl Chunk {
    /// Its part of values that are `width` for each step or sequence.
    pub fn of<'a, T>(&self, values: &'a [T], width: usize) -> &'a [T] {
        &values[self.start * width..][..self.count * width]
    }

    /// Of each length in steps, how much falls into these steps. A sequence that has ended has no valid step here, which
    /// leaves its state as it is.
    pub fn lengths(&self, lengths: &[usize]) -> Vec<usize> {
        lengths.iter().map(|length| length.saturating_sub(self.start).min(self.count)).collect()
    }
}

/// Chunks of `each` one after the other; the bar counts `what`, and is shown where there are several.
pub fn chunks(count: usize, each: usize, what: &'static str) -> impl Iterator<Item = Chunk> {
    let each = each.clamp(1, count.max(1));
    let bar = progress(count as u64, each < count, what);
    let mut start = 0;
    std::iter::from_fn(move || {
        bar.set_position(start as u64);
        if start == count {
            bar.finish_and_clear();
            return None;
        }
        let chunk = Chunk { start, count: each.min(count - start) };
        start += chunk.count;
        Some(chunk)
    })
}

/// A bar on the terminal, if there is one and it is worth it.
pub fn progress(count: u64, shown: bool, what: &'static str) -> ProgressBar {
    let bar = if shown { ProgressBar::new(count) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:30}} {{pos}}/{{len}} {what}, {{eta}} left")) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_all_steps_and_cut_the_lengths() {
        let (x, lengths) = ((0..14).collect::<Vec<_>>(), [7, 0, 4]);
        let found: Vec<Chunk> = chunks(7, 3, "steps").collect();
        assert_eq!(found.iter().map(|chunk| chunk.count).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(found.iter().flat_map(|chunk| chunk.of(&x, 2)).copied().collect::<Vec<_>>(), x);
        let lengths: Vec<_> = found.iter().map(|chunk| chunk.lengths(&lengths)).collect();
        assert_eq!(lengths, [[3, 0, 3], [3, 0, 1], [1, 0, 0]]);
    }

    #[test]
    fn all_at_once_and_nothing_at_all() {
        assert_eq!(chunks(4, usize::MAX, "steps").collect::<Vec<_>>(), [Chunk { start: 0, count: 4 }]);
        assert_eq!(chunks(4, 0, "steps").count(), 4);
        assert_eq!(chunks(0, 3, "steps").count(), 0);
    }
}
