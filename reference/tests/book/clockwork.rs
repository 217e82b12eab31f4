//! The clockwork RNN beside the simple RNN that it is made of.

use gatewise_reference::{
    Cell, ClockworkRnn, Error, Layer, Layout, Network, NetworkInput, NoTrace, Sequence, SimpleRnn, Trace, TraceFilter,
    forward,
};

use crate::cells::Numbers;

fn sequence<'a>(x: &'a [f64], steps: usize, h0: &'a [f64]) -> Sequence<'a, f64> {
    Sequence { layout: Layout::BatchFirst, batch: 1, steps, x, h0: Some(h0), c0: None }
}

#[test]
fn a_clockwork_whose_periods_are_all_1_is_the_simple_rnn() {
    let mut numbers = Numbers::new(51);
    let rnn: SimpleRnn<f64> = numbers.rnn(2, 4);
    let (x, h0) = (numbers.vector(12), numbers.vector(4));
    for first_t in 0..2 {
        let clockwork = ClockworkRnn { rnn: rnn.clone(), periods: vec![1; 4], first_t };
        let found = forward(&clockwork, &sequence(&x, 6, &h0), &mut NoTrace);
        assert_eq!(found, forward(&rnn, &sequence(&x, 6, &h0), &mut NoTrace));
    }
}

#[test]
fn units_change_at_their_own_steps_only_in_both_directions() {
    let mut numbers = Numbers::new(52);
    for first_t in 0..3 {
        let cell = ClockworkRnn { periods: vec![1, 2, 2, 4], ..numbers.clockwork(2, 4, first_t) };
        let (x, h0) = (numbers.vector(14), numbers.vector(4));
        for layer in [Layer::Forward(cell.clone()), Layer::Reverse(cell.clone())] {
            let network = Network { layers: vec![layer] };
            let mut trace = Trace::new(TraceFilter::default());
            network.forward(&NetworkInput::from(sequence(&x, 7, &h0)), &mut trace).expect("fits");
            assert_eq!(trace.steps().count(), 7);
            for step in trace.steps() {
                for unit in 0..4 {
                    let fires = (step.step + first_t).is_multiple_of(cell.periods[unit]);
                    let place = format!("first_t {first_t}, step {}, unit {unit}", step.step);
                    assert_eq!(step.get(unit, "z").is_some(), fires, "{place}: what is not needed is not computed");
                    let h = step.get(unit, "h").expect("h");
                    if !fires {
                        assert_eq!(h.formula.with_symbols(Default::default()), format!("h⁻[{unit}]"), "{place}");
                    }
                }
            }
        }
    }
}

#[test]
fn fast_units_hear_slow_ones_and_not_the_other_way() {
    let mut numbers = Numbers::new(53);
    let cell = ClockworkRnn { periods: vec![1, 1, 2], ..numbers.clockwork(1, 3, 0) };
    let mut trace = Trace::new(TraceFilter::default());
    forward(&cell, &sequence(&[0.5], 1, &[0.25, -0.5, 0.75]), &mut trace).expect("fits");
    let heard = |unit| trace.get(0, unit, "z").expect("z").formula.with_symbols(Default::default());
    assert_eq!(heard(0), "W[0,0]·x + R[0,0]·h⁻[0] + R[0,1]·h⁻[1] + R[0,2]·h⁻[2] + b[0]");
    assert_eq!(heard(1), "W[1,0]·x + R[1,0]·h⁻[0] + R[1,1]·h⁻[1] + R[1,2]·h⁻[2] + b[1]");
    assert_eq!(heard(2), "W[2,0]·x + R[2,2]·h⁻[2] + b[2]");
}

#[test]
fn periods_that_do_not_rise_are_named() {
    let cell = Numbers::new(54).clockwork::<f64>(1, 3, 0);
    let check = |periods: &[usize]| ClockworkRnn { periods: periods.to_vec(), ..cell.clone() }.check();
    assert_eq!(check(&[1, 1, 3]), Ok(()));
    assert_eq!(check(&[1, 1]), Err(Error::Length { buffer: "periods", expected: 3, found: 2 }));
    assert_eq!(check(&[0, 1, 1]), Err(Error::Period { unit: 0, least: 1, found: 0 }));
    let error = check(&[1, 4, 2]).unwrap_err();
    assert_eq!(error.to_string(), "periods[2]: expected at least 4, since periods rise from 1, found 2");
}
