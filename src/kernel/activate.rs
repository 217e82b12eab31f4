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

/// An activation of a register, and its derivative there.
///
/// At a kink the derivative is that of the side on which the function is flat, as in PyTorch: 0 for ReLU at 0.
#[inline(always)]
pub(crate) fn activate_with_slope<I: Isa>(isa: I, activation: Activation, x: I::Vector) -> (I::Vector, I::Vector) {
    let mut lanes = [0.0; MOST_LANES];
    isa.store(x, &mut lanes);
    let mut slopes = lanes;
    activate_lanes(isa, activation, &mut lanes);
    slope_lanes(isa, activation, &lanes, &mut slopes);
    (isa.load(&lanes), isa.load(&slopes))
}

/// Replaces every `x` by the derivative there, where `y` is the activation of it.
#[inline(never)]
fn slope_lanes<I: Isa>(isa: I, activation: Activation, y: &[f32; MOST_LANES], x: &mut [f32; MOST_LANES]) {
    isa.enable(
        #[inline(always)]
        || {
            let one = isa.splat(1.0);
            let square = |y: I::Vector| y * y;
            let slope = match activation {
                Activation::Identity => one,
                Activation::Sigmoid => {
                    let e = math::exponential::<I, true>(isa, isa.load(&x[..]));
                    e.value() / square(e.plus(one))
                }
                Activation::Tanh => tanh_slope(isa, isa.load(&x[..])),
                Activation::Affine { alpha, .. } => isa.splat(alpha),
                Activation::ScaledTanh { alpha, beta } => {
                    isa.splat(alpha * beta) * tanh_slope(isa, isa.load(&x[..]) * isa.splat(beta))
                }
                Activation::Softsign => {
                    let below = one + isa.load(&x[..]).abs();
                    one / square(below)
                }
                _ => {
                    for (x, y) in x.iter_mut().zip(y).take(I::LANES) {
                        *x = scalar_slope(activation, *x, *y);
                    }
                    return;
                }
            };
            isa.store(slope, &mut x[..]);
        },
    );
}

#[inline(always)]
fn tanh_slope<I: Isa>(isa: I, x: I::Vector) -> I::Vector {
    let parts = math::tanh_parts(isa, x);
    parts.slope(isa, isa.splat(1.0) / parts.denominator)
}

fn scalar_slope(activation: Activation, x: f32, y: f32) -> f32 {
    let choose = |condition: bool, slope: f32| if condition { slope } else { 0.0 };
    match activation {
        Activation::Relu => choose(x > 0.0, 1.0),
        Activation::LeakyRelu { alpha } if x <= 0.0 => alpha,
        Activation::ThresholdedRelu { alpha } => choose(x >= alpha, 1.0),
        Activation::HardSigmoid { alpha, .. } => choose(y > 0.0 && y < 1.0, alpha),
        // y = α·(e^x − 1)
        Activation::Elu { alpha } if x < 0.0 => y + alpha,
        Activation::Softplus => (1.0 / (1.0 + (-f64::from(x)).exp())) as f32,
        _ => 1.0,
    }
}
