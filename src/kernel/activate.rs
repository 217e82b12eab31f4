//! Any of ONNX's activations, for the cells that do not use the standard ones.

use super::math;
use crate::activation::Activation;
use crate::simd::{Isa, Vector};

/// The most lanes of a register.
pub(crate) const MOST_LANES: usize = 16;

/// Applies `activation` to a register. Compiled once an instruction set: the value goes through memory, which cells that use
/// it can afford and the standard ones need not.
#[inline(always)]
pub(crate) fn activate<I: Isa>(isa: I, activation: Activation, x: I::Vector) -> I::Vector {
    let mut lanes = [0.0; MOST_LANES];
    isa.store(x, &mut lanes);
    activate_lanes(isa, activation, &mut lanes);
    isa.load(&lanes)
}

#[inline(never)]
fn activate_lanes<I: Isa>(isa: I, activation: Activation, lanes: &mut [f32; MOST_LANES]) {
    isa.enable(
        #[inline(always)]
        || {
            let x = isa.load(&lanes[..]);
            let (zero, one) = (isa.splat(0.0), isa.splat(1.0));
            let above = x.clamp(zero, isa.splat(f32::INFINITY));
            let below = x.clamp(isa.splat(f32::NEG_INFINITY), zero);
            let y = match activation {
                Activation::Identity => x,
                Activation::Sigmoid => math::sigmoid(isa, x),
                Activation::Tanh => math::tanh(isa, x),
                Activation::Relu => above,
                Activation::Affine { alpha, beta } => x.mul_add(isa.splat(alpha), isa.splat(beta)),
                Activation::LeakyRelu { alpha } => below.mul_add(isa.splat(alpha), above),
                Activation::ScaledTanh { alpha, beta } => isa.splat(alpha) * math::tanh(isa, isa.splat(beta) * x),
                Activation::HardSigmoid { alpha, beta } => {
                    x.mul_add(isa.splat(alpha), isa.splat(beta)).clamp(zero, one)
                }
                Activation::Softsign => x / (x.abs() + one),
                // What has no vector form here goes lane by lane, through f64.
                Activation::ThresholdedRelu { .. } | Activation::Elu { .. } | Activation::Softplus => {
                    for lane in &mut lanes[..I::LANES] {
                        *lane = scalar(activation, *lane);
                    }
                    return;
                }
            };
            isa.store(y, &mut lanes[..]);
        },
    );
}

fn scalar(activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::ThresholdedRelu { alpha } if x >= alpha || x.is_nan() => x,
        Activation::ThresholdedRelu { .. } => 0.0,
        Activation::Elu { alpha } if x < 0.0 => (f64::from(alpha) * f64::from(x).exp_m1()) as f32,
        // log(1 + e^x) without overflow; e^−|x| keeps the small part exact.
        Activation::Softplus => (f64::from(x).max(0.0) + (-f64::from(x).abs()).exp().ln_1p()) as f32,
        _ => x,
    }
}
