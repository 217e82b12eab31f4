//! A long batch in chunks of steps that take a moment each, with a progress bar on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Some steps of a time-major batch.
pub struct Chunk<'a> {
    /// Its part of x.
    pub x: &'a [f64],
    /// Its steps.
    pub steps: usize,
    /// The sequences' valid steps among them.
    pub lengths: Option<Vec<usize>>,
}

/// How much a chunk may cost.
pub struct Cost {
    /// Of one step, in whatever unit.
    pub step: usize,
    /// Of a chunk, in the same unit; `None` for all steps at once, as a direction that reads from the end needs them.
    pub chunk: Option<usize>,
}

/// The chunks one after the other.
pub fn chunks<'a>(
    x: &'a [f64],
    lengths: Option<&'a [usize]>,
    steps: usize,
    cost: &Cost,
) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
    let width = x.len() / steps;
    let chunk = cost.chunk.map_or(steps, |chunk| (chunk / cost.step.max(1)).clamp(1, steps));
    let bar = if chunk < steps { ProgressBar::new(steps as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} steps, {eta} left") {
        bar.set_style(style);
    }
    let mut first = 0;
    std::iter::from_fn(move || {
        bar.set_position(first as u64);
        if first == steps {
            bar.finish_and_clear();
            return None;
        }
        let (start, count) = (first, chunk.min(steps - first));
        first += count;
        // A sequence that has ended has no valid step here, which leaves its state as it is.
        let valid = |length: &usize| length.saturating_sub(start).min(count);
        Some(Chunk {
            x: &x[start * width..first * width],
            steps: count,
            lengths: lengths.map(|lengths| lengths.iter().map(valid).collect()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_all_steps_and_cut_the_lengths() {
        let (x, lengths) = ((0..14).map(f64::from).collect::<Vec<_>>(), [7, 0, 4]);
        let cost = Cost { step: 10, chunk: Some(39) };
        let found: Vec<Chunk> = chunks(&x, Some(&lengths), 7, &cost).collect();
        assert_eq!(found.iter().map(|chunk| chunk.steps).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(found.iter().flat_map(|chunk| chunk.x).copied().collect::<Vec<_>>(), x);
        let lengths: Vec<_> = found.into_iter().map(|chunk| chunk.lengths.expect("lengths")).collect();
        assert_eq!(lengths, [[3, 0, 3], [3, 0, 1], [1, 0, 0]]);
    }

    #[test]
    fn without_a_limit_all_steps_come_at_once() {
        let x = [0.0; 8];
        let found: Vec<Chunk> = chunks(&x, None, 4, &Cost { step: usize::MAX, chunk: None }).collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].steps, found[0].x.len(), found[0].lengths.is_none()), (4, 8, true));
    }
}
