//! Updates against the definitions in f64, and what an optimizer remembers.

use gatewise::train::optimizer::{Adam, Decay, Lookahead, Optimizer, Rule, Sgd, Shrinks, Slot};
use proptest::prelude::*;

use crate::{assert_close, message};

const START: [f32; 3] = [1.0, -0.5, 0.25];
const GRADIENTS: [[f32; 3]; 4] = [[0.5, -1.0, 0.0], [0.25, 2.0, -0.125], [-1.0, 0.5, 1.0], [0.75, 0.0, 0.0625]];

fn slot(values: usize) -> Slot {
    Slot { values, shrinks: Shrinks::Yes }
}

fn sgd(momentum: f64, lookahead: Lookahead, decay: f64) -> Rule {
    Rule::Sgd(Sgd { momentum, lookahead, decay })
}

#[test]
fn four_updates_are_those_of_the_definition() {
    let adam = Adam::default();
    let coupled = Adam { betas: [0.8, 0.99], epsilon: 1e-3, decay: 0.25, form: Decay::Coupled };
    let rules = [
        ("sgd", sgd(0.0, Lookahead::None, 0.0), [0.95, -0.65, 0.15625]),
        ("nesterov without momentum", sgd(0.0, Lookahead::Nesterov, 0.0), [0.95, -0.65, 0.15625]),
        ("sgd, decay", sgd(0.0, Lookahead::None, 0.25), [0.8560792968750001, -0.5980330078125001, 0.13405478515624997]),
        ("momentum", sgd(0.9, Lookahead::None, 0.25), [0.6685839843750001, -0.6863525390625, 0.03452392578125002]),
        (
            "nesterov",
            sgd(0.9, Lookahead::Nesterov, 0.25),
            [0.5769694923046874, -0.7665051681445312, -0.05470528319335942],
        ),
        ("adam", Rule::Adam(adam), [0.8097115722107037, -0.5122230899856183, 0.2185632933259531]),
        ("adam, decay", Rule::Adam(coupled), [0.7571693680779663, -0.49856963581090663, 0.05250272871498028]),
        ("adamw", Rule::Adam(Adam::decoupled(0.25)), [0.7248002694793989, -0.46853433357980145, 0.19221752421176996]),
    ];
    for (name, rule, expected) in rules {
        let mut optimizer = Optimizer::new(rule, vec![slot(3)]).unwrap();
        let mut parameters = START;
        for gradient in &GRADIENTS {
            optimizer.step(&mut [&mut parameters], &[gradient], 0.1).unwrap();
        }
        assert_close(name, &parameters, &expected, 2e-7);
        assert_eq!(optimizer.updates(), 4);
    }
}

#[test]
fn a_tensor_that_is_exempt_does_not_decay() {
    let exempt = Slot { values: 3, shrinks: Shrinks::No };
    let coupled = Rule::Adam(Adam { decay: 0.25, ..Adam::default() });
    for rule in
        [sgd(0.9, Lookahead::None, 0.25), sgd(0.0, Lookahead::None, 0.25), coupled, Rule::Adam(Adam::decoupled(0.25))]
    {
        let mut optimizer = Optimizer::new(rule, vec![slot(3), exempt]).unwrap();
        let (mut shrunk, mut kept) = (START, START);
        optimizer.step(&mut [&mut shrunk, &mut kept], &[&[0.0; 3], &[0.0; 3]], 0.1).unwrap();
        assert_eq!(kept, START, "{rule:?}");
        assert!(shrunk.iter().zip(&START).all(|(shrunk, start)| shrunk.abs() < start.abs()), "{rule:?}: {shrunk:?}");
    }
}

/// Adam by its definition, in f64.
fn adam_in_f64(rule: Adam, start: &[f32], gradients: &[Vec<f32>], rate: f64) -> Vec<f64> {
    let one = |(index, start): (usize, &f32)| {
        let (mut p, mut m, mut v) = (f64::from(*start), 0.0, 0.0);
        for (t, gradient) in gradients.iter().enumerate() {
            let (g, t) = (f64::from(gradient[index]), t as i32 + 1);
            m = rule.betas[0] * m + (1.0 - rule.betas[0]) * g;
            v = rule.betas[1] * v + (1.0 - rule.betas[1]) * g * g;
            let (m, v) = (m / (1.0 - rule.betas[0].powi(t)), v / (1.0 - rule.betas[1].powi(t)));
            p -= rate * rule.decay * p + rate * m / (v.sqrt() + rule.epsilon);
        }
        p
    };
    start.iter().enumerate().map(one).collect()
}

