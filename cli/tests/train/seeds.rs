//! Several seeds: the best one's weights, and those that it began with.

use crate::data::{TASKS, Training};

const SEEDS: [u64; 3] = [11, 12, 13];

#[test]
fn the_best_of_several_seeds_is_kept() {
    let task = &TASKS[2];
    let training = Training::new(task, "epochs = 3\nseeds = [11, 12, 13]\n");
    let page = training.train("model.safetensors", &["--validation", &training.validation]).done(task.name);
    let lowest = |name: &str| training.curve(name).iter().map(|row| row[3]).fold(f64::MAX, f64::min);
    let losses = SEEDS.map(|seed| lowest(&format!("model.seed-{seed}.csv")));
    let best = (0..3).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).expect("seeds");
    assert!(losses[(best + 1) % 3] > losses[best], "the seeds differ: {losses:?}");
    assert!(page.contains(&format!("of seed {}", SEEDS[best])), "{page}");

    training.relearn(task, &format!("epochs = 3\nseed = {}\n", SEEDS[best]));
    training.train("alone.safetensors", &["--validation", &training.validation]).done(task.name);
    for ending in ["safetensors", "start.safetensors"] {
        let [one, other] = ["model", "alone"].map(|name| training.bytes(&format!("{name}.{ending}")));
        assert!(one == other, "{ending}: the best of several seeds is not what it is alone");
    }
}

#[test]
fn a_seed_that_diverges_does_not_stop_the_others() {
    let task = &TASKS[2];
    let training = Training::new(task, "epochs = 3\nseeds = [1, 2]\nrate = 1e30\n[learning.optimizer.sgd]\n");
    let ran = training.train("model.safetensors", &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for part in ["seed 1: ", "seed 2: ", "error: none of 2 seeds came to its end"] {
        assert!(ran.stderr.contains(part), "no {part:?} in {ran:?}");
    }
}
