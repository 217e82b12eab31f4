//! How long does one streamed step take: one feature, a few hidden units, batch 1. And does it depend on the values?

mod common;

use std::hint::black_box;

use common::case::Case;
use common::compare::{Contender, compare, name};
use common::limits::Work;
use common::smoke;
use common::tests::jobs::Lengths;
use common::tests::networks::{Kind, Plan, Twin, Ways};
use common::tests::{levels, wide};
use common::timing::in_turn;
use criterion::Criterion;
use gatewise::{GruWeights, Layout, Level, LstmWeights, Model, RnnWeights, Session, TorchTensors, Weights};
use gatewise_reference::{self as reference, AnyCell, Function, PyTorchWeights};

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    for hidden in [8, 16, 32, 40, 64] {
        steps(criterion, &format!("one step, I=1 H={hidden}"), &Plan::one(Kind::Lstm, 1, hidden));
    }
    steps(criterion, "one step, I=1 H=16, 2 layers", &Plan::stack(Kind::Lstm, 1, 16, 2, Ways::Forward));
    if !smoke() {
        values();
    }
}

fn steps(criterion: &mut Criterion, name: &str, plan: &Plan) {
    let case = Case::new(plan, 1, 1000, Lengths::Equal);
    let levels = levels().into_iter().map(|level| streamed(&case, level));
    compare(criterion, name, [case.reference()].into_iter().chain(levels).collect());
}

/// A call a step, which reads all weights.
fn streamed(case: &Case, level: Level) -> Contender<'_> {
    let model = case.checked(level, 1);
    let mut inputs = case.job.x.chunks_exact(model.input_size()).cycle();
    let work = Work::of(&model, 1.0, [1, 1]);
    let mut session = Session::new(model, 1).unwrap();
    let call = move || {
        let x = inputs.next().unwrap_or_default();
        black_box(session.step(black_box(x)).unwrap()[0]);
    };
    Contender { name: name(level, 1), threads: 1, elements: 1, work: Some(work), call: Box::new(call) }
}

const STEPS: usize = 600;
const HIDDEN: usize = 32;
/// Of the batch: rows enough for the tiles, not the code of one row.
const ROWS: usize = 16;

/// Inputs that decay, beside an ordinary one, in turn: one into the subnormal numbers, one to where only squares would be
/// subnormal. The cells have no biases, so that the state decays too. A subnormal number costs over 100 cycles where the
/// processor meets one.
fn values() {
    println!("time of an input that decays, as a share of an ordinary one's; in turn, the fastest of 25");
    println!("T={STEPS} I=1 H={HIDDEN}\n");
    let mut slow = Vec::new();
    println!("{:<12}{:<6}{:<10}{:>12}{:>12}", "", "", "", "to 2^-140", "to 2^-64");
    for kind in [Kind::Lstm, Kind::GruAfter, Kind::RnnTanh] {
        for batch in [1, ROWS] {
            let case = Case::of(unbiased(kind), batch, STEPS, Lengths::Equal);
            let decaying = |last: usize| -> Vec<f32> {
                let halved = |(at, x): (usize, &f32)| x * 2f32.powi(-((at / batch).min(last) as i32));
                case.job.x.iter().enumerate().map(halved).collect()
            };
            let (subnormal, tiny) = (decaying(140), decaying(64));
            assert!(subnormal.iter().any(|x| x.is_subnormal()), "the input reaches the subnormal numbers");
            for level in levels() {
                let model = case.checked(level, 1);
                let [mut ordinary, mut subnormal, mut tiny] =
                    [&case.job.x, &subnormal, &tiny].map(|x| through(&model, batch, x));
                let mut best = [f64::INFINITY; 3];
                for _ in 0..25 {
                    let times = in_turn(1, &mut [(1, &mut ordinary), (1, &mut subnormal), (1, &mut tiny)]);
                    // The fastest: a neighbour's noise would be a difference too.
                    best.iter_mut().zip(times).for_each(|(best, time)| *best = best.min(time));
                }
                let [one, other] = [best[1] / best[0], best[2] / best[0]];
                let (name, batch) = (format!("{kind:?}"), format!("B={batch}"));
                println!("{name:<12}{batch:<6}{level:<10}{:>10.0} %{:>10.0} %", one * 100.0, other * 100.0);
                if one.max(other) > 2.0 {
                    slow.push(format!("{name}, {batch}, {level}: {one:.2} and {other:.2} times as long"));
                }
            }
        }
    }
    println!();
    assert!(slow.is_empty(), "the time depends on the values:\n{}", slow.join("\n"));
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
