//! The clockwork RNN: a simple RNN whose units are computed at their own pace.

use crate::error::{Error, check_length};
use crate::gate::{Moment, State, Surroundings, Unit};
use crate::operand::Operand;
use crate::recorder::Recorder;
use crate::rnn::SimpleRnn;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// A clockwork RNN (Koutník et al. 2014).
///
/// ```text
/// h = φ(W x + R h⁻ + b)     at the steps of the unit's own clock: (t + first_t) mod period = 0
/// h = h⁻                    at all others
/// ```
///
/// A unit hears only units whose period is at least its own, so the fast ones hear the slow ones and not the other way. The
/// units of one period are a module; they stand next to each other, modules with longer periods behind. Seen by modules, the
/// part of R that is heard is then block upper triangular; the rest of it is not read.
///
/// t is where the step stands in its own sequence, in the reverse direction too: both directions compute a unit at the same
/// steps.
///
/// ```
/// use gatewise_reference::{Cell, ClockworkRnn, Function, Layout, Matrix, NoTrace, Sequence, SimpleRnn, forward};
///
/// // Both units add up what they hear; the second one looks up at every other step only.
/// let sums = SimpleRnn {
///     input_weights: Matrix::from_rows(&[[1.0], [1.0]]),
///     recurrent_weights: Matrix::from_rows(&[[1.0, 0.0], [0.0, 1.0]]),
///     bias: vec![0.0, 0.0],
///     activation: Function::Identity,
///     clip: None,
/// };
/// let clockwork = ClockworkRnn { rnn: sums, periods: vec![1, 2], first_t: 0 };
/// let x = [1.0, 10.0, 100.0];
/// let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 3, x: &x, h0: None, c0: None };
/// let output = forward(&clockwork, &input, &mut NoTrace)?;
/// assert_eq!(output.y, [1.0, 1.0, 11.0, 1.0, 111.0, 101.0]);
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClockworkRnn<S> {
    /// The weights, and what squashes.
    pub rnn: SimpleRnn<S>,
    /// The period of every unit, from 1, never falling from one unit to the next.
    pub periods: Vec<usize>,
    /// What the first step of a sequence counts as: 0, or 1 where the first step is t = 1.
    pub first_t: usize,
}

impl<S: Scalar> ClockworkRnn<S> {
    /// Whether (t + first_t) mod period = 0, for one unit at step t.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn fires(&self, unit: usize, t: usize) -> bool {
        t.saturating_add(self.first_t).is_multiple_of(self.periods[unit])
    }

    /// h = φ(W x + R h⁻ + b), for one unit that fires.
    pub fn hidden_state(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        let heard = |other: &usize| self.periods[*other] >= self.periods[unit.index];
        self.rnn.hidden_state_hearing(unit, (0..unit.hidden()).filter(heard), recorder)
    }

    /// h = h⁻, for one unit that does not fire.
    pub fn kept_hidden_state(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        recorder.product(unit.label("h", "hidden state"), &[unit.previous_hidden(unit.index)])
    }
}

impl<S: Scalar> Cell<S> for ClockworkRnn<S> {
    fn name(&self) -> &'static str {
        "clockwork RNN"
    }

    fn input_size(&self) -> usize {
        self.rnn.input_size()
    }

    fn hidden_size(&self) -> usize {
        self.rnn.hidden_size()
    }

    fn has_cell_state(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), Error> {
        self.rnn.check()?;
        check_length("periods", self.hidden_size(), self.periods.len())?;
        let mut least = 1;
        for (unit, &found) in self.periods.iter().enumerate() {
            if found < least {
                return Err(Error::Period { unit, least, found });
            }
            least = found;
        }
        Ok(())
    }

    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        self.step_in(now, Surroundings::default(), recorder)
    }

    fn step_in(
        &self,
        now: &Moment<'_, S>,
        surroundings: Surroundings<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> State<S> {
        let mut h = Vec::with_capacity(self.hidden_size());
        for index in 0..self.hidden_size() {
            let unit = now.unit(index);
            let state = match self.fires(index, surroundings.step) {
                true => self.hidden_state(unit, recorder),
                false => self.kept_hidden_state(unit, recorder),
            };
            h.push(state.value);
        }
        State { h, c: Vec::new() }
    }
}
