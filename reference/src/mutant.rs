//! MUT1, MUT2 and MUT3: what a search through ten thousand cells found beside the GRU.

use crate::error::Error;
use crate::function::Function;
use crate::gate::{Gate, Moment, Sizes, State, Unit};
use crate::letters::{MUTANT_CANDIDATE, RESET, UPDATE};
use crate::operand::Operand;
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// A mutation of the GRU (Jozefowicz et al. 2015).
///
/// ```text
/// z = σ(W_z x + b_z)                              update gate, MUT1
/// z = σ(W_z x + R_z h⁻ + b_z)                     update gate, MUT2
/// z = σ(W_z x + R_z tanh(h⁻) + b_z)               update gate, MUT3
/// r = σ(W_r x + R_r h⁻ + b_r)                     reset gate
/// n = tanh(R_h (r·h⁻) + tanh(W_h x) + b_h)        candidate, MUT1
/// n = tanh(W_h x + R_h (r·h⁻) + b_h)              candidate, MUT2 and MUT3
/// h = n·z + h⁻·(1−z)                              hidden state
/// ```
///
/// The paper hears x bare in two places, tanh(x) in MUT1's candidate and x in MUT2's reset gate: W_h or W_r is then the
/// identity, and I = H.
///
/// # Shapes
/// W: H × I, R: H × H, b: H. MUT1's R_z is not read, but has the shape of the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutant<S> {
    /// How much of the candidate is written.
    pub update_gate: Gate<S>,
    /// How much the candidate hears of the previous hidden state.
    pub reset_gate: Gate<S>,
    /// What could be written.
    pub candidate: Gate<S>,
    /// Which of the three it is.
    pub mutation: Mutation,
}

/// Which of the three cells that the paper names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// The update gate hears only x, the candidate tanh(W_h x).
    Mut1,
    /// The GRU with the reset before; z writes the new.
    Mut2,
    /// The update gate hears tanh(h⁻).
    Mut3,
}

impl<S: Scalar> Mutant<S> {
    /// tanh(h⁻), for one unit: what MUT3's update gates hear.
    pub fn squashed_hidden_state(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let label = unit.label("tanh(h⁻)", "squashed hidden state");
        recorder.apply(label, Function::Tanh, unit.previous_hidden(unit.index))
    }

    /// z = σ(W_z x + R_z v + b_z), for one unit; `heard` is v of all units: nothing, h⁻ or tanh(h⁻).
    pub fn update_gate(&self, unit: Unit<'_, S>, heard: &[Operand<S>], recorder: &mut impl Recorder<S>) -> Operand<S> {
        let z_z = self.update_gate.sum_hearing(&UPDATE, unit, heard, recorder);
        recorder.apply(unit.label("z", "update gate"), Function::Sigmoid, z_z)
    }

    /// r = σ(W_r x + R_r h⁻ + b_r), for one unit.
    pub fn reset_gate(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let z_r = self.reset_gate.sum(&RESET, unit, None, recorder);
        recorder.apply(unit.label("r", "reset gate"), Function::Sigmoid, z_r)
    }

    /// r·h⁻, for one unit: what the candidates of all units hear of it.
    pub fn reset_hidden_state(&self, unit: Unit<'_, S>, r: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        recorder.product(unit.label("r·h⁻", "reset hidden state"), &[r, unit.previous_hidden(unit.index)])
    }

    /// tanh(W_h x), for one unit: what MUT1's candidate hears of the features.
    pub fn squashed_features(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let features = recorder.sum(unit.label("W_h·x", "feature sum"), |sum| {
            for feature in 0..unit.inputs() {
                sum.add(&[self.candidate.input_weight(&MUTANT_CANDIDATE, unit, feature), unit.feature(feature)]);
            }
        });
        recorder.apply(unit.label("tanh(W_h·x)", "squashed feature sum"), Function::Tanh, features)
    }

