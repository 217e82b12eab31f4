//! The book of recurrent cells: the equations, one function a gate, every number explained.
//!
//! Read it beside the equations. It depends on nothing, uses loops and indices, and never gets faster; the fast kernels are
//! checked against it.
//!
//! # Letters
//! `x` features (I of them), `h` hidden state and `c` cell state (H units), `h⁻` and `c⁻` those of the previous step;
//! `W` input weights (H × I), `R` recurrent weights (H × H), `b` bias, `p` peephole, `W_hr` projection (P × H; then h has P
//! values), `z_f` … the sum that the forget gate squashes. `·` multiplies number by number, `σ` is the sigmoid. `d f` is the
//! loss's gradient with respect to f.
//!
//! # The chapters
//! 1. Squashing: [`sigmoid`], [`tanh`], [`relu`], and ONNX' other activations ([`Function`]); [`softmax`] for the answer,
//!    [`one_hot`] for words; [`facts`].
//! 2. [`SimpleRnn`]: `h = φ(W x + R h⁻ + b)`.
//! 3. [`Lstm`]: forget gate, candidate, input gate, cell state, output gate, hidden state; its [variants](LstmOptions) and
//!    [peepholes](Gate::peephole) and [projection](Lstm::projection).
//! 4. [`Gru`]: reset gate, update gate, candidate.
//! 5. [`ClockworkRnn`], [`DepthGated`], [`Mutant`] (MUT1, MUT2, MUT3): what others made of them.
//! 6. [`forward`]: whole sequences, `[batch, timesteps, features]`.
//! 7. [`Network`]: [layers](Layer) on top of each other, in one direction or two, sequences of different lengths.
//! 8. [`Trace`]: every quantity with its formula, to read, to print, to [change](Changes).
//! 9. [`backward`] and [`Network::backward`]: the gradients of everything that was given, likewise with every formula.
//!
//! # The worked example
//! One unit, one feature, one step: c⁻ = 2, x = 1, h⁻ = 1. The gates in the order of the documents:
//!
//! ```
//! use gatewise_reference::{NoTrace, example};
//!
//! let lstm = example::worked_example::<f64>();
//! let now = example::moment();
//! let unit = now.unit(0);
//! let none = &mut NoTrace;
//!
//! // How much of the old memory is kept?
//! let f = lstm.forget_gate(unit, none);
//! let kept = lstm.kept_memory(unit, f, none);
//! assert_eq!(format!("{:.2} {:.2}", f.value, kept.value), "1.00 1.99");
//!
//! // What could be written, and how much of it is?
//! let g = lstm.candidate(unit, none);
//! let i = lstm.input_gate(unit, none);
//! let written = lstm.written_memory(unit, i, g, none);
//! assert_eq!(format!("{:.2} {:.2}", g.value, i.value), "0.97 0.99");
//!
//! // The new memory, and what is shown of it.
//! let c = lstm.cell_state(unit, kept, written, none);
//! let squashed = lstm.squashed_cell_state(unit, c, none);
//! let o = lstm.output_gate(unit, c, none);
//! let h = lstm.hidden_state(unit, o, squashed, none);
//! assert_eq!(format!("{:.2} {:.2} {:.2}", c.value, o.value, h.value), "2.95 0.99 0.99");
//! ```
//!
//! The same step in one call, with every number explained:
//!
//! ```
//! use gatewise_reference::{Layout, Sequence, Trace, TraceFilter, example, forward};
//!
//! let input = Sequence {
//!     layout: Layout::BatchFirst,
//!     batch: 1,
//!     steps: 1,
//!     x: &[example::X],
//!     h0: Some(&[example::H_PREVIOUS]),
//!     c0: Some(&[example::C_PREVIOUS]),
//! };
//! let mut trace = Trace::new(TraceFilter::default());
//! let output = forward(&example::worked_example::<f64>(), &input, &mut trace)?;
//! assert!((output.y[0] - 0.986229125417).abs() < 1e-12);
//! assert_eq!(format!("{trace:.2}"), "\
//! LSTM, batch row 0, step 0
//! z_f     = 1.63·1 + 2.70·1 + 1.62    = 5.95  forget gate's sum
//! f       = σ(5.95)                   = 1.00  forget gate
//! f·c⁻    = 1.00·2                    = 1.99  kept memory
//! z_g     = 0.94·1 + 1.41·1 − 0.32    = 2.03  candidate's sum
//! g       = tanh(2.03)                = 0.97  candidate
//! z_i     = 1.65·1 + 2·1 + 0.62       = 4.27  input gate's sum
//! i       = σ(4.27)                   = 0.99  input gate
//! i·g     = 0.99·0.97                 = 0.95  written memory
//! c       = 1.99 + 0.95               = 2.95  cell state
//! tanh(c) = tanh(2.95)                = 0.99  squashed cell state
//! z_o     = (−0.19)·1 + 4.38·1 + 0.59 = 4.78  output gate's sum
//! o       = σ(4.78)                   = 0.99  output gate
//! h       = 0.99·0.99                 = 0.99  hidden state
//! ");
//! # Ok::<(), gatewise_reference::Error>(())
//! ```
//!
//! # The way back
//! A loss tells how much it would grow with every number that was computed: its gradient, `d h` for h. Back-propagation asks
//! the same of every number before it. No cell has equations of its own for that. Its step is a list of formulas, each a sum
//! of products or a function of one number, and the way back reads the list from its end by two rules:
//!
//! - d of a factor is d of the sum times the other factors: `c = f·c⁻ + i·g` gives `d f = d c·c⁻`;
//! - d of an argument is d of the value times the slope: `f = σ(z_f)` gives `d z_f = d f·f·(1−f)`.
//!
//! A number that several others were computed from hears from all of them, and their sum is its d. At the end of a step stand
//! d x, d h⁻ and d c⁻, which the step before hears next, and each weight's share; the shares of all steps are the weight's
//! gradient. A learner then moves every weight a little against it ([`Learned`]).
//!
//! In the worked example, with h itself as the loss (so `d h_n` is 1):
//!
//! ```
//! use gatewise_reference::{Layout, LossGradients, Sequence, Trace, TraceFilter, backward, example};
//!
//! let input = Sequence {
//!     layout: Layout::BatchFirst,
//!     batch: 1,
//!     steps: 1,
//!     x: &[example::X],
//!     h0: Some(&[example::H_PREVIOUS]),
//!     c0: Some(&[example::C_PREVIOUS]),
//! };
//! let loss = LossGradients { h_n: Some(&[1.0]), ..LossGradients::default() };
//! let mut trace = Trace::new(TraceFilter::default());
//! let gradients = backward(&example::worked_example::<f64>(), &input, &loss, &mut trace)?;
//!
//! let d_f = trace.get(0, 0, "f").expect("d f");
//! assert_eq!((d_f.symbol.as_str(), d_f.formula.with_symbols(Default::default())), ("d f", "d (f·c⁻)·c⁻".to_string()));
//! assert!(format!("{trace:.4}").starts_with("\
//! LSTM, batch row 0, step 0
//! d h       = 1                                                                = 1        hidden state
//! d o       = 1·0.9945                                                         = 0.9945   output gate
//! d z_o     = 0.9945·0.9917·0.0083                                             = 0.0082   output gate's sum
//! d tanh(c) = 1·0.9917                                                         = 0.9917   squashed cell state
//! d c       = 0.9917·0.0110                                                    = 0.0109   cell state
//! d (i·g)   = 0.0109                                                           = 0.0109   written memory
//! d i       = 0.0109·0.9661                                                    = 0.0105   input gate
//! d z_i     = 0.0105·0.9862·0.0138                                             = 0.0001   input gate's sum
//! d g       = 0.0109·0.9862                                                    = 0.0107   candidate
//! d z_g     = 0.0107·0.0667                                                    = 0.0007   candidate's sum
//! d (f·c⁻)  = 0.0109                                                           = 0.0109   kept memory
//! d f       = 0.0109·2                                                         = 0.0217   forget gate
//! d z_f     = 0.0217·0.9974·0.0026                                             = 0.0001   forget gate's sum
//! "));
//!
//! // The gradients of a cell are a cell that holds gradients; R_o's is d z_o·h⁻.
//! assert!((gradients.weights.output_gate.recurrent_weights.get(0, 0) - 8.211435514613e-3).abs() < 1e-14);
//! assert!((gradients.h0[0] - 3.741032259017e-2).abs() < 1e-13);
//! # Ok::<(), gatewise_reference::Error>(())
//! ```

