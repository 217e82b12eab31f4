//! One tensor's update: loops over slices of equal length, which the compiler turns into vectors.

use super::Shrinks;
use super::rules::{Adam, Decay, Lookahead, Sgd};

/// Moments below it become 0: where gradients stay away, such as those of an embedding's rare rows, moments would fade
/// into subnormal numbers and never leave them, and those are slow on many processors.
const TINY: f32 = 1e-30;

/// What all tensors' factors are made of, in f64.
pub(super) struct Scales {
    pub rate: f64,
    /// With this one (t).
    pub updates: u64,
}

/// The factors of [`Sgd`] for one tensor.
pub(super) struct SgdUpdate {
    rate: f32,
    decay: f32,
    momentum: f32,
    /// The shares of g' and m in the step.
    shares: [f32; 2],
}

/// The factors of [`Adam`] for one tensor.
pub(super) struct AdamUpdate {
    /// λ on the gradient.
    coupled: f32,
    /// What is left of a parameter: 1 − η·λ.
    left: f32,
    /// 1 − β₁.
    fresh: f32,
    /// β₂ and 1 − β₂.
    second: [f32; 2],
    /// η/(1 − β₁ᵗ).
    rate: f32,
    /// 1/√(1 − β₂ᵗ).
    root: f32,
    epsilon: f32,
}

impl Scales {
    pub fn sgd(&self, rule: &Sgd, shrinks: Shrinks) -> SgdUpdate {
        let shares = match rule.lookahead {
            Lookahead::None => [0.0, 1.0],
            Lookahead::Nesterov => [1.0, rule.momentum as f32],
        };
        let decay = decay(rule.decay, shrinks) as f32;
        SgdUpdate { rate: self.rate as f32, decay, momentum: rule.momentum as f32, shares }
    }

    pub fn adam(&self, rule: &Adam, shrinks: Shrinks) -> AdamUpdate {
        let decay = decay(rule.decay, shrinks);
        let (coupled, left) = match rule.form {
            Decay::Coupled => (decay as f32, 1.0),
            Decay::Decoupled => (0.0, (1.0 - self.rate * decay) as f32),
        };
        // Moments began at 0, so they are too small at first by this much.
        let [first, second] = rule.betas.map(|beta| 1.0 - libm::pow(beta, self.updates as f64));
        AdamUpdate {
            coupled,
            left,
            fresh: (1.0 - rule.betas[0]) as f32,
            second: [rule.betas[1] as f32, (1.0 - rule.betas[1]) as f32],
            rate: (self.rate / first) as f32,
            root: (1.0 / second.sqrt()) as f32,
            epsilon: rule.epsilon as f32,
        }
    }
}

impl SgdUpdate {
    pub fn apply(&self, parameters: &mut [f32], gradients: &[f32], momentum: &mut [f32]) {
        let [now, past] = self.shares;
        for ((p, g), m) in parameters.iter_mut().zip(gradients).zip(momentum) {
            let g = g + self.decay * *p;
            *m = flushed(self.momentum * *m + g);
            *p -= self.rate * (now * g + past * *m);
        }
    }

    /// Without a momentum.
    pub fn apply_alone(&self, parameters: &mut [f32], gradients: &[f32]) {
        for (p, g) in parameters.iter_mut().zip(gradients) {
            *p -= self.rate * (g + self.decay * *p);
        }
    }
}

impl AdamUpdate {
    pub fn apply(&self, parameters: &mut [f32], gradients: &[f32], [first, second]: [&mut [f32]; 2]) {
        let [kept, fresh] = self.second;
        for (((p, g), m), v) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
            let g = g + self.coupled * *p;
            *m = flushed(*m + self.fresh * (g - *m));
            *v = flushed(kept * *v + fresh * g * g);
            *p = self.left * *p - self.rate * *m / (v.sqrt() * self.root + self.epsilon);
        }
    }
}

fn decay(decay: f64, shrinks: Shrinks) -> f64 {
    match shrinks {
        Shrinks::Yes => decay,
        Shrinks::No => 0.0,
    }
}

fn flushed(moment: f32) -> f32 {
    if moment.abs() < TINY { 0.0 } else { moment }
}
