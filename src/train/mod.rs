//! Learning: forward and backward propagation through time, and what goes with it.
//!
//! A [`Learner`] is a model that keeps what back-propagation needs; a [`Run`] takes it through a [`Dataset`] by a [`Plan`]:
//! batches of chance, a loss, bounded gradients, an optimizer, a judgement after every epoch, checkpoints that go on to the same
//! bits. Both are made of parts that can be used alone.
//!
//! Every result has the same bits on any number of threads: what is summed over a batch is summed in an order that depends on
//! the batch and the model alone.

mod backward;
pub mod batches;
mod block;
pub mod checkpoint;
pub mod clip;
mod clockwork;
mod data;
mod dense;
pub mod dropout;
pub mod early;
mod forward;
pub mod initial;
pub mod loss;
mod network;
pub mod optimizer;
mod pass;
pub mod random;
mod recurrent;
mod run;
pub mod schedule;
mod steps;

pub use checkpoint::Checkpoint;
pub use data::{Dataset, Steps, Wanted};
pub use early::EarlyStopping;
pub use initial::Initial;
pub use loss::{Loss, Objective};
pub use network::{Batch, Downstream, Learner, Options, Outcome, Upstream};
pub use optimizer::{Adam, Optimizer, Rule, Sgd};
pub use pass::Memory;
pub use random::Random;
pub use run::{Clip, Epoch, Moment, Plan, Run, Step, evaluate};
pub use schedule::{Plateau, Schedule};
