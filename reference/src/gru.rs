//! The GRU: two gates and a candidate, and no memory beside the hidden state.

use crate::error::{Error, check_length};
use crate::gate::{Gate, Moment, Sizes, State, Unit};
use crate::letters::{GRU_CANDIDATE, RESET, UPDATE};
use crate::operand::Operand;
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::Cell;
use crate::variants::GruOptions;

/// A gated recurrent unit (Cho et al. 2014).
///
/// ```text
/// r = σ(W_r x + R_r h⁻ + b_r)                    reset gate
/// z = σ(W_z x + R_z h⁻ + b_z)                    update gate
/// n = tanh(W_n x + R_n (r·h⁻) + b_n + b_rn)      candidate, reset before
/// n = tanh(W_n x + r·(R_n h⁻ + b_rn) + b_n)      candidate, reset after
/// h = z·h⁻ + (1−z)·n                             hidden state, z keeps the old
/// h = (1−z)·h⁻ + z·n                             hidden state, z writes the new
/// ```
///
/// Every function below computes one of these lines for one unit; [`GruOptions`] changes what squashes.
#[derive(Debug, Clone, PartialEq)]
pub struct Gru<S> {
    /// How much the candidate hears of the previous hidden state.
    pub reset_gate: Gate<S>,
    /// How the hidden state is mixed from the previous one and the candidate.
    pub update_gate: Gate<S>,
    /// What could be written.
    pub candidate: Gate<S>,
    /// b_rn, the candidate's second bias, one a unit: stays inside r·(…) when the reset comes after, else it is only added.
    pub recurrent_bias: Option<Vec<S>>,
    /// Where r is applied.
    pub reset: Reset,
    /// What z = 1 means.
    pub update: Update,
    /// What squashes, and whether the sums are clipped first.
    pub options: GruOptions,
}

/// Where the reset gate is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reset {
    /// To h⁻, before the recurrent weights (the paper; ONNX' default).
    Before,
    /// To the recurrent sum, after the weights (PyTorch, cuDNN, Keras' default, ONNX `linear_before_reset=1`).
    #[default]
    After,
}

/// What an update gate of 1 means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Update {
    /// The hidden state stays as it is: h = z·h⁻ + (1−z)·n (the paper and the frameworks).
    #[default]
    KeepsOld,
    /// The candidate takes its place: h = (1−z)·h⁻ + z·n (Colah's drawing).
    WritesNew,
}

impl<S: Scalar> Gru<S> {
    /// r = σ(W_r x + R_r h⁻ + b_r), for one unit.
    pub fn reset_gate(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let z_r = self.reset_gate.sum(&RESET, unit, None, recorder);
        let z_r = unit.clip(&RESET, self.options.clip, z_r, recorder);
        recorder.apply(unit.label("r", "reset gate"), self.options.gate_activation, z_r)
    }

    /// z = σ(W_z x + R_z h⁻ + b_z), for one unit.
    pub fn update_gate(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let z_z = self.update_gate.sum(&UPDATE, unit, None, recorder);
        let z_z = unit.clip(&UPDATE, self.options.clip, z_z, recorder);
        recorder.apply(unit.label("z", "update gate"), self.options.gate_activation, z_z)
    }

    /// r·h⁻, for one unit: what the candidates of all units hear of it when the reset comes before.
    pub fn reset_hidden_state(&self, unit: Unit<'_, S>, r: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        recorder.product(unit.label("r·h⁻", "reset hidden state"), &[r, unit.previous_hidden(unit.index)])
    }

    /// n = tanh(W_n x + R_n (r·h⁻) + b_n + b_rn), for one unit; `reset` is r·h⁻ of all units.
    pub fn candidate_reset_before(
        &self,
        unit: Unit<'_, S>,
        reset: &[Operand<S>],
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        let gate = &self.candidate;
        let z_n = recorder.sum(unit.label(GRU_CANDIDATE.sum, GRU_CANDIDATE.sum_name), |z_n| {
            for feature in 0..unit.inputs() {
                z_n.add(&[gate.input_weight(&GRU_CANDIDATE, unit, feature), unit.feature(feature)]);
            }
            for other in 0..unit.hidden() {
                z_n.add(&[gate.recurrent_weight(&GRU_CANDIDATE, unit, other), reset[other]]);
            }
            z_n.add(&[gate.bias(&GRU_CANDIDATE, unit)]);
            if let Some(recurrent_bias) = &self.recurrent_bias {
                z_n.add(&[Operand::of_vector("b_rn", recurrent_bias, unit.index)]);
            }
        });
        let z_n = unit.clip(&GRU_CANDIDATE, self.options.clip, z_n, recorder);
        recorder.apply(unit.label("n", "candidate"), self.options.candidate_activation, z_n)
    }

