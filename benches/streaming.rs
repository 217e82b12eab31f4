//! How long does one streamed step take: one feature, a few hidden units, batch 1. And does it depend on the values?

mod common;

use std::hint::black_box;

use common::case::Case;
use common::tests::jobs::Lengths;
use common::tests::networks::{Kind, Plan, Twin, Ways};
use common::tests::{levels, wide};
use common::timing::{Figure, in_turn, time};
use criterion::{Criterion, criterion_group, criterion_main};
use gatewise::{GruWeights, Layout, Level, LstmWeights, Model, RnnWeights, Session, TorchTensors, Weights};
use gatewise_reference::{self as reference, AnyCell, Function, PyTorchWeights};

fn bench(criterion: &mut Criterion) {
    for hidden in [8, 16, 32, 40, 64] {
        steps(criterion, &format!("one step, I=1 H={hidden}"), &Plan::one(Kind::Lstm, 1, hidden));
    }
    steps(criterion, "one step, I=1 H=16, 2 layers", &Plan::stack(Kind::Lstm, 1, 16, 2, Ways::Forward));
    values();
}

fn steps(criterion: &mut Criterion, name: &str, plan: &Plan) {
    let case = Case::new(plan, 1, 1000, Lengths::Equal);
    println!("{name}: the reference takes {:.0} ns", case.reference_step());
    let mut group = criterion.benchmark_group(name);
    for level in levels() {
        let model = case.checked(level, 1);
        let mut session = Session::new(&model, 1).unwrap();
        let mut inputs = case.job.x.chunks_exact(plan.input).cycle();
        let figure = Figure { level, threads: 1, steps: 1, operations: model.flops_per_step() as f64 };
        time(&mut group, figure, || {
            let x = inputs.next().unwrap_or_default();
            black_box(session.step(black_box(x)).unwrap()[0]);
        });
    }
    group.finish();
}

const STEPS: usize = 600;
const HIDDEN: usize = 32;
/// Of the batch: rows enough for the tiles, not the code of one row.
const ROWS: usize = 16;

/// An input that decays into the subnormal numbers and stays there, beside an ordinary one, in turn: cells without biases,
/// so that the state decays too. A subnormal number costs over 100 cycles where the processor meets one.
fn values() {
    println!("time of a decaying input, T={STEPS} I=1 H={HIDDEN}, as a share of an ordinary one's (in turn)\n");
    for kind in [Kind::Lstm, Kind::GruAfter, Kind::RnnTanh] {
        for batch in [1, ROWS] {
            let case = Case::of(unbiased(kind), batch, STEPS, Lengths::Equal);
            let decaying: Vec<f32> = case.job.x.iter().enumerate().map(|(at, x)| x * fading(at / batch)).collect();
            assert!(decaying.iter().any(|x| x.is_subnormal()), "the input reaches the subnormal numbers");
            for level in levels() {
                let model = case.checked(level, 1);
                let (mut one, mut other) = (through(&model, batch, &case.job.x), through(&model, batch, &decaying));
                let times = in_turn(25, &mut [(1, &mut one), (1, &mut other)]);
                let share = times[1] / times[0];
                println!("{:<12}B={batch:<4}{level:<10}{:>6.0} %", format!("{kind:?}"), share * 100.0);
                assert!(share < 1.5, "{kind:?}, B {batch}, {level}: {} ns, and {} where it decays", times[0], times[1]);
            }
        }
    }
    println!();
}

/// 1 at first, halved at every step, and from the 140th on a factor that makes subnormal numbers of ±1.
fn fading(step: usize) -> f32 {
    2f32.powi(-(step.min(140) as i32))
}

/// All steps from zero states, several times: batch 1 step by step.
fn through<'a>(model: &'a Model, batch: usize, x: &'a [f32]) -> impl FnMut() + Send + 'a {
    let mut session = Session::new(model, batch).unwrap();
    let mut y = vec![0.0; x.len() * HIDDEN];
    move || {
        for _ in 0..4 {
            session.reset();
            if batch > 1 {
                session.run(black_box(x), Layout::TimeMajor, black_box(&mut y)).unwrap();
                continue;
            }
            for x in x.chunks_exact(1) {
                black_box(session.step(black_box(x)).unwrap());
            }
        }
    }
}

/// A cell of both halves that has no biases: from zeros it stays at zero.
fn unbiased(kind: Kind) -> Twin {
    let gates = [(Kind::Lstm, 4), (Kind::GruAfter, 3)].into_iter().find(|(own, _)| *own == kind).map_or(1, |own| own.1);
    // Signs and sizes by a fixed pattern, small enough that a simple RNN's state shrinks too.
    let matrix = |count: usize| (0..count).map(|n| ((n * 37 + n / 7) % 19) as f32 / 200.0 - 0.045).collect();
    let (weight_ih, weight_hh) = (matrix(gates * HIDDEN), matrix(gates * HIDDEN * HIDDEN));
    let tensors =
        TorchTensors { input_size: 1, hidden_size: HIDDEN, weight_ih, weight_hh, biases: None, projection: None };
    let (weight_ih, weight_hh) = (wide(&tensors.weight_ih), wide(&tensors.weight_hh));
    let exact = PyTorchWeights {
        inputs: 1,
        hidden: HIDDEN,
        weight_ih: &weight_ih,
        weight_hh: &weight_hh,
        bias_ih: &[],
        bias_hh: &[],
    };
    let (weights, cell): (Weights, AnyCell<f64>) = match kind {
        Kind::Lstm => {
            let cell = reference::Lstm::from_pytorch(&exact).unwrap();
            (LstmWeights::from_torch(&tensors).unwrap().into(), cell.into())
        }
        Kind::GruAfter => {
            let cell = reference::Gru::from_pytorch(&exact).unwrap();
            (GruWeights::from_torch(&tensors).unwrap().into(), cell.into())
        }
        _ => {
            let cell = reference::SimpleRnn::from_pytorch(&exact, Function::Tanh).unwrap();
            (RnnWeights::from_torch(&tensors, gatewise::Activation::Tanh).unwrap().into(), cell.into())
        }
    };
    let network = reference::Network { layers: vec![reference::Layer::Forward(cell)] };
    let plan = Plan::one(kind, 1, HIDDEN);
    Twin { plan, builder: Model::builder().layer(weights).level(Level::best()), reference: network }
}

criterion_group! {
    name = benches;
    config = common::criterion(20);
    targets = bench
}
criterion_main!(benches);
