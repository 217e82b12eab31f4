//! How fast is learning: forward and backward propagation and all weight gradients of the sum of all outputs?

mod common;

use std::hint::black_box;

use common::compare::{Contender, Threads, compare, name};
use common::limits::Work;
use common::smoke;
use common::tests::cells::Random;
use common::tests::jobs::take;
use common::tests::networks::Kind;
use common::tests::{assert_near, levels, wide};
use common::timing::{in_pool, in_turn};
use criterion::Criterion;
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Recurrent};
use gatewise::train::{Batch, Learner, Options, Upstream};
use gatewise::{Layout, Level, Model, Weights};
use gatewise_reference::{
    self as reference, AnyCell, Learned, LossGradients, Network, NetworkInput, NoTrace, Sequence,
};

/// Steps of the check: in the second one, the recurrent weights matter.
const BRIEF: usize = 2;

/// A layer with I = H, and a batch for it.
struct Lesson {
    kind: Kind,
    hidden: usize,
    batch: usize,
    steps: usize,
    weights: Weights,
    network: Network<AnyCell<f64>>,
    /// Time-major.
    x: Vec<f32>,
    lengths: Option<Vec<usize>>,
}

impl Lesson {
    fn new(kind: Kind, [hidden, batch, steps]: [usize; 3]) -> Self {
        let steps = if smoke() { BRIEF } else { steps };
        let (weights, cell) = Random::new(1, 1.0).cell(kind, hidden, hidden);
        let network = Network { layers: vec![reference::Layer::Forward(cell)] };
        // Values of ±1 in no order that the batch or the features have.
        let x = (0..steps * batch * hidden).map(|n| (n * 7919 % 1009) as f32 / 504.0 - 1.0).collect();
        Lesson { kind, hidden, batch, steps, weights, network, x, lengths: None }
    }

    /// The same with lengths from 1 to T in equal steps: about half is padding.
    fn padded(&self) -> Self {
        let lengths = (1..=self.batch).map(|row| (row * self.steps).div_ceil(self.batch)).collect();
        let own = Lesson::new(self.kind, [self.hidden, self.batch, self.steps]);
        Lesson { lengths: Some(lengths), ..own }
    }

    fn valid(&self) -> usize {
        self.lengths.as_ref().map_or(self.steps * self.batch, |lengths| lengths.iter().sum())
    }

    fn learner(&self, level: Level, threads: usize) -> Learner {
        let cell = Operation::Recurrent(Box::new(Recurrent::forward(self.weights.clone())));
        let options = Options { threads, level: Some(level), ..Options::default() };
        let blueprint = Blueprint { layers: vec![Layer::new("cell", cell)], ..Blueprint::default() };
        Learner::new(blueprint, options).unwrap()
    }

    /// There and back, over the first steps; `y` holds the gradients of all outputs.
    fn learn(&self, learner: &mut Learner, steps: usize, y: &[f32]) {
        let x = black_box(&self.x[..steps * self.batch * self.hidden]);
        let batch = Batch { lengths: self.lengths.as_deref(), ..Batch::new(x, Layout::TimeMajor, self.batch) };
        learner.forward(&batch).unwrap();
        learner.zero_gradients();
        black_box(learner.backward(Upstream { y: black_box(y), ..Upstream::default() }).unwrap());
    }