    /// n = tanh(W_n x + r·(R_n h⁻ + b_rn) + b_n), for one unit.
    pub fn candidate_reset_after(
        &self,
        unit: Unit<'_, S>,
        r: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        let gate = &self.candidate;
        let (heard_letter, reset_letter) = match self.recurrent_bias {
            Some(_) => ("R_n·h⁻+b_rn", "r·(R_n·h⁻+b_rn)"),
            None => ("R_n·h⁻", "r·(R_n·h⁻)"),
        };
        let heard = recorder.sum(unit.label(heard_letter, "recurrent sum"), |heard| {
            for other in 0..unit.hidden() {
                heard.add(&[gate.recurrent_weight(&GRU_CANDIDATE, unit, other), unit.previous_hidden(other)]);
            }
            if let Some(recurrent_bias) = &self.recurrent_bias {
                heard.add(&[Operand::of_vector("b_rn", recurrent_bias, unit.index)]);
            }
        });
        let reset = recorder.product(unit.label(reset_letter, "reset recurrent sum"), &[r, heard]);
        let z_n = recorder.sum(unit.label(GRU_CANDIDATE.sum, GRU_CANDIDATE.sum_name), |z_n| {
            for feature in 0..unit.inputs() {
                z_n.add(&[gate.input_weight(&GRU_CANDIDATE, unit, feature), unit.feature(feature)]);
            }
            z_n.add(&[reset]);
            z_n.add(&[gate.bias(&GRU_CANDIDATE, unit)]);
        });
        let z_n = unit.clip(&GRU_CANDIDATE, self.options.clip, z_n, recorder);
        recorder.apply(unit.label("n", "candidate"), self.options.candidate_activation, z_n)
    }

    /// h = z·h⁻ + (1−z)·n, or with old and new exchanged ([`Update`]), for one unit.
    pub fn hidden_state(
        &self,
        unit: Unit<'_, S>,
        z: Operand<S>,
        n: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        let rest = recorder.sum(unit.label("1−z", "rest of the update gate"), |rest| {
            rest.add(&[Operand::one()]);
            rest.subtract(&[z]);
        });
        let (kept_letter, keep, written_letter, write) = match self.update {
            Update::KeepsOld => ("z·h⁻", z, "(1−z)·n", rest),
            Update::WritesNew => ("(1−z)·h⁻", rest, "z·n", z),
        };
        let old = unit.previous_hidden(unit.index);
        let kept = recorder.product(unit.label(kept_letter, "kept hidden state"), &[keep, old]);
        let written = recorder.product(unit.label(written_letter, "written candidate"), &[write, n]);
        recorder.sum(unit.label("h", "hidden state"), |h| {
            h.add(&[kept]);
            h.add(&[written]);
        })
    }
}

impl<S: Scalar> Cell<S> for Gru<S> {
    fn name(&self) -> &'static str {
        "GRU"
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
        self.reset_gate.check(&RESET, sizes)?;
        self.update_gate.check(&UPDATE, sizes)?;
        self.candidate.check(&GRU_CANDIDATE, sizes)?;
        match &self.recurrent_bias {
            Some(recurrent_bias) => check_length("b_rn", hidden, recurrent_bias.len()),
            None => Ok(()),
        }
    }

    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        let mut h = Vec::new();
        match self.reset {
            Reset::After => {
                for index in 0..self.hidden_size() {
                    let unit = now.unit(index);
                    let r = self.reset_gate(unit, recorder);
                    let z = self.update_gate(unit, recorder);
                    let n = self.candidate_reset_after(unit, r, recorder);
                    h.push(self.hidden_state(unit, z, n, recorder).value);
                }
            }
            // A candidate hears r·h⁻ of every unit, so all gates come before all candidates.
            Reset::Before => {
                let (mut update, mut reset) = (Vec::new(), Vec::new());
                for index in 0..self.hidden_size() {
                    let unit = now.unit(index);
                    let r = self.reset_gate(unit, recorder);
                    update.push(self.update_gate(unit, recorder));
                    reset.push(self.reset_hidden_state(unit, r, recorder));
                }
                for index in 0..self.hidden_size() {
                    let unit = now.unit(index);
                    let n = self.candidate_reset_before(unit, &reset, recorder);
                    h.push(self.hidden_state(unit, update[index], n, recorder).value);
                }
            }
        }
        State { h, c: Vec::new() }
    }
}