proptest! {
    #[test]
    fn adamw_is_that_of_f64(values in 1usize..40, updates in 1usize..60, seed: u32) {
        let number = |index: usize| ((index as u32).wrapping_mul(2_654_435_761) ^ seed) as f32 / u32::MAX as f32 - 0.5;
        let start: Vec<f32> = (0..values).map(number).collect();
        let gradients: Vec<Vec<f32>> =
            (1..=updates).map(|step| (0..values).map(|index| number(step * 1000 + index)).collect()).collect();
        let rule = Adam::decoupled(0.01);
        let mut optimizer = Optimizer::new(Rule::Adam(rule), vec![slot(values)]).unwrap();
        let mut parameters = start.clone();
        for gradient in &gradients {
            optimizer.step(&mut [&mut parameters], &[gradient], 1e-2).unwrap();
        }
        assert_close("adamw", &parameters, &adam_in_f64(rule, &start, &gradients, 1e-2), 2e-6);
    }

    #[test]
    fn an_optimizer_goes_on_where_it_was(before in 0usize..5, momentum in prop_oneof![Just(0.0), Just(0.9)]) {
        for rule in [sgd(momentum, Lookahead::Nesterov, 0.01), Rule::Adam(Adam::default())] {
            let slots = vec![slot(3), slot(1)];
            let mut optimizer = Optimizer::new(rule, slots.clone()).unwrap();
            let (mut p, mut q) = (START, [0.125]);
            for gradient in GRADIENTS.iter().cycle().take(before) {
                optimizer.step(&mut [&mut p, &mut q], &[gradient, &[0.5]], 0.1).unwrap();
            }
            let (mut p2, mut q2) = (p, q);
            let moments = optimizer.moments().to_vec();
            let mut again = Optimizer::resume(rule, slots, optimizer.updates(), moments).unwrap();
            prop_assert_eq!(&again, &optimizer);
            for gradient in &GRADIENTS {
                optimizer.step(&mut [&mut p, &mut q], &[gradient, &[0.5]], 0.1).unwrap();
                again.step(&mut [&mut p2, &mut q2], &[gradient, &[0.5]], 0.1).unwrap();
            }
            prop_assert_eq!((p.map(f32::to_bits), q.map(f32::to_bits)), (p2.map(f32::to_bits), q2.map(f32::to_bits)));
        }
    }
}

#[test]
fn moments_never_become_subnormal() {
    for rule in [sgd(0.9, Lookahead::None, 0.0), Rule::Adam(Adam { betas: [0.9, 0.9], ..Adam::default() })] {
        let mut optimizer = Optimizer::new(rule, vec![slot(1)]).unwrap();
        let mut parameters = [1.0];
        optimizer.step(&mut [&mut parameters], &[&[1.0]], 0.1).unwrap();
        for _ in 0..1000 {
            optimizer.step(&mut [&mut parameters], &[&[0.0]], 0.1).unwrap();
            assert!(!optimizer.moments().iter().flatten().flatten().any(|value| value.is_subnormal()));
        }
        assert!(optimizer.moments().iter().flatten().flatten().all(|value| *value == 0.0), "{rule:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut optimizer = Optimizer::new(Rule::Adam(Adam::default()), vec![slot(3), slot(2)]).unwrap();
    let fresh = optimizer.clone();
    let (mut p, mut q, mut short) = (START, [1.0, 2.0], [0.0]);
    let (g, h): ([f32; 3], [f32; 2]) = ([1.0; 3], [1.0; 2]);
    let refused = message(optimizer.step(&mut [&mut p], &[&g, &h], 0.1));
    assert_eq!(refused, "parameters has 1 values, expected 2 (tensors = 2)");
    let refused = message(optimizer.step(&mut [&mut p, &mut short], &[&g, &h], 0.1));
    assert_eq!(refused, "parameters of tensor 1 has 1 values, expected 2 (values = 2)");
    let refused = message(optimizer.step(&mut [&mut p, &mut q], &[&g, &g], 0.1));
    assert_eq!(refused, "gradients of tensor 1 has 3 values, expected 2 (values = 2)");
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        let refused = message(optimizer.step(&mut [&mut p, &mut q], &[&g, &h], rate));
        assert_eq!(refused, format!("learning rate {rate}: expected at least 0"));
    }
    assert_eq!((p, q, optimizer), (START, [1.0, 2.0], fresh));
}

#[test]
fn a_rule_that_is_none_is_refused() {
    let adam = Adam::default();
    for (rule, expected) in [
        (sgd(1.0, Lookahead::None, 0.0), "momentum is 1: expected at least 0 and less than 1"),
        (sgd(0.0, Lookahead::None, -1.0), "weight decay is -1: expected at least 0"),
        (Rule::Adam(Adam { betas: [0.9, 1.0], ..adam }), "beta 2 is 1: expected at least 0 and less than 1"),
        (Rule::Adam(Adam { betas: [f64::NAN, 0.9], ..adam }), "beta 1 is NaN: expected at least 0 and less than 1"),
        (Rule::Adam(Adam { epsilon: 0.0, ..adam }), "epsilon is 0: expected more than 0"),
        (Rule::Adam(Adam { decay: f64::INFINITY, ..adam }), "weight decay is inf: expected at least 0"),
    ] {
        assert_eq!(message(Optimizer::new(rule, vec![])), expected);
    }
    // In f32 this is 0.
    assert!(Optimizer::new(Rule::Adam(Adam { epsilon: 1e-60, ..adam }), vec![]).is_err());
    let resume = |moments| message(Optimizer::resume(Rule::Adam(adam), vec![slot(1)], 1, moments));
    assert!(resume(vec![]).starts_with("moments has 0 values, expected 1"));
    assert!(resume(vec![vec![vec![0.0]]]).starts_with("moments of tensor 0 has 1 values, expected 2"));
    assert!(resume(vec![vec![vec![0.0], vec![]]]).starts_with("second.0 has 0 values, expected 1"));
    assert!(resume(vec![vec![vec![f32::NAN], vec![0.0]]]).starts_with("tensor first.0 holds NaN at index 0"));
}
