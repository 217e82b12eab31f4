//! What an update does to the parameters: gradient descent with momentum, Adam, AdamW, as PyTorch defines them.

mod rules;
mod update;

use serde::{Deserialize, Serialize};

pub use rules::{Adam, Decay, Lookahead, Rule, Sgd};

use crate::error::{Error, Result};
use crate::weights::check_finite;
use update::Scales;

/// A tensor of parameters, as an optimizer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its values.
    pub values: usize,
    /// Whether it decays.
    pub shrinks: Shrinks,
}

/// Whether the weight decay acts on a tensor. PyTorch's acts on all that an optimizer is given; many exempt biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shrinks {
    /// As the rule says.
    Yes,
    /// λ is 0 for it.
    No,
}

/// A rule with what it remembers of each tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    slots: Vec<Slot>,
    updates: u64,
    /// By tensor, then by role.
    moments: Vec<Vec<Vec<f32>>>,
}

impl Optimizer {
    /// An optimizer that remembers nothing yet, for parameters of these sizes.
    ///
    /// # Errors
    /// [`Error::Training`] for a momentum or β that is not in [0, 1), a negative decay, an ε that is not above 0.
    pub fn new(rule: Rule, slots: Vec<Slot>) -> Result<Self> {
        rule.check()?;
        let moments = slots.iter().map(|slot| vec![vec![0.0; slot.values]; rule.roles().len()]).collect();
        Ok(Optimizer { rule, slots, updates: 0, moments })
    }

    /// An optimizer that goes on where another was: its [`updates`](Self::updates) and [`moments`](Self::moments).
    ///
    /// # Errors
    /// As [`Optimizer::new`]; [`Error::Length`] if the moments do not fit; [`Error::NotFinite`] for NaN or ∞ in them.
    pub fn resume(rule: Rule, slots: Vec<Slot>, updates: u64, moments: Vec<Vec<Vec<f32>>>) -> Result<Self> {
        rule.check()?;
        Error::check_length("moments", moments.len(), "tensors", &[slots.len()])?;
        for (index, (moments, slot)) in moments.iter().zip(&slots).enumerate() {
            Error::check_length(&format!("moments of tensor {index}"), moments.len(), "roles", &[rule.roles().len()])?;
            for (role, values) in rule.roles().iter().zip(moments) {
                let name = format!("{role}.{index}");
                Error::check_length(&name, values.len(), "values", &[slot.values])?;
                check_finite(&name, values)?;
            }
        }
        Ok(Optimizer { rule, slots, updates, moments })
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The tensors that it was made for.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Updates made so far (t).
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// What it remembers: for each tensor the values of each of [`Rule::roles`].
    pub fn moments(&self) -> &[Vec<Vec<f32>>] {
        &self.moments
    }

    /// Updates the parameters by their gradients at this rate (η). Whether the gradients are finite is not looked at:
    /// [`clip`](super::clip) does.
    ///
    /// # Errors
    /// [`Error::Length`] if a tensor is missing or has another size, [`Error::Training`] if the rate is no
    /// number or negative; nothing has been changed then.
    pub fn step(&mut self, parameters: &mut [&mut [f32]], gradients: &[&[f32]], rate: f64) -> Result<()> {
        self.check_tensors("parameters", parameters)?;
        self.check_tensors("gradients", gradients)?;
        if !(rate >= 0.0 && rate.is_finite()) {
            return Err(Error::Training { message: format!("learning rate {rate}: expected at least 0") });
        }
        self.updates = self.updates.saturating_add(1);
        let scales = Scales { rate, updates: self.updates };
        let tensors = self.slots.iter().zip(&mut self.moments).zip(parameters).zip(gradients);
        for (((slot, moments), parameters), gradients) in tensors {
            match (&self.rule, &mut moments[..]) {
                (Rule::Adam(adam), [first, second]) => {
                    scales.adam(adam, slot.shrinks).apply(parameters, gradients, [first, second]);
                }
                (Rule::Sgd(sgd), [momentum]) => scales.sgd(sgd, slot.shrinks).apply(parameters, gradients, momentum),
                (Rule::Sgd(sgd), _) => scales.sgd(sgd, slot.shrinks).apply_alone(parameters, gradients),
                // No such thing is made: `new` and `resume` keep to the roles.
                (Rule::Adam(_), _) => {}
            }
        }
        Ok(())
    }

    fn check_tensors<T: AsRef<[f32]>>(&self, what: &str, tensors: &[T]) -> Result<()> {
        Error::check_length(what, tensors.len(), "tensors", &[self.slots.len()])?;
        for (index, (tensor, slot)) in tensors.iter().zip(&self.slots).enumerate() {
            Error::check_length(&format!("{what} of tensor {index}"), tensor.as_ref().len(), "values", &[slot.values])?;
        }
        Ok(())
    }
}