    /// What is timed.
    fn lesson(&self, level: Level, threads: usize, steps: usize) -> impl FnMut() + Send + '_ {
        let ones = vec![1.0; steps * self.batch * self.hidden];
        let mut learner = self.learner(level, threads);
        move || self.learn(&mut learner, steps, &ones)
    }

    fn contender(&self, level: Level, threads: usize) -> Contender<'_> {
        // A step takes as long in a short sequence; without FMA a long one takes seconds.
        let steps = if level == Level::Portable { self.steps.min(10) } else { self.steps };
        let model = Model::with_level(self.weights.clone(), level).unwrap();
        let elements = steps * self.batch;
        let mut work = Work::of(&model, 0.5, [steps, elements]);
        // Back there are two products for each there: the gradients of the inputs and of the weights.
        work.operations *= 3.0;
        work.traffic *= 2.0;
        let call = Box::new(self.lesson(level, threads, steps));
        Contender { name: name(level, threads), threads, elements, work: Some(work), call }
    }

    fn compare(&self, criterion: &mut Criterion, title: &str) {
        let expected = (!smoke()).then(|| self.expected());
        let run = |(level, threads)| {
            expected.iter().flatten().for_each(|matrix| self.check(level, threads, matrix));
            self.contender(level, threads)
        };
        // One step: the reference takes some 150 ns a multiply-add, there and back.
        let call = Box::new(|| drop(black_box(self.reference(0, 1))));
        let reference = Contender { name: "reference".to_owned(), threads: 1, elements: 1, work: None, call };
        compare(
            criterion,
            title,
            [reference].into_iter().chain(Threads::AlsoTwo.runs().into_iter().map(run)).collect(),
        );
    }

    /// The reference's gradients for the first steps of a sequence.
    fn reference(&self, row: usize, steps: usize) -> AnyCell<f64> {
        let width = self.hidden;
        let x = wide(&take(&self.x[..steps * self.batch * width], self.batch, &[row], width));
        let ones = vec![1.0; x.len()];
        let layout = reference::Layout::TimeMajor;
        let sequence = Sequence { layout, batch: 1, steps, x: &x, h0: None, c0: None };
        let input = NetworkInput { sequence, lengths: None, keep: reference::Keep::LastStates };
        let loss = LossGradients { y: Some(&ones), ..LossGradients::default() };
        let mut gradients = self.network.backward(&input, &loss, &mut NoTrace).unwrap();
        let reference::Layer::Forward(cell) = gradients.weights.layers.remove(0) else {
            unreachable!("the layer reads forwards");
        };
        cell
    }

    /// The gradients of both matrices for the last sequence's loss, in the engine's order.
    fn expected(&self) -> [(&'static str, Vec<f64>); 2] {
        let mut cell = self.reference(self.batch - 1, BRIEF);
        let letters: &[&str] = if self.kind == Kind::Lstm { &["_i", "_f", "_g", "_o"] } else { &["_r", "_z", "_n"] };
        let found = cell.weights();
        [("cell.weight_ih", "W"), ("cell.weight_hh", "R")].map(|(name, matrix)| {
            let of = |letter: &&str| found.iter().find(|weight| weight.letter == format!("{matrix}{letter}"));
            (name, letters.iter().filter_map(of).flat_map(|weight| weight.values.to_vec()).collect())
        })
    }

    /// The same of a whole batch whose other sequences have no loss.
    fn check(&self, level: Level, threads: usize, (name, expected): &(&str, Vec<f64>)) {
        let mut y = vec![0.0; BRIEF * self.batch * self.hidden];
        for step in y.chunks_mut(self.batch * self.hidden) {
            step[(self.batch - 1) * self.hidden..].fill(1.0);
        }
        let mut learner = self.learner(level, threads);
        in_pool(threads, || self.learn(&mut learner, BRIEF, &y));
        let gradients = learner.gradients();
        let (_, found) = gradients.iter().find(|(own, _)| own == name).unwrap();
        assert_near(found, expected, 2e-5, || format!("{name}, {level}, {threads} threads, {:?}", self.kind));
    }
}

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    let lstm = Lesson::new(Kind::Lstm, [256, 32, 50]);
    lstm.compare(criterion, "LSTM, I=H=256 B=32 T=50");
    Lesson::new(Kind::Lstm, [512, 64, 50]).compare(criterion, "LSTM, I=H=512 B=64 T=50");
    Lesson::new(Kind::GruAfter, [256, 32, 50]).compare(criterion, "GRU, I=H=256 B=32 T=50");
    if !smoke() {
        beside_whole(&lstm, &lstm.padded());
    }
}

/// A batch that is half padding beside one that is whole, in turn.
fn beside_whole(whole: &Lesson, padded: &Lesson) {
    for level in levels() {
        let [mut all, mut part] = [whole, padded].map(|lesson| lesson.lesson(level, 1, lesson.steps));
        let times = in_turn(7, &mut [(1, &mut all), (1, &mut part)]);
        let valid = padded.valid() as f64 / whole.valid() as f64 * 100.0;
        let needed = times[1] / times[0] * 100.0;
        println!("lengths 1 to T, in turn with all T, {level}: {valid:.0} % of the steps, {needed:.0} % of the time");
    }
    println!();
}
