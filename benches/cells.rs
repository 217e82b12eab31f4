//! How fast are the other cells beside the LSTM: GRU, simple and clockwork RNN, peepholes, projection, activations that are
//! not fused?

mod common;

use common::case::Case;
use common::compare::Threads;
use common::smoke;
use common::tests::cells::{Random, function};
use common::tests::jobs::Lengths;
use common::tests::levels;
use common::tests::networks::{Kind, Plan, Twin};
use common::timing::in_turn;
use criterion::Criterion;
use gatewise::{Activation, ClockworkWeights, LstmOptions, Model, Weights};
use gatewise_reference::{AnyCell, ClockworkRnn, Layer, Network};

const HIDDEN: usize = 256;

/// Of the clockwork RNN: modules of 64 units.
const PERIODS: [usize; 4] = [1, 2, 4, 8];

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    let cells = [
        ("LSTM", Kind::Lstm),
        ("GRU, reset after", Kind::GruAfter),
        ("GRU, reset before", Kind::GruBefore),
        ("RNN, ReLU", Kind::RnnRelu),
        ("LSTM, peepholes", Kind::Peephole),
        ("LSTM, P=128", Kind::Projected),
        ("MUT1", Kind::Mut1),
    ];
    for (batch, steps) in [(1, 96), (32, 24)] {
        let mut compare = |name: &str, twin: Twin| {
            let case = Case::of(twin, batch, steps, Lengths::Equal);
            case.compare(criterion, &format!("{name}, I=H={HIDDEN} B={batch} T={steps}"), Threads::One);
            case
        };
        for (name, kind) in cells {
            compare(name, Twin::new(&Plan::one(kind, HIDDEN, HIDDEN), 1));
        }
        // One that has a vector form, and one that goes lane by lane.
        let hard = Activation::HardSigmoid { alpha: 0.2, beta: 0.5 };
        compare("LSTM, hard sigmoid", with_gates(hard));
        compare("LSTM, softplus gates", with_gates(Activation::Softplus));
        let dense = compare("RNN, tanh", Twin::new(&Plan::one(Kind::RnnTanh, HIDDEN, HIDDEN), 1));
        let clockwork = compare("clockwork RNN", clockwork());
        if !smoke() {
            beside_dense(&dense, &clockwork);
        }
    }
}

/// An LSTM with another activation of its gates, clipped so that its state stays bounded whatever the gates let through.
fn with_gates(gate: Activation) -> Twin {
    let options = LstmOptions { gate, clip: Some(0.5), ..LstmOptions::default() };
    let (Weights::Lstm(weights), AnyCell::Lstm(mut cell)) = Random::new(1, 1.0).cell(Kind::Lstm, HIDDEN, HIDDEN) else {
        unreachable!("an LSTM was asked for");
    };
    cell.options.gate_activation = function(gate);
    cell.options.clip = options.clip.map(f64::from);
    twin(Kind::Lstm, weights.with_options(options), AnyCell::Lstm(cell))
}

/// The weights of the simple RNN, as far as they are read.
fn clockwork() -> Twin {
    let (Weights::Rnn(weights), AnyCell::Rnn(rnn)) = Random::new(1, 1.0).cell(Kind::RnnTanh, HIDDEN, HIDDEN) else {
        unreachable!("a simple RNN was asked for");
    };
    let (weight_ih, weight_hh, bias) = (weights.weight_ih(), weights.weight_hh(), weights.bias());
    let weights = ClockworkWeights::new(HIDDEN, HIDDEN, weight_ih, weight_hh, bias, &PERIODS).unwrap();
    let periods = PERIODS.iter().flat_map(|period| [*period; HIDDEN / PERIODS.len()]).collect();
    twin(Kind::Clockwork, weights, AnyCell::Clockwork(ClockworkRnn { rnn, periods, first_t: 0 }))
}

fn twin(kind: Kind, weights: impl Into<Weights>, cell: AnyCell<f64>) -> Twin {
    Twin {
        plan: Plan::one(kind, HIDDEN, HIDDEN),
        builder: Model::builder().layer(weights),
        reference: Network { layers: vec![Layer::Forward(cell)] },
    }
}

/// A clockwork RNN beside the simple one of as many units, in turn.
fn beside_dense(dense: &Case, clockwork: &Case) {
    for level in levels() {
        let [mut whole, mut part] = [dense, clockwork].map(|case| case.runner(case.checked(level, 1), 1));
        let times = in_turn(51, &mut [(1, &mut whole), (1, &mut part)]);
        let share = |whole: f64, part: f64| part / whole * 100.0;
        let operations = [dense, clockwork].map(|case| case.operations(&case.twin.model(level)));
        println!(
            "clockwork RNN, periods {PERIODS:?}, B={}, {level}: {:.0} % of the simple RNN's time, {:.0} % of its operations",
            dense.job.batch,
            share(times[0], times[1]),
            share(operations[0], operations[1]),
        );
    }
    println!();
}
