//! The depth-gated LSTM beside the LSTM, and where it can stand.

use gatewise_reference::{
    AnyCell, DepthGated, Direction, Keep, Layer, Layout, Merge, ModelError, Network, NetworkInput, NoTrace, Place,
    Recurrent, Sequence, SequentialLayer, SequentialModel, Shape, Trace, TraceFilter, forward,
};

use crate::cells::Numbers;

fn input<'a>(x: &'a [f64], steps: usize) -> NetworkInput<'a, f64> {
    let sequence = Sequence { layout: Layout::BatchFirst, batch: 1, steps, x, h0: None, c0: None };
    NetworkInput { keep: Keep::EveryCellState, ..NetworkInput::from(sequence) }
}

#[test]
fn a_closed_depth_gate_leaves_the_lstm() {
    let mut numbers = Numbers::new(61);
    let below: AnyCell<f64> = numbers.lstm(2, 3, 2).into();
    let mut above: DepthGated<f64> = numbers.depth_gated(2, 3, 3);
    above.depth_bias = vec![-1000.0; 3];
    let x = numbers.vector(8);
    let run = |above: AnyCell<f64>| {
        let network = Network { layers: vec![Layer::Forward(below.clone()), Layer::Forward(above)] };
        network.forward(&input(&x, 4), &mut NoTrace).expect("an input that fits")
    };
    assert_eq!(run(above.clone().into()), run(above.lstm.clone().into()));
    above.depth_bias = vec![1.0; 3];
    assert_ne!(run(above.clone().into()), run(above.lstm.into()));
}

#[test]
fn each_direction_hears_its_own_below_or_the_only_one() {
    let mut numbers = Numbers::new(62);
    let x = numbers.vector(6);
    for both_below in [true, false] {
        let below = numbers.lstm(2, 3, 3);
        let below = match both_below {
            true => Layer::Both { forward: below.into(), reverse: numbers.lstm(2, 3, 3).into(), merge: Merge::Sum },
            false => Layer::Reverse(AnyCell::from(below)),
        };
        let (forward, reverse) = (numbers.depth_gated(3, 3, 3).into(), numbers.depth_gated(3, 3, 3).into());
        let above = Layer::Both { forward, reverse, merge: Merge::Concat };
        let network = Network { layers: vec![below, above] };
        let mut trace = Trace::new(TraceFilter::default());
        network.forward(&input(&x, 3), &mut trace).expect("an input that fits");
        for direction in [Direction::Forward, Direction::Reverse] {
            let source = if both_below { direction } else { Direction::Reverse };
            for step in 0..3 {
                let at = |layer, direction| trace.step_in(Place { layer, direction }, 0, step).expect("a step");
                for unit in 0..3 {
                    let given = at(1, direction).given();
                    let symbol = format!("c_below[{unit}]");
                    let heard = given.iter().find(|named| named.symbol == symbol).expect("c_below").value;
                    assert_eq!(heard, at(0, source).get(unit, "c").expect("c").value, "{direction:?}, step {step}");
                }
            }
        }
    }
}

#[test]
fn a_depth_gate_without_a_fitting_memory_below_is_refused() {
    let mut numbers = Numbers::new(63);
    let mut above = || AnyCell::<f64>::from(numbers.depth_gated(3, 3, 3));
    let mut others = Numbers::new(64);
    let x = [0.5; 3];
    let check = |layers: Vec<Layer<AnyCell<f64>>>| Network { layers }.check::<f64>().unwrap_err().to_string();
    let place = "layer 1, forward: c_below: expected 3 values";
    let below = Layer::Forward(others.gru(3, 3).into());
    assert_eq!(check(vec![below, Layer::Forward(above())]), format!("{place}, found 0"));
    let below = Layer::Forward(others.lstm(3, 4, 3).into());
    assert_eq!(check(vec![below, Layer::Forward(above())]), format!("{place}, found 4"));
    let alone = "layer 0, reverse: c_below: expected 3 values, found 0";
    assert_eq!(check(vec![Layer::Reverse(above())]), alone);
    let error = forward(&above(), &input(&x, 1).sequence, &mut NoTrace).unwrap_err();
    assert_eq!(error.to_string(), "c_below: expected 3 values, found 0");
    let layers = vec![SequentialLayer::Recurrent(Recurrent::new(Layer::Reverse(above())))];
    let error = SequentialModel { layers }.output(Shape::Steps(3)).unwrap_err();
    assert!(matches!(error, ModelError::Stack(_)));
    assert_eq!(error.to_string(), alone);
}
