//! The rules by which gradients become updates, and their parameters.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How gradients become updates. The letters: p a parameter, g its gradient, η the rate, λ the weight decay, t updates
/// from 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// Gradient descent.
    Sgd(Sgd),
    /// Adaptive moments.
    Adam(Adam),
}

/// Stochastic gradient descent (`torch.optim.SGD`, no dampening): with `g' = g + λ·p` and `m = μ·m + g'`, the update is
/// `p −= η·m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sgd {
    /// μ; 0 for none, and no memory is spent on m then.
    pub momentum: f64,
    /// Which step the momentum takes.
    pub lookahead: Lookahead,
    /// λ.
    pub decay: f64,
}

/// Which step the momentum takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookahead {
    /// `p −= η·m` (Polyak 1964).
    #[default]
    None,
    /// `p −= η·(g' + μ·m)` (Nesterov 1983, in the form of Sutskever et al. 2013).
    Nesterov,
}

/// Adam (Kingma & Ba 2015; `torch.optim.Adam`, `torch.optim.AdamW`): `m = β₁·m + (1−β₁)·g`, `v = β₂·v + (1−β₂)·g²`, and
/// `p −= η/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// β₁ and β₂.
    pub betas: [f64; 2],
    /// ε.
    pub epsilon: f64,
    /// λ.
    pub decay: f64,
    /// Where λ acts.
    pub form: Decay,
}

/// Where an adaptive rule's weight decay acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// On the gradient, `g += λ·p` (Adam).
    #[default]
    Coupled,
    /// On the parameter, `p −= η·λ·p`, before the update (AdamW, Loshchilov & Hutter 2019).
    Decoupled,
}

impl Default for Adam {
    /// PyTorch's: β 0.9 and 0.999, ε 1e-8, no decay.
    fn default() -> Self {
        Adam { betas: [0.9, 0.999], epsilon: 1e-8, decay: 0.0, form: Decay::Coupled }
    }
}

impl Adam {
    /// AdamW with this λ (PyTorch's own is 0.01), the rest as the default.
    pub fn decoupled(decay: f64) -> Self {
        Adam { decay, form: Decay::Decoupled, ..Adam::default() }
    }
}

impl Rule {
    /// What is remembered of each tensor: m as `momentum`; m and v as `first` and `second`.
    pub fn roles(&self) -> &'static [&'static str] {
        match self {
            Rule::Sgd(sgd) if sgd.momentum == 0.0 => &[],
            Rule::Sgd(_) => &["momentum"],
            Rule::Adam(_) => &["first", "second"],
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let (fractions, decay, epsilon) = match self {
            Rule::Sgd(sgd) => (vec![("momentum", sgd.momentum)], sgd.decay, 1.0),
            Rule::Adam(adam) => (vec![("beta 1", adam.betas[0]), ("beta 2", adam.betas[1])], adam.decay, adam.epsilon),
        };
        let expected = |name: &str, value: f64, range: &str| {
            Err(Error::Training { message: format!("{name} is {value}: expected {range}") })
        };
        if let Some((name, value)) = fractions.into_iter().find(|(_, value)| !(0.0..1.0).contains(value)) {
            return expected(name, value, "at least 0 and less than 1");
        }
        if !(decay >= 0.0 && decay.is_finite()) {
            return expected("weight decay", decay, "at least 0");
        }
        // As f32, in which it keeps 0/0 away.
        if !(epsilon as f32 > 0.0 && epsilon.is_finite()) {
            return expected("epsilon", epsilon, "more than 0");
        }
        Ok(())
    }
}
