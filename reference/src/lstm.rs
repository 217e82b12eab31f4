//! The LSTM: four gates' sums, a memory that is kept and written, and a hidden state that shows part of it.

use crate::error::Error;
use crate::function::Function;
use crate::gate::{Gate, Moment, Sizes, State, Unit};
use crate::letters::{self, CANDIDATE, FORGET, INPUT, OUTPUT};
use crate::matrix::Matrix;
use crate::operand::Operand;
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::Cell;
use crate::variants::{Coupling, GateUse, LstmOptions};

/// An LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).
///
/// ```text
/// f = σ(W_f x + R_f h⁻ + b_f)        forget gate
/// g = tanh(W_g x + R_g h⁻ + b_g)     candidate
/// i = σ(W_i x + R_i h⁻ + b_i)        input gate
/// c = f·c⁻ + i·g                     cell state
/// o = σ(W_o x + R_o h⁻ + b_o)        output gate
/// h = o·tanh(c)                      hidden state
/// h = W_hr (o·tanh(c))               hidden state, with a projection
/// ```
///
/// Every function below computes one of these lines for one unit; [`LstmOptions`] changes the lines.
///
/// # Shapes
/// W: H × I, R: H × H, b and p: H. With a projection (LSTMP, Sak et al. 2014; PyTorch's `proj_size`) h has P values and c still
/// H: W_hr is P × H, and R is H × P.
#[derive(Debug, Clone, PartialEq)]
pub struct Lstm<S> {
    /// How much of the old cell state is kept.
    pub forget_gate: Gate<S>,
    /// How much of the candidate is written.
    pub input_gate: Gate<S>,
    /// What could be written.
    pub candidate: Gate<S>,
    /// How much of the cell state is shown.
    pub output_gate: Gate<S>,
    /// Which of the LSTM's variants this is. The weights of a gate that is not computed are not read, but have the shape of
    /// the others ([`Gate::zeros`]).
    pub options: LstmOptions,
    /// W_hr, P × H: what the recurrent weights and the next layer hear is a product with it.
    pub projection: Option<Matrix<S>>,
}

impl<S: Scalar> Lstm<S> {
    /// f = σ(W_f x + R_f h⁻ + p_f·c⁻ + b_f), for one unit.
    pub fn forget_gate(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let label = unit.label("f", "forget gate");
        if self.options.forget_gate == GateUse::AlwaysOne {
            return recorder.product(label, &[Operand::one()]);
        }
        let z_f = self.forget_gate.sum(&FORGET, unit, Some(unit.previous_cell()), recorder);
        let z_f = unit.clip(&FORGET, self.options.clip, z_f, recorder);
        recorder.apply(label, self.options.gate_activation, z_f)
    }

    /// f = 1 − i, for one unit: the coupled forget gate.
    pub fn coupled_forget_gate(&self, unit: Unit<'_, S>, i: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        if self.options.forget_gate == GateUse::AlwaysOne {
            return self.forget_gate(unit, recorder);
        }
        recorder.sum(unit.label("f", "forget gate"), |f| {
            f.add(&[Operand::one()]);
            f.subtract(&[i]);
        })
    }

    /// f·c⁻, for one unit: what is kept of the old cell state.
    pub fn kept_memory(&self, unit: Unit<'_, S>, f: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        recorder.product(unit.label("f·c⁻", "kept memory"), &[f, unit.previous_cell()])
    }

    /// g = tanh(W_g x + R_g h⁻ + b_g), for one unit.
    pub fn candidate(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let z_g = self.candidate.sum(&CANDIDATE, unit, None, recorder);
        let z_g = unit.clip(&CANDIDATE, self.options.clip, z_g, recorder);
        recorder.apply(unit.label("g", "candidate"), self.options.input_activation, z_g)
    }

    /// i = σ(W_i x + R_i h⁻ + p_i·c⁻ + b_i), for one unit.
    pub fn input_gate(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let label = unit.label("i", "input gate");
        if self.options.input_gate == GateUse::AlwaysOne {
            return recorder.product(label, &[Operand::one()]);
        }
        let z_i = self.input_gate.sum(&INPUT, unit, Some(unit.previous_cell()), recorder);
        let z_i = unit.clip(&INPUT, self.options.clip, z_i, recorder);
        recorder.apply(label, self.options.gate_activation, z_i)
    }

    /// i = 1 − f, for one unit: the coupled input gate.
    pub fn coupled_input_gate(&self, unit: Unit<'_, S>, f: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        if self.options.input_gate == GateUse::AlwaysOne {
            return self.input_gate(unit, recorder);
        }
        recorder.sum(unit.label("i", "input gate"), |i| {
            i.add(&[Operand::one()]);
            i.subtract(&[f]);
        })
    }

    /// i·g, for one unit: what is written to the cell state.
    pub fn written_memory(
        &self,
        unit: Unit<'_, S>,
        i: Operand<S>,
        g: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.product(unit.label("i·g", "written memory"), &[i, g])
    }

    /// c = f·c⁻ + i·g, for one unit.
    pub fn cell_state(
        &self,
        unit: Unit<'_, S>,
        kept: Operand<S>,
        written: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.sum(unit.label("c", "cell state"), |c| {
            c.add(&[kept]);
            c.add(&[written]);
        })
    }

    /// tanh(c), for one unit; c itself without an output activation.
    pub fn squashed_cell_state(&self, unit: Unit<'_, S>, c: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let activation = self.options.output_activation;
        if activation == Function::Identity {
            return c;
        }
        let (letter, _) = letters::squashed_cell_state(activation);
        recorder.apply(unit.label(letter, "squashed cell state"), activation, c)
    }

    /// o = σ(W_o x + R_o h⁻ + p_o·c + b_o), for one unit; the peephole sees the new cell state.
    pub fn output_gate(&self, unit: Unit<'_, S>, c: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let label = unit.label("o", "output gate");
        if self.options.output_gate == GateUse::AlwaysOne {
            return recorder.product(label, &[Operand::one()]);
        }
        let z_o = self.output_gate.sum(&OUTPUT, unit, Some(c), recorder);
        let z_o = unit.clip(&OUTPUT, self.options.clip, z_o, recorder);
        recorder.apply(label, self.options.gate_activation, z_o)
    }

    /// h = o·tanh(c), for one unit.
    pub fn hidden_state(
        &self,
        unit: Unit<'_, S>,
        o: Operand<S>,
        squashed: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.product(unit.label("h", "hidden state"), &[o, squashed])
    }

    /// o·tanh(c), for one unit: what the projection hears.
    pub fn unprojected_hidden_state(
        &self,
        unit: Unit<'_, S>,
        o: Operand<S>,
        squashed: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        let (_, letter) = letters::squashed_cell_state(self.options.output_activation);
        recorder.product(unit.label(letter, "unprojected hidden state"), &[o, squashed])
    }

    /// h = W_hr (o·tanh(c)), for one of the P values of h; `unprojected` is o·tanh(c) of all units.
    pub fn projected_hidden_state(
        &self,
        output: Unit<'_, S>,
        projection: &Matrix<S>,
        unprojected: &[Operand<S>],
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.sum(output.output_label("h", "hidden state"), |h| {
            for unit in 0..unprojected.len() {
                h.add(&[Operand::of_matrix("W_hr", projection, output.index, unit), unprojected[unit]]);
            }
        })
    }
}

