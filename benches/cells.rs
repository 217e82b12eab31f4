//! How fast are the other cells beside the LSTM: GRU, simple RNN, peepholes, projection, activations that are not fused?

mod common;

use common::case::Case;
use common::tests::cells::{Random, function};
use common::tests::jobs::Lengths;
use common::tests::networks::{Kind, Plan, Twin};
use common::timing::{Figure, time};
use criterion::{Criterion, criterion_group, criterion_main};
use gatewise::{Activation, Level, LstmOptions, Model, Weights};
use gatewise_reference::{AnyCell, Layer, Network};

const HIDDEN: usize = 256;

fn bench(criterion: &mut Criterion) {
    let cells = [
        ("LSTM", Kind::Lstm),
        ("GRU, reset after", Kind::GruAfter),
        ("GRU, reset before", Kind::GruBefore),
        ("RNN, tanh", Kind::RnnTanh),
        ("RNN, ReLU", Kind::RnnRelu),
        ("LSTM, peepholes", Kind::Peephole),
        ("LSTM, P=128", Kind::Projected),
    ];
    for (batch, steps) in [(1, 100), (32, 50)] {
        for (name, kind) in cells {
            cell(criterion, name, Twin::new(&Plan::one(kind, HIDDEN, HIDDEN), 1), batch, steps);
        }
        // One that has a vector form, and one that goes lane by lane.
        let hard = Activation::HardSigmoid { alpha: 0.2, beta: 0.5 };
        cell(criterion, "LSTM, hard sigmoid", with_gates(hard), batch, steps);
        cell(criterion, "LSTM, softplus gates", with_gates(Activation::Softplus), batch, steps);
    }
}

fn cell(criterion: &mut Criterion, name: &str, twin: Twin, batch: usize, steps: usize) {
    let case = Case::of(twin, batch, steps, Lengths::Equal);
    let model = case.checked(Level::best(), 1);
    let mut group = criterion.benchmark_group(format!("{name}, I=H={HIDDEN} B={batch} T={steps}"));
    let figure = Figure { level: model.level(), threads: 1, steps, operations: case.operations(&model) };
    time(&mut group, figure, case.runner(&model, 1));
    group.finish();
}

/// An LSTM with another activation of its gates, clipped so that its state stays bounded whatever the gates let through.
fn with_gates(gate: Activation) -> Twin {
    let options = LstmOptions { gate, clip: Some(0.5), ..LstmOptions::default() };
    let (Weights::Lstm(weights), AnyCell::Lstm(mut cell)) = Random::new(1, 1.0).cell(Kind::Lstm, HIDDEN, HIDDEN) else {
        unreachable!("an LSTM was asked for");
    };
    cell.options.gate_activation = function(gate);
    cell.options.clip = options.clip.map(f64::from);
    Twin {
        plan: Plan::one(Kind::Lstm, HIDDEN, HIDDEN),
        builder: Model::builder().layer(weights.with_options(options)),
        reference: Network { layers: vec![Layer::Forward(AnyCell::Lstm(cell))] },
    }
}

criterion_group! {
    name = benches;
    config = common::criterion(10);
    targets = bench
}
criterion_main!(benches);
