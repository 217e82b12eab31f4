//! Gradients of whole models, tables and heads included, against differences of the loss along random directions.

use gatewise::activation::{Activation, Finish};
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Output, Passes, Recurrent, State};
use gatewise::train::{Batch, Initial, Learner, Options, Random, Upstream};
use gatewise::{Layout, Merge};

/// What stands behind the recurrent layers.
const FINISHES: [Finish; 7] = [
    Finish::Each(Activation::Identity),
    Finish::Each(Activation::Sigmoid),
    Finish::Each(Activation::Tanh),
    Finish::Each(Activation::Softsign),
    Finish::Each(Activation::Softplus),
    Finish::Softmax,
    Finish::LogSoftmax,
];

/// Ids → table → LSTM in both directions, from states of its own → GRU → tanh layer → head.
fn model(finish: Finish, output: Output, random: &mut Random) -> Blueprint {
    let table = Initial::Torch.embedding(9, 5, random).unwrap();
    let (forward, reverse) = (Initial::Torch.lstm(5, 6, random), Initial::Torch.lstm(5, 6, random));
    let passes = Passes::Both { forward: forward.unwrap().into(), reverse: reverse.unwrap().into(), merge: Merge::Mul };
    let mut lstm = Recurrent::new(passes);
    let mut values = |count: usize| (0..count).map(|_| random.uniform(-1.0, 1.0) as f32).collect::<Vec<_>>();
    lstm.initial = (0..2).map(|_| State { hidden: values(6), cell: values(6) }).collect();
    let mut gru = Recurrent::forward(Initial::Keras.gru(6, 19, random).unwrap());
    gru.output = output;
    let hidden = Initial::Torch.dense(19, 7, Finish::Each(Activation::Tanh), random).unwrap();
    let head = Initial::Torch.dense(7, 4, Finish::Each(Activation::Identity), random).unwrap();
    let layers = vec![
        Layer::new("table", Operation::Embedding(table)),
        Layer::new("lstm", Operation::Recurrent(Box::new(lstm))),
        Layer::new("gru", Operation::Recurrent(Box::new(gru))),
        Layer::new("hidden", Operation::Dense(hidden)),
        Layer::new("head", Operation::Dense(head)),
        Layer::new("finish", Operation::Activation(finish)),
    ];
    Blueprint { layers, ..Blueprint::default() }
}

#[test]
fn gradients_of_whole_models_are_the_slopes_of_the_loss() {
    const STEPS: usize = 6;
    let lengths = [6, 0, 3, 5, 1, 6, 2, 4, 6];
    for (index, finish) in FINISHES.into_iter().enumerate() {
        for output in [Output::Every, Output::Last] {
            let mut random = Random::new(index as u64);
            let mut learner =
                Learner::new(model(finish, output, &mut random), Options { threads: 2, ..Options::default() }).unwrap();
            let ids: Vec<i64> = (0..lengths.len() * STEPS).map(|_| random.below(9) as i64).collect();
            let batch = Batch { lengths: Some(&lengths), ..Batch::new(&ids, Layout::BatchFirst, lengths.len()) };
            let count = learner.forward(&batch).unwrap().y.len();
            let weights: Vec<f32> = (0..count).map(|_| random.uniform(-1.0, 1.0) as f32).collect();
            // The loss is Σ weight·y, in f64.
            let loss = |learner: &mut Learner| -> f64 {
                let y = &learner.forward(&batch).unwrap().y;
                y.iter().zip(&weights).map(|(y, weight)| f64::from(*y) * f64::from(*weight)).sum()
            };
            loss(&mut learner);
            learner.backward(Upstream { y: &weights, ..Upstream::default() }).unwrap();
            let gradients: Vec<(String, Vec<f32>)> =
                learner.gradients().into_iter().map(|(name, values)| (name, values.to_vec())).collect();
            assert_eq!(gradients.len(), 1 + 2 * 3 + 4 + 4 + 4, "table, two directions, their states, GRU, two heads");
            for (tensor, (name, gradient)) in gradients.iter().enumerate() {
                // Along the gradient's own signs, so that nothing cancels.
                let along: Vec<f32> = gradient.iter().map(|g| g.signum() * random.uniform(0.5, 1.0) as f32).collect();
                let slope: f64 = gradient.iter().zip(&along).map(|(g, v)| f64::from(*g) * f64::from(*v)).sum();
                let size = 4e-3 / (gradient.len() as f32).sqrt();
                let moved = |learner: &mut Learner, scale: f32| {
                    learner
                        .update(|parameters, _| {
                            let values = parameters[tensor].1.iter_mut();
                            values.zip(&along).for_each(|(value, along)| *value += scale * along);
                            Ok(())
                        })
                        .unwrap();
                    loss(learner)
                };
                let difference = moved(&mut learner, size) - moved(&mut learner, -2.0 * size);
                moved(&mut learner, size);
                let found = difference / f64::from(2.0 * size);
                let error = (found - slope).abs() / slope.abs().max(0.1);
                assert!(error < 0.02, "{finish:?}, {output:?}, d {name}: {slope} for a slope of {found}");
            }
        }
    }
}
