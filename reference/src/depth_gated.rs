//! The depth-gated LSTM: a gate between its memory and that of the layer below.

use crate::error::{Error, check_length};
use crate::function::Function;
use crate::gate::{Moment, State, Surroundings, Unit};
use crate::lstm::Lstm;
use crate::matrix::Matrix;
use crate::operand::Operand;
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// A depth-gated LSTM (Yao et al. 2015): layer l over layer l−1 with as many units. The lowest layer is an [`Lstm`].
///
/// ```text
/// d = σ(W_d x + w_cd·c⁻ + w_ld·c_below + b_d)     depth gate
/// c = d·c_below + f·c⁻ + i·g                      cell state
/// ```
///
/// `c_below` is the cell state that the layer below computes at the same step, in the same direction (of a layer below that
/// has only one, in that one). All other lines are the LSTM's; the paper's gates have peepholes.
#[derive(Debug, Clone, PartialEq)]
pub struct DepthGated<S> {
    /// The gates that every LSTM has, and its options.
    pub lstm: Lstm<S>,
    /// W_d, units × features.
    pub depth_weights: Matrix<S>,
    /// b_d, one a unit.
    pub depth_bias: Vec<S>,
    /// w_cd, one a unit: how much the depth gate sees of c⁻.
    pub previous_peephole: Vec<S>,
    /// w_ld, one a unit: how much the depth gate sees of c of the layer below.
    pub below_peephole: Vec<S>,
}

impl<S: Scalar> DepthGated<S> {
    /// d = σ(W_d x + w_cd·c⁻ + w_ld·c_below + b_d), for one unit.
    pub fn depth_gate(&self, unit: Unit<'_, S>, c_below: Operand<S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let z_d = recorder.sum(unit.label("z_d", "depth gate's sum"), |z_d| {
            for feature in 0..unit.inputs() {
                let weight = Operand::of_matrix("W_d", &self.depth_weights, unit.index, feature);
                z_d.add(&[weight, unit.feature(feature)]);
            }
            z_d.add(&[Operand::of_vector("w_cd", &self.previous_peephole, unit.index), unit.previous_cell()]);
            z_d.add(&[Operand::of_vector("w_ld", &self.below_peephole, unit.index), c_below]);
            z_d.add(&[Operand::of_vector("b_d", &self.depth_bias, unit.index)]);
        });
        recorder.apply(unit.label("d", "depth gate"), Function::Sigmoid, z_d)
    }

    /// d·c_below, for one unit: what is taken from the layer below.
    pub fn taken_memory(
        &self,
        unit: Unit<'_, S>,
        d: Operand<S>,
        c_below: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.product(unit.label("d·c_below", "memory from below"), &[d, c_below])
    }

    /// c = d·c_below + f·c⁻ + i·g, for one unit.
    pub fn cell_state(
        &self,
        unit: Unit<'_, S>,
        taken: Operand<S>,
        kept: Operand<S>,
        written: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.sum(unit.label("c", "cell state"), |c| {
            c.add(&[taken]);
            c.add(&[kept]);
            c.add(&[written]);
        })
    }
}

impl<S: Scalar> Cell<S> for DepthGated<S> {
    fn name(&self) -> &'static str {
        "depth-gated LSTM"
    }

    fn input_size(&self) -> usize {
        self.lstm.input_size()
    }

    fn hidden_size(&self) -> usize {
        self.lstm.hidden_size()
    }

    fn output_size(&self) -> usize {
        self.lstm.output_size()
    }

    fn has_cell_state(&self) -> bool {
        true
    }

    fn memory_below(&self) -> usize {
        self.hidden_size()
    }

    fn check(&self) -> Result<(), Error> {
        self.lstm.check()?;
        let hidden = self.hidden_size();
        self.depth_weights.check_shape("W_d", hidden, self.input_size())?;
        check_length("b_d", hidden, self.depth_bias.len())?;
        check_length("w_cd", hidden, self.previous_peephole.len())?;
        check_length("w_ld", hidden, self.below_peephole.len())
    }

    /// # Panics
    /// Always, but for no units at all: there is a layer below ([`Cell::step_in`]).
    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        self.step_in(now, Surroundings::default(), recorder)
    }

    fn step_in(
        &self,
        now: &Moment<'_, S>,
        surroundings: Surroundings<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> State<S> {
        self.lstm.step_with(now, recorder, |unit, kept, written, recorder| {
            let c_below = Operand::of_vector("c_below", surroundings.c_below, unit.index);
            let d = self.depth_gate(unit, c_below, recorder);
            let taken = self.taken_memory(unit, d, c_below, recorder);
            self.cell_state(unit, taken, kept, written, recorder)
        })
    }
}
