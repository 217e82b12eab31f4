//! The way back: what the loss hears of every number that was computed, and of every weight.
//!
//! No cell has a backward pass of its own. A step is a list of formulas, each a sum of products or a function of one number,
//! and the way back reads the same list from its end: d of a factor is d of the sum times the other factors, d of an
//! argument is d of the value times the slope. What a number passes on to several others, it hears back from all of them.

mod layers;
mod learned;
mod shares;
mod slope;
mod step;
mod tape;
mod walk;

pub use learned::{Learned, Weight};

use crate::error::{Error, check_length};
use crate::recorder::{NoTrace, Recorder};
use crate::scalar::Scalar;
use crate::sequence::Sequence;
use walk::WalkBack;

/// The loss's gradients with respect to what was computed; what is not given is 0.
///
/// y past a sequence's length is 0 whatever the weights are, so its gradient there is not read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossGradients<'a, S> {
    /// With respect to y, in its shape.
    pub y: Option<&'a [S]>,
    /// With respect to the reverse direction's y, where the last layer keeps it separate.
    pub y_reverse: Option<&'a [S]>,
    /// With respect to h_n, in its shape.
    pub h_n: Option<&'a [S]>,
    /// With respect to c_n, in its shape.
    pub c_n: Option<&'a [S]>,
}

/// The loss's gradients with respect to everything that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<S, W> {
    /// A cell, or a network of cells, of the same shapes and options, with the gradients in the places of the weights; 0 for
    /// weights that are not read.
    pub weights: W,
    /// With respect to x, in its layout; 0 past a sequence's length.
    pub x: Vec<S>,
    /// With respect to h0, in its shape, given or not.
    pub h0: Vec<S>,
    /// With respect to c0, likewise.
    pub c0: Vec<S>,
}

/// Nothing is heard of anything.
impl<S> Default for LossGradients<'_, S> {
    fn default() -> Self {
        LossGradients { y: None, y_reverse: None, h_n: None, c_n: None }
    }
}

/// Computes what [`forward`](crate::forward) does, and walks back through it: back-propagation through time.
///
/// The recorder is told every d in the order of computation, from the last step to the first: symbols begin with `d`
/// ([`Step::find`](crate::Step::find) finds `d f[2]`, [`Step::get`](crate::Step::get) by the letter of what it is d of:
/// `get(2, "f")`). At the end of a step come those of what was given to it; of a weight it is this step's share. `d h⁻(t+1)`
/// is d of h⁻ at the step that was computed after this one.
///
/// # Errors
/// The errors of [`forward`](crate::forward); [`Error::Length`] if a gradient has not the size of what it belongs to.
///
/// ```
/// use gatewise_reference::{
///     Layout, LossGradients, Sequence, Trace, TraceFilter, backward, example,
/// };
///
/// let input = Sequence {
///     layout: Layout::BatchFirst,
///     batch: 1,
///     steps: 1,
///     x: &[example::X],
///     h0: Some(&[example::H_PREVIOUS]),
///     c0: Some(&[example::C_PREVIOUS]),
/// };
/// let loss = LossGradients { h_n: Some(&[1.0]), ..LossGradients::default() };
/// let mut trace = Trace::new(TraceFilter::default());
/// let gradients = backward(&example::worked_example::<f64>(), &input, &loss, &mut trace)?;
/// assert!((gradients.c0[0] - 1.083144340383e-2).abs() < 1e-14);
/// assert_eq!(gradients.weights.forget_gate.bias[0], trace.get(0, 0, "z_f").expect("d z_f").value);
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
pub fn backward<S: Scalar, C: Learned<S>>(
    cell: &C,
    input: &Sequence<'_, S>,
    loss: &LossGradients<'_, S>,
    recorder: &mut impl Recorder<S>,
) -> Result<Gradients<S, C>, Error> {
    let start = input.start(cell)?;
    let walk = input.walk(&start);
    let walked = walk.run(cell, &mut NoTrace)?;
    loss.check([walked.h.len(), 0, walked.h_n.len(), walked.c_n.len()])?;

    recorder.begin_sequence(cell.name());
    let [y, _, h_n, c_n] = loss.buffers();
    let back = WalkBack { walk, walked: &walked, y, c: &[], h_n, c_n };
    let mut weights = cell.with_zeros();
    let given = back.run(cell, &mut weights, recorder)?;
    Ok(Gradients { weights, x: given.x, h0: given.h0, c0: given.c0 })
}

impl<'a, S: Scalar> LossGradients<'a, S> {
    /// Checks the number of values of each.
    fn check(&self, expected: [usize; 4]) -> Result<(), Error> {
        let given = [("d y", self.y), ("d y_reverse", self.y_reverse), ("d h_n", self.h_n), ("d c_n", self.c_n)];
        for ((buffer, given), expected) in given.into_iter().zip(expected) {
            if let Some(given) = given {
                check_length(buffer, expected, given.len())?;
            }
        }
        Ok(())
    }

    /// Each of them; empty where none is given.
    fn buffers(&self) -> [&'a [S]; 4] {
        [self.y, self.y_reverse, self.h_n, self.c_n].map(Option::unwrap_or_default)
    }
}