    /// n = tanh(R_h (r·h⁻) + tanh(W_h x) + b_h), for one unit of MUT1; `reset` is r·h⁻ of all units.
    pub fn candidate_of_squashed(
        &self,
        unit: Unit<'_, S>,
        squashed: Operand<S>,
        reset: &[Operand<S>],
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        let z_h = recorder.sum(unit.label(MUTANT_CANDIDATE.sum, MUTANT_CANDIDATE.sum_name), |z_h| {
            for other in 0..reset.len() {
                z_h.add(&[self.candidate.recurrent_weight(&MUTANT_CANDIDATE, unit, other), reset[other]]);
            }
            z_h.add(&[squashed]);
            z_h.add(&[self.candidate.bias(&MUTANT_CANDIDATE, unit)]);
        });
        recorder.apply(unit.label("n", "candidate"), Function::Tanh, z_h)
    }

    /// n = tanh(W_h x + R_h (r·h⁻) + b_h), for one unit of MUT2 or MUT3; `reset` is r·h⁻ of all units.
    pub fn candidate(&self, unit: Unit<'_, S>, reset: &[Operand<S>], recorder: &mut impl Recorder<S>) -> Operand<S> {
        let z_h = self.candidate.sum_hearing(&MUTANT_CANDIDATE, unit, reset, recorder);
        recorder.apply(unit.label("n", "candidate"), Function::Tanh, z_h)
    }

    /// h = n·z + h⁻·(1−z), for one unit.
    pub fn hidden_state(
        &self,
        unit: Unit<'_, S>,
        z: Operand<S>,
        n: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        let written = recorder.product(unit.label("n·z", "written candidate"), &[n, z]);
        let rest = recorder.sum(unit.label("1−z", "rest of the update gate"), |rest| {
            rest.add(&[Operand::one()]);
            rest.subtract(&[z]);
        });
        let old = unit.previous_hidden(unit.index);
        let kept = recorder.product(unit.label("h⁻·(1−z)", "kept hidden state"), &[old, rest]);
        recorder.sum(unit.label("h", "hidden state"), |h| {
            h.add(&[written]);
            h.add(&[kept]);
        })
    }
}

impl<S: Scalar> Cell<S> for Mutant<S> {
    fn name(&self) -> &'static str {
        match self.mutation {
            Mutation::Mut1 => "MUT1",
            Mutation::Mut2 => "MUT2",
            Mutation::Mut3 => "MUT3",
        }
    }

    fn input_size(&self) -> usize {
        self.candidate.input_weights.columns()
    }

    fn hidden_size(&self) -> usize {
        self.candidate.recurrent_weights.rows()
    }

    fn has_cell_state(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), Error> {
        let (inputs, hidden) = (self.input_size(), self.hidden_size());
        let sizes = Sizes { inputs, hidden, outputs: hidden, peephole: 0 };
        self.update_gate.check(&UPDATE, sizes)?;
        self.reset_gate.check(&RESET, sizes)?;
        self.candidate.check(&MUTANT_CANDIDATE, sizes)
    }

    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        let units = || (0..self.hidden_size()).map(|index| now.unit(index));
        // What a unit hears of all units comes before the unit.
        let heard: Vec<Operand<S>> = match self.mutation {
            Mutation::Mut1 => Vec::new(),
            Mutation::Mut2 => units().map(|unit| unit.previous_hidden(unit.index)).collect(),
            Mutation::Mut3 => units().map(|unit| self.squashed_hidden_state(unit, recorder)).collect(),
        };
        let (mut update, mut reset) = (Vec::new(), Vec::new());
        for unit in units() {
            update.push(self.update_gate(unit, &heard, recorder));
            let r = self.reset_gate(unit, recorder);
            reset.push(self.reset_hidden_state(unit, r, recorder));
        }
        let mut h = Vec::new();
        for unit in units() {
            let n = match self.mutation {
                Mutation::Mut1 => {
                    let squashed = self.squashed_features(unit, recorder);
                    self.candidate_of_squashed(unit, squashed, &reset, recorder)
                }
                Mutation::Mut2 | Mutation::Mut3 => self.candidate(unit, &reset, recorder),
            };
            h.push(self.hidden_state(unit, update[unit.index], n, recorder).value);
        }
        State { h, c: Vec::new() }
    }
}
