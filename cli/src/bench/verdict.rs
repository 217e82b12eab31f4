//! What times say: a median, how far it can be trusted, and whether two builds differ.

use super::turns::Launch;

/// Launches of each build that are always made.
pub const LAUNCHES: usize = 6;

/// Further ones where the first make a difference look likely: it must show in these too.
pub const MORE: usize = 8;

/// Changes smaller than this are not told: addresses alone make as much.
const LEAST: f64 = 0.01;

/// A figure and its noise, as a share of it: four standard errors of the launches' median, by their median distance from it. One
/// launch that another process disturbed, or a few of many, change neither much.
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
    Figure { value, noise: noise(&medians) / value }
}

/// How much longer the first build takes than the second, as a share: turn by turn, launch by launch.
pub fn change(launches: &[Launch]) -> Figure {
    let ratios = launches.iter().map(|launch| {
        let turns: Vec<f64> = launch[0].iter().zip(&launch[1]).map(|(now, then)| (now / then).ln()).collect();
        median(&turns)
    });
    let ratios: Vec<f64> = ratios.collect();
    // Two launches together: in one this build was started first, in the other that one.
    let ratios: Vec<f64> = ratios.chunks(2).map(|pair| pair.iter().sum::<f64>() / pair.len() as f64).collect();
    Figure { value: median(&ratios).exp_m1(), noise: noise(&ratios).exp_m1() }
}

/// Whether the first launches make a difference look likely.
pub fn suspicious(launches: &[Launch]) -> bool {
    change(launches).value.abs() > LEAST
}

/// Whether two builds differ: in the first launches, in the further ones in the same direction, and beyond the noise in all
/// together. What stands out by chance hardly does so twice.
pub fn differ(launches: &[Launch]) -> bool {
    let (first, further) = launches.split_at(LAUNCHES.min(launches.len()));
    let [first, again, all] = [first, further, launches].map(change);
    let both = first.value.abs().min(again.value.abs()) > LEAST && again.value * first.value > 0.0;
    both && all.stands_out()
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

/// Standard errors within which a difference is none.
const ERRORS: f64 = 4.0;

/// Of a normal distribution: its standard deviation in median distances from the median, and the median's standard error in
/// those of the mean.
const DEVIATION: f64 = 1.4826;
const MEDIAN: f64 = 1.2533;

fn noise(values: &[f64]) -> f64 {
    let middle = median(values);
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    ERRORS * DEVIATION * MEDIAN * median(&distances) / (values.len() as f64).sqrt()
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
        let launch = |number: usize| {
            let mut luck: [f64; 2] = [random.random_range(0.99..1.01), random.random_range(0.99..1.01)];
            // Whoever is started later is slower.
            luck[(number + 1) % 2] *= 1.04;
            let mut times = vec![Vec::new(), Vec::new()];
            // Now and then another process disturbs one of the two all the time.
            let beside = if random.random_range(0..6) == 0 { random.random_range(0..4) } else { 3 };
            for turn in 0..10 {
                let drift = 1.0 + 0.02 * turn as f64;
                for build in 0..2 {
                    let disturbed = if random.random_range(0..8) == 0 || build == beside { 1.5 } else { 1.0 };
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
    fn five_percent_are_found_and_nothing_is_not() {
        let (mut found, mut wrong) = (0, 0);
        for seed in 0..200 {
            found += usize::from(differ(&launches(LAUNCHES + MORE, 0.05, seed)));
            wrong += usize::from(differ(&launches(LAUNCHES + MORE, 0.0, seed)));
        }
        assert!(found >= 190 && wrong == 0, "{found} of 200 slower ones, and {wrong} of 200 that are the same");
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
