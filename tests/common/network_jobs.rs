//! A batch for a whole network: what the engine makes of it, and what the reference does.

use gatewise::network::{Input, Network, NetworkSession, Rows};
use gatewise::{Layout, Level};
use gatewise_reference as reference;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference::{ModelInput, ModelRows, NoTrace};

use super::blueprints::Pair;
use super::jobs::{Found, Lengths, take, turned};
use super::wide;

/// A batch of sequences, time-major.
#[derive(Clone, Debug)]
pub struct NetworkJob {
    pub steps: usize,
    pub batch: usize,
    pub lengths: Option<Vec<usize>>,
    pub input: Fed,
}

/// The rows of a batch.
#[derive(Clone, Debug)]
pub enum Fed {
    Ids(Vec<i64>),
    Features { width: usize, x: Vec<f32> },
}

/// How a job is run.
#[derive(Clone, Copy, Debug)]
pub struct How {
    pub threads: usize,
    pub layout: Layout,
}

impl Fed {
    fn as_input(&self) -> Input<'_> {
        match self {
            Fed::Ids(ids) => Input::Ids(ids),
            Fed::Features { x, .. } => Input::Features(x),
        }
    }

    fn turned(&self, sizes: [usize; 2]) -> Fed {
        match self {
            Fed::Ids(ids) => Fed::Ids(turned(ids, sizes, 1)),
            Fed::Features { width, x } => Fed::Features { width: *width, x: turned(x, sizes, *width) },
        }
    }

    /// The rows at these places.
    fn take(&self, places: impl Iterator<Item = usize>) -> Fed {
        match self {
            Fed::Ids(ids) => Fed::Ids(places.map(|place| ids[place]).collect()),
            Fed::Features { width, x } => {
                let x = places.flat_map(|place| x[place * width..][..*width].iter().copied()).collect();
                Fed::Features { width: *width, x }
            }
        }
    }
}

impl NetworkJob {
    /// Ids of the table, or features from ±1 (multiples of 1/64); about a third of the rows say "nothing here".
    pub fn random(pair: &Pair, [steps, batch]: [usize; 2], lengths: Lengths, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0x51ed_270b_7a3c_4e15);
        let rows = steps * batch;
        let input = match pair.blueprint.input().unwrap().rows {
            Rows::Ids(count) => {
                let id = |_| if random.random_bool(0.3) { 0 } else { random.random_range(0..count as i64) };
                Fed::Ids((0..rows).map(id).collect())
            }
            Rows::Features(width) => {
                let mut x = Vec::with_capacity(rows * width);
                for _ in 0..rows {
                    let gap = random.random_bool(0.3);
                    x.extend((0..width).map(|_| match gap {
                        true => pair.gap,
                        false => f32::from(random.random_range(-64i8..=64)) / 64.0,
                    }));
                }
                Fed::Features { width, x }
            }
        };
        let ragged = lengths == Lengths::Ragged;
        let lengths = ragged.then(|| (0..batch).map(|_| random.random_range(0..=steps)).collect());
        NetworkJob { steps, batch, lengths, input }
    }

    pub fn run(&self, network: &Network, how: How) -> Found<f32> {
        let mut session = NetworkSession::new(network, self.batch).unwrap().with_threads(how.threads);
        self.run_in(&mut session, how.layout)
    }

    /// Runs it in a session, from the states that this is in.
    pub fn run_in(&self, session: &mut NetworkSession<&Network>, layout: Layout) -> Found<f32> {
        let input = match layout {
            Layout::TimeMajor => self.input.clone(),
            Layout::BatchFirst => self.input.turned([self.steps, self.batch]),
        };
        let y = session.forward(input.as_input(), layout, self.lengths.as_deref()).unwrap();
        let output = session.network().output();
        let y = match layout {
            Layout::BatchFirst if output.each_step => turned(&y, [self.batch, self.steps], output.width()),
            _ => y,
        };
        found(y, session.hidden_states(), session.cell_states())
    }

    /// Feeds it step by step.
    pub fn stepped(&self, network: &Network) -> Found<f32> {
        let mut session = NetworkSession::new(network, self.batch).unwrap();
        let mut y = Vec::new();
        for step in 0..self.steps {
            y.extend(session.step(self.cut(step..step + 1).input.as_input()).unwrap());
        }
        found(y, session.hidden_states(), session.cell_states())
    }

    /// The same by the reference.
    pub fn expected(&self, pair: &Pair) -> Found<f64> {
        let (ids, x): (Vec<usize>, Vec<f64>) = match &self.input {
            Fed::Ids(ids) => (ids.iter().map(|id| usize::try_from(*id).unwrap()).collect(), Vec::new()),
            Fed::Features { x, .. } => (Vec::new(), wide(x)),
        };
        let rows = match self.input {
            Fed::Ids(_) => ModelRows::Ids(&ids),
            Fed::Features { width, .. } => ModelRows::Features { features: width, x: &x },
        };
        let (layout, lengths) = (reference::Layout::TimeMajor, self.lengths.as_deref());
        let input = ModelInput { layout, batch: self.batch, steps: self.steps, rows, lengths };
        let output = pair.reference.forward(&input, &mut NoTrace).unwrap();
        found(output.y, output.h_n, output.c_n)
    }

    /// A batch of these sequences, in this order; one may come twice.
    pub fn take(&self, rows: &[usize]) -> NetworkJob {
        let places = (0..self.steps).flat_map(|step| rows.iter().map(move |row| step * self.batch + row));
        let lengths = self.lengths.as_ref().map(|lengths| rows.iter().map(|row| lengths[*row]).collect());
        NetworkJob { steps: self.steps, batch: rows.len(), lengths, input: self.input.take(places) }
    }

    /// Only these steps, all of them valid.
    pub fn cut(&self, steps: std::ops::Range<usize>) -> NetworkJob {
        let input = self.input.take(steps.start * self.batch..steps.end * self.batch);
        NetworkJob { steps: steps.len(), batch: self.batch, lengths: None, input }
    }

    /// What is to be found for [`NetworkJob::take`], given what was found for the whole.
    pub fn take_found(&self, whole: &Found<f32>, network: &Network, rows: &[usize]) -> Found<f32> {
        let batch = self.batch;
        let states = |values: &[f32], widths: Vec<usize>| -> Vec<f32> {
            let (mut rest, mut picked) = (values, Vec::new());
            for width in widths {
                let (own, after) = rest.split_at(batch * width);
                picked.extend(take(own, batch, rows, width));
                rest = after;
            }
            picked
        };
        found(
            take(&whole.y, batch, rows, network.output().width()),
            states(&whole.h, network.passes().iter().map(|pass| pass.hidden).collect()),
            states(&whole.c, network.passes().iter().map(|pass| pass.cell).collect()),
        )
    }
}

/// Time-major rows, or one row a sequence, and the last states.
fn found<T>(y: Vec<T>, h: Vec<T>, c: Vec<T>) -> Found<T> {
    Found { y, reverse: Vec::new(), cells: Vec::new(), h, c }
}

/// A pair's network on a level.
pub fn network(pair: &Pair, level: Level) -> Network {
    Network::with_level(&pair.blueprint, level).unwrap()
}
