//! The eleven activations that ONNX names, beside numbers that mpmath computed with 40 digits.

use gatewise_reference::{Error, Function, Scalar};

use crate::assert_near;

const X: [f64; 10] = [-40.0, -3.0, -1.25, -0.0078125, 0.0, 0.3, 0.5, 1.0, 2.5, 40.0];

/// ONNX' name, α, β (its defaults where there is none), and the function of every X.
type Row = (&'static str, Option<f64>, Option<f64>, [f64; 10]);

const ROWS: [Row; 11] = [
    ("Relu", None, None, [0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.5, 1.0, 2.5, 40.0]),
    (
        "Tanh",
        None,
        None,
        [
            -1.0,
            -0.9950547536867305,
            -0.8482836399575129,
            -0.007812341058161014,
            0.0,
            0.2913126124515909,
            0.46211715726000974,
            0.7615941559557649,
            0.9866142981514303,
            1.0,
        ],
    ),
    (
        "Sigmoid",
        None,
        None,
        [
            4.248354255291589e-18,
            0.04742587317756678,
            0.22270013882530884,
            0.4980468849340468,
            0.5,
            0.574442516811659,
            0.6224593312018546,
            0.7310585786300049,
            0.9241418199787564,
            1.0,
        ],
    ),
    ("Affine", Some(0.75), Some(0.125), [-29.875, -2.125, -0.8125, 0.119140625, 0.125, 0.35, 0.5, 0.875, 2.0, 30.125]),
    ("LeakyRelu", None, None, [-0.4, -0.03, -0.0125, -7.8125e-05, 0.0, 0.3, 0.5, 1.0, 2.5, 40.0]),
    ("ThresholdedRelu", None, None, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.5, 40.0]),
    (
        "ScaledTanh",
        Some(1.125),
        Some(0.625),
        [
            -1.125,
            -1.0733009177024424,
            -0.7351015366590152,
            -0.005493120407170644,
            0.0,
            0.20849984989665696,
            0.34054844549862207,
            0.6239246876430551,
            1.0303026121898575,
            1.125,
        ],
    ),
    ("HardSigmoid", None, None, [0.0, 0.0, 0.25, 0.4984375, 0.5, 0.56, 0.6, 0.7, 1.0, 1.0]),
    (
        "Elu",
        None,
        None,
        [-1.0, -0.950212931632136, -0.7134952031398099, -0.007782061739756488, 0.0, 0.3, 0.5, 1.0, 2.5, 40.0],
    ),
    (
        "Softsign",
        None,
        None,
        [
            -0.975609756097561,
            -0.75,
            -0.5555555555555556,
            -0.007751937984496124,
            0.0,
            0.23076923076923075,
            0.3333333333333333,
            0.5,
            0.7142857142857143,
            0.975609756097561,
        ],
    ),
    (
        "Softplus",
        None,
        None,
        [
            4.248354255291589e-18,
            0.04858735157374206,
            0.2519290813453729,
            0.6892485599350741,
            std::f64::consts::LN_2,
            0.8543552444685271,
            0.9740769841801067,
            1.3132616875182228,
            2.5788897342925496,
            40.0,
        ],
    ),
];

fn function(&(name, alpha, beta, _): &Row) -> Function {
    Function::from_onnx(name, alpha, beta).expect("an activation of ONNX")
}

#[test]
fn every_onnx_activation_is_within_four_roundings_in_both_types() {
    for row in &ROWS {
        let function = function(row);
        for (x, expected) in X.into_iter().zip(row.3) {
            let place = format!("{} of {x}", row.0);
            assert_near(function.apply(x), expected, 4.0 * f64::EPSILON * expected.abs(), &place);
            // Rounding x and the parameters to f32 moves the result by as little, except where it passes through 0.
            let size = expected.abs().max(0.125);
            let narrow = function.apply(x as f32).to_f64();
            let exact = function.apply(f64::from(x as f32));
            assert_near(narrow, exact, 4.0 * f64::from(f32::EPSILON) * size, &format!("f32 {place}"));
        }
    }
}

#[test]
fn the_defaults_are_those_of_onnx_operators() {
    for (name, expected) in [
        ("Affine", Function::Affine { alpha: 1.0, beta: 0.0 }),
        ("LeakyRelu", Function::LeakyRelu { alpha: 0.01 }),
        ("ThresholdedRelu", Function::ThresholdedRelu { alpha: 1.0 }),
        ("ScaledTanh", Function::ScaledTanh { alpha: 1.0, beta: 1.0 }),
        ("HardSigmoid", Function::HardSigmoid { alpha: 0.2, beta: 0.5 }),
        ("Elu", Function::Elu { alpha: 1.0 }),
    ] {
        assert_eq!(Function::from_onnx(name, None, None), Ok(expected));
    }
    assert_eq!(Function::from_onnx("tanh", None, None), Err(Error::Activation { found: "tanh".to_string() }));
}

#[test]
fn nothing_overflows_and_nan_stays_nan() {
    for row in &ROWS {
        let function = function(row);
        assert!(function.apply(f64::NAN).is_nan(), "{function:?} of NaN");
        for x in [-1e4_f64, 1e4, -1e300, 1e300] {
            assert!(function.apply(x).is_finite(), "{function:?} of {x} = {}", function.apply(x));
        }
    }
    let clip = Function::Clip { bound: 0.5 };
    assert_eq!([-7.0, -0.5, 0.25, f64::INFINITY].map(|x| clip.apply(x)), [-0.5, -0.5, 0.25, 0.5]);
    assert!(clip.apply(f64::NAN).is_nan());
}

#[test]
fn functions_are_equal_if_their_parameters_are() {
    let elu = |alpha| Function::Elu { alpha };
    assert_eq!(elu(1.0), elu(1.0));
    assert_ne!(elu(1.0), elu(0.5));
    assert_eq!(elu(f64::NAN), elu(f64::NAN));
    assert_ne!(Function::LeakyRelu { alpha: 1.0 }, elu(1.0));
    let names: std::collections::HashSet<&str> = ROWS.iter().map(|row| function(row).name()).collect();
    assert_eq!(names.len(), ROWS.len(), "every activation has its own name");
}