#![allow(clippy::needless_range_loop, reason = "the equations have indices, and so has the book")]

mod activation;
mod any_cell;
mod backward;
mod clockwork;
mod depth_gated;
mod direction;
mod ends;
mod error;
pub mod example;
mod expression;
pub mod facts;
mod formula;
mod function;
mod gate;
mod gru;
mod json;
mod layer;
mod letters;
mod lstm;
mod matrix;
mod model;
mod mutant;
mod network;
mod notation;
mod operand;
mod passes;
mod program;
mod pytorch;
mod recorder;
mod rnn;
mod scalar;
mod sequence;
mod table;
mod trace;
mod variants;
mod walk;

pub use activation::{
    affine, clip, elu, hard_sigmoid, leaky_relu, relu, scaled_tanh, sigmoid, softplus, softsign, tanh, thresholded_relu,
};
pub use any_cell::AnyCell;
pub use backward::{Gradients, Learned, LossGradients, Weight, backward};
pub use clockwork::ClockworkRnn;
pub use depth_gated::DepthGated;
pub use direction::{Direction, Place};
pub use ends::{one_hot, softmax};
pub use error::Error;
pub use formula::{Formula, Named, Product};
pub use function::Function;
pub use gate::{Gate, Moment, State, Surroundings, Unit};
pub use gru::{Gru, Reset, Update};
pub use layer::{Layer, Merge};
pub use lstm::Lstm;
pub use matrix::Matrix;
pub use model::{
    Dense, Embedding, Gives, Masked, ModelError, ModelInput, ModelOutput, ModelRows, Recurrent, RowFunction,
    SequentialLayer, SequentialModel, Shape, log_softmax,
};
pub use mutant::{Mutant, Mutation};
pub use network::{Keep, Network, NetworkInput, NetworkOutput};
pub use notation::{Length, number};
pub use operand::{Operand, Symbol};
pub use program::Changes;
pub use pytorch::PyTorchWeights;
pub use recorder::{Label, NoTrace, Recorder, Sum};
pub use rnn::SimpleRnn;
pub use scalar::Scalar;
pub use sequence::{Cell, Layout, Output, Sequence, forward};
pub use trace::{Quantity, Step, Trace, TraceFilter};
pub use variants::{Coupling, GateUse, GruOptions, LstmOptions};