impl<S: Scalar> Cell<S> for Lstm<S> {
    fn name(&self) -> &'static str {
        "LSTM"
    }

    fn input_size(&self) -> usize {
        self.candidate.input_weights.columns()
    }

    fn hidden_size(&self) -> usize {
        self.candidate.recurrent_weights.rows()
    }

    fn output_size(&self) -> usize {
        match &self.projection {
            Some(projection) => projection.rows(),
            None => self.hidden_size(),
        }
    }

    fn has_cell_state(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), Error> {
        let (inputs, hidden, outputs) = (self.input_size(), self.hidden_size(), self.output_size());
        let sizes = Sizes { inputs, hidden, outputs, peephole: hidden };
        self.forget_gate.check(&FORGET, sizes)?;
        self.input_gate.check(&INPUT, sizes)?;
        self.candidate.check(&CANDIDATE, Sizes { peephole: 0, ..sizes })?;
        self.output_gate.check(&OUTPUT, sizes)?;
        match &self.projection {
            Some(projection) => projection.check_shape("W_hr", outputs, hidden),
            None => Ok(()),
        }
    }

    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        self.step_with(now, recorder, |unit, kept, written, recorder| self.cell_state(unit, kept, written, recorder))
    }
}

impl<S: Scalar> Lstm<S> {
    /// One step; `cell_state` computes c of one unit from what is kept and what is written.
    pub(crate) fn step_with<R: Recorder<S>>(
        &self,
        now: &Moment<'_, S>,
        recorder: &mut R,
        cell_state: impl Fn(Unit<'_, S>, Operand<S>, Operand<S>, &mut R) -> Operand<S>,
    ) -> State<S> {
        let mut state = State { h: Vec::new(), c: Vec::new() };
        let mut unprojected = Vec::new();
        for index in 0..self.hidden_size() {
            let unit = now.unit(index);
            // The documents' order, except that what depends on the other gate comes after it.
            let (i, g, kept);
            match self.options.coupling {
                Coupling::Independent => {
                    let f = self.forget_gate(unit, recorder);
                    kept = self.kept_memory(unit, f, recorder);
                    g = self.candidate(unit, recorder);
                    i = self.input_gate(unit, recorder);
                }
                Coupling::InputIsOneMinusForget => {
                    let f = self.forget_gate(unit, recorder);
                    kept = self.kept_memory(unit, f, recorder);
                    g = self.candidate(unit, recorder);
                    i = self.coupled_input_gate(unit, f, recorder);
                }
                Coupling::ForgetIsOneMinusInput => {
                    i = self.input_gate(unit, recorder);
                    let f = self.coupled_forget_gate(unit, i, recorder);
                    kept = self.kept_memory(unit, f, recorder);
                    g = self.candidate(unit, recorder);
                }
            }
            let written = self.written_memory(unit, i, g, recorder);
            let c = cell_state(unit, kept, written, recorder);
            let squashed = self.squashed_cell_state(unit, c, recorder);
            let o = self.output_gate(unit, c, recorder);
            state.c.push(c.value);
            match self.projection {
                None => state.h.push(self.hidden_state(unit, o, squashed, recorder).value),
                Some(_) => unprojected.push(self.unprojected_hidden_state(unit, o, squashed, recorder)),
            }
        }
        // Every value of a projected h hears all units, so it comes after them.
        if let Some(projection) = &self.projection {
            for output in 0..self.output_size() {
                let h = self.projected_hidden_state(now.unit(output), projection, &unprojected, recorder);
                state.h.push(h.value);
            }
        }
        state
    }
}
