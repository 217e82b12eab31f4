//! What times say: a median, how far it can be trusted, and whether two builds differ.

use super::turns::Launch;

/// Launches of each build that are always made.
pub const LAUNCHES: usize = 5;

/// Further ones where the first make a difference look likely: it must show in these too.
pub const MORE: usize = 7;

/// Changes smaller than this are not told: addresses alone make as much.
const LEAST: f64 = 0.01;

/// A figure and its noise, as a share of it: half of the range of the launches' medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub value: f64,
    pub noise: f64,
}

impl Figure {
    /// Whether it is farther from 0 than its noise, and than what is never told.
    pub fn stands_out(&self) -> bool {
        self.value.abs() > self.noise.max(LEAST)
    }
}

/// Nanoseconds a call of one of the builds.
pub fn time(launches: &[Launch], build: usize) -> Figure {
    let medians: Vec<f64> = launches.iter().map(|launch| median(&launch[build])).collect();
    let value = median(&medians);
    Figure { value, noise: half_range(&medians) / value }
}

/// How much longer the first build takes than the second, as a share: turn by turn, launch by launch.
pub fn change(launches: &[Launch]) -> Figure {
    let ratios = launches.iter().map(|launch| {
        let turns: Vec<f64> = launch[0].iter().zip(&launch[1]).map(|(now, then)| (now / then).ln()).collect();
        median(&turns)
    });
    let ratios: Vec<f64> = ratios.collect();
    Figure { value: median(&ratios).exp_m1(), noise: half_range(&ratios).exp_m1() }
}

/// The median; of an even number the mean of the middle two, of none NaN.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 0 => 0.5 * (sorted[half - 1] + sorted[half]),
        _ => sorted[half],
    }
}

fn half_range(values: &[f64]) -> f64 {
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    0.5 * (high - low)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Launches of two builds, the first so much slower: a machine that drifts, turns that are disturbed now and then, and a
    /// launch's own luck of up to one percent.
    fn launches(count: usize, slower: f64, seed: u64) -> Vec<Launch> {
        let mut random = StdRng::seed_from_u64(seed);
        let launch = |_| {
            let luck: [f64; 2] = [random.random_range(0.99..1.01), random.random_range(0.99..1.01)];
            let mut times = vec![Vec::new(), Vec::new()];
            for turn in 0..10 {
                let drift = 1.0 + 0.02 * turn as f64;
                for build in 0..2 {
                    let disturbed = if random.random_range(0..8) == 0 { 1.5 } else { 1.0 };
                    let noise = random.random_range(0.98..1.02);
                    let own = if build == 0 { 1.0 + slower } else { 1.0 };
                    times[build].push(100.0 * own * luck[build] * drift * disturbed * noise);
                }
            }
            times
        };
        (0..count).map(launch).collect()
    }

    #[test]
    fn five_percent_stand_out_and_nothing_does_not() {
        let (mut found, mut wrong) = (0, 0);
        for seed in 0..200 {
            found += usize::from(change(&launches(LAUNCHES + MORE, 0.05, seed)).stands_out());
            wrong += usize::from(change(&launches(LAUNCHES + MORE, 0.0, seed)).stands_out());
        }
        assert_eq!((found, wrong), (200, 0), "of 200 slower ones, and of 200 that are the same");
    }

    #[test]
    fn the_change_is_that_of_the_first_build() {
        let launches: Vec<Launch> = (0..5).map(|_| vec![vec![110.0, 220.0], vec![100.0, 200.0]]).collect();
        let found = change(&launches);
        assert!((found.value - 0.1).abs() < 1e-12 && found.noise == 0.0, "{found:?}");
        assert_eq!(time(&launches, 1), Figure { value: 150.0, noise: 0.0 });
    }

    #[test]
    fn a_median_of_an_even_number_is_between() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert!(median(&[]).is_nan());
    }
}
