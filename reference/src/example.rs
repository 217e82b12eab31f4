//! The worked example as data: one unit, one feature, one step, and what the document prints of it.

use crate::gate::{Gate, Moment};
use crate::lstm::Lstm;
use crate::matrix::Matrix;
use crate::scalar::Scalar;
use crate::variants::LstmOptions;

/// x, the only feature.
pub const X: f64 = 1.0;
/// h⁻, the previous hidden state.
pub const H_PREVIOUS: f64 = 1.0;
/// c⁻, the previous cell state.
pub const C_PREVIOUS: f64 = 2.0;

/// The weights of one gate, in the document's order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// What the documents call the gate.
    pub gate: &'static str,
    /// R, the weight of h⁻.
    pub hidden: f64,
    /// W, the weight of x.
    pub input: f64,
    /// b
    pub bias: f64,
}

/// The document's weights, gate by gate in its order.
pub const WEIGHTS: [Weights; 4] = [
    Weights { gate: "forget gate", hidden: 2.70, input: 1.63, bias: 1.62 },
    Weights { gate: "candidate", hidden: 1.41, input: 0.94, bias: -0.32 },
    Weights { gate: "input gate", hidden: 2.00, input: 1.65, bias: 0.62 },
    Weights { gate: "output gate", hidden: 4.38, input: -0.19, bias: 0.59 },
];

/// One quantity of the worked example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// What the equations call it; the symbol in the trace.
    pub symbol: &'static str,
    /// What it is, to twelve decimals.
    pub value: f64,
    /// What the document prints for it.
    pub printed: Option<&'static str>,
    /// What the document calls it there, where that is not what it is.
    pub label: Option<&'static str>,
    /// What is wrong with the printed number.
    pub mistake: Option<&'static str>,
}

/// Every quantity in the order of computation; the last row is the document's last line, which prints the wrong number.
pub const ROWS: [Row; 14] = [
    row("z_f", 5.95, None, None),
    row("f", 0.997400932238, Some("1.00"), None),
    row("f·c⁻", 1.994801864475, Some("1.99"), None),
    row("z_g", 2.03, None, None),
    row("g", 0.966086928980, Some("0.97"), None),
    row("z_i", 4.27, None, None),
    row("i", 0.986211011494, Some("0.99"), None),
    row("i·g", 0.952765567420, None, None),
    row("c", 2.947567431895, Some("2.95"), None),
    row("tanh(c)", 0.994509504136, Some("0.99"), None),
    row("z_o", 4.78, None, None),
    row("o", 0.991673906902, Some("0.99"), Some("2nd sigmoid")),
    row("h", 0.986229125417, Some("0.99"), Some("ct")),
    Row {
        mistake: Some("prints tanh(c); the cell state is 2.95"),
        ..row("c", 2.947567431895, Some("0.99"), Some("final cell state"))
    },
];

/// A company's four days, told to the worked example's cell from h = c = 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Story {
    /// Which company.
    pub company: &'static str,
    /// x of day 1 to day 4.
    pub x: [f64; 4],
    /// What happens on day 5.
    pub day_five: f64,
    /// h after each day, to twelve decimals.
    pub h: [f64; 4],
    /// c after each day, to twelve decimals, where it is given.
    pub c: Option<[f64; 4]>,
}

/// The two companies: they differ on day 1 only, and on day 5.
pub const STORIES: [Story; 2] = [
    Story {
        company: "A",
        x: [0.0, 0.5, 0.25, 1.0],
        day_five: 0.0,
        h: [-0.127755320764, -0.096521840132, -0.166218187851, 0.006393158241],
        c: None,
    },
    Story {
        company: "B",
        x: [1.0, 0.5, 0.25, 1.0],
        day_five: 1.0,
        h: [0.276438440414, 0.611733480506, 0.867005254434, 0.969393461641],
        c: Some([0.499521385232, 0.913568824944, 1.480603515831, 2.409093170709]),
    },
];

/// The worked example's cell.
pub fn worked_example<S: Scalar>() -> Lstm<S> {
    let [forget_gate, candidate, input_gate, output_gate] = WEIGHTS.map(|weights| Gate {
        input_weights: Matrix::from_rows(&[[S::from_f64(weights.input)]]),
        recurrent_weights: Matrix::from_rows(&[[S::from_f64(weights.hidden)]]),
        bias: vec![S::from_f64(weights.bias)],
        peephole: None,
    });
    Lstm { forget_gate, input_gate, candidate, output_gate, options: LstmOptions::default(), projection: None }
}

/// The worked example's step: x = 1, h⁻ = 1, c⁻ = 2.
pub fn moment() -> Moment<'static, f64> {
    Moment { x: &[X], h_previous: &[H_PREVIOUS], c_previous: &[C_PREVIOUS] }
}

const fn row(symbol: &'static str, value: f64, printed: Option<&'static str>, label: Option<&'static str>) -> Row {
    Row { symbol, value, printed, label, mistake: None }
}
