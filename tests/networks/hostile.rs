//! Whatever a blueprint of public types and a call hold: an error or a result, never a panic.

use gatewise::Layout;
use gatewise::network::blueprint::{Blueprint, Dense, Finish, Layer, Operation};
use gatewise::network::{Network, NetworkSession};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::blueprints::{Family, Pair};
use crate::common::levels;

const SIZES: [usize; 8] = [0, 1, 2, 1000, (1 << 24) + 1, 1 << 32, usize::MAX / 4, usize::MAX];

fn size(random: &mut StdRng) -> usize {
    SIZES[random.random_range(0..SIZES.len())]
}

/// Spoils one number or list of a layer.
fn spoil(operation: &mut Operation, random: &mut StdRng) {
    match operation {
        Operation::Embedding(embedding) => match random.random_range(0..4) {
            0 => embedding.rows = size(random),
            1 => embedding.width = size(random),
            2 => embedding.weight.truncate(1),
            _ => embedding.weight.clear(),
        },
        Operation::OneHot { classes } => *classes = size(random),
        Operation::Masking { value } => *value = f32::NAN,
        Operation::Recurrent(recurrent) => match random.random_range(0..3) {
            0 => recurrent.go_backwards = !recurrent.go_backwards,
            1 => recurrent.initial.truncate(1),
            _ => recurrent.initial.resize_with(random.random_range(0..4), Default::default),
        },
        Operation::Dense(dense) => match random.random_range(0..4) {
            0 => dense.input = size(random),
            1 => dense.output = size(random),
            2 => dense.weight.push(f32::NAN),
            _ => dense.bias.push(0.0),
        },
        Operation::AddInput { features } => *features = size(random),
        _ => *operation = Operation::Activation(Finish::Softmax),
    }
}

/// Layers of two models in any order, some of them spoilt.
fn jumble(random: &mut StdRng) -> Blueprint {
    let mut layers = Vec::new();
    for _ in 0..2 {
        layers.extend(Pair::random(Family::Any, random.random_range(0..=u64::MAX)).blueprint.layers);
    }
    for _ in 0..random.random_range(0..3) {
        let (from, to) = (random.random_range(0..layers.len()), random.random_range(0..layers.len()));
        layers.swap(from, to);
    }
    if random.random_bool(0.5) {
        layers.truncate(random.random_range(0..=layers.len()));
    }
    for layer in &mut layers {
        if random.random_bool(0.3) {
            spoil(&mut layer.operation, random);
        }
    }
    Blueprint { layers, ..Blueprint::default() }
}

/// Every call, with buffers that fit by chance only; what comes back does not matter.
fn call(session: &mut NetworkSession<Network>, random: &mut StdRng) {
    let (batch, width) = (session.batch(), session.network().input().width());
    let steps = random.random_range(0..4);
    let count = if random.random_bool(0.7) { steps * batch * width } else { random.random_range(0..40) };
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 0.0, 1e-40];
    let x: Vec<f32> = (0..count).map(|_| special[random.random_range(0..special.len())]).collect();
    let ids: Vec<i64> = (0..steps * batch).map(|_| [0, 1, -1, i64::MAX][random.random_range(0..4)]).collect();
    let lengths: Vec<usize> = (0..batch).map(|_| random.random_range(0..=steps)).collect();
    for layout in [Layout::BatchFirst, Layout::TimeMajor] {
        let lengths = [None, Some(&lengths[..]), Some(&[usize::MAX; 3])][random.random_range(0..3)];
        let _ = session.forward(&x, layout, lengths);
        let _ = session.forward(&ids, layout, lengths);
        let _ = session.forward(&vec![0i64; steps * batch], layout, lengths);
    }
    let _ = (session.step(&x).is_ok(), session.step(&ids).is_ok());
    let _ = session.set_state(&x, &x);
    session.reset().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_whatever_is_put_together(seed in any::<u64>()) {
        let mut random = StdRng::seed_from_u64(seed);
        let blueprint = jumble(&mut random);
        let flow = blueprint.flow();
        let (input, parameters) = (blueprint.input(), blueprint.parameters());
        let what = || format!("{input:?}, {parameters}, {blueprint:?}");
        for level in levels() {
            let network = Network::with_level(&blueprint, level);
            prop_assert_eq!(network.as_ref().err(), flow.as_ref().err(), "{}", what());
            let Ok(network) = network else { continue };
            prop_assert!(NetworkSession::new(network.clone(), 0).is_err(), "B = 0, {}", what());
            // Without states and steps there is nothing to take room for.
            if let Ok(mut session) = NetworkSession::new(network.clone(), usize::MAX) {
                let _ = session.forward(&[0.0f32; 0], Layout::BatchFirst, None);
            }
            for batch in [1, 3] {
                let session = NetworkSession::new(network.clone(), batch);
                prop_assert!(session.is_ok(), "B = {}, {}", batch, what());
                if let Ok(session) = session {
                    call(&mut session.with_threads(random.random_range(0..4)), &mut random);
                }
            }
        }
    }
}

#[test]
fn any_number_of_threads_is_taken() {
    let weight = vec![1.0; 3];
    let finish = Finish::Softmax;
    let dense = Dense { input: 1, output: 3, weight, bias: Vec::new(), finish };
    let layers = vec![Layer::new("head", Operation::Dense(dense))];
    let network = Network::new(&Blueprint { layers, ..Blueprint::default() }).unwrap();
    let mut session = NetworkSession::new(&network, 1).unwrap().with_threads(usize::MAX);
    let thirds = session.forward(&[0.5f32, 1.0], Layout::TimeMajor, None).unwrap();
    assert!(thirds.iter().all(|third| (third - 1.0 / 3.0).abs() < 1e-7), "{thirds:?}");
}
