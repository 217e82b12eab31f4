//! The trace as JSON: it parses, and holds every quantity to the bit.

use gatewise_reference::{
    Formula, Function, Layout, Named, Product, Quantity, Recorder, Scalar, Sequence, Trace, TraceFilter, forward,
};
use serde_json::{Value, json};

use crate::cells::every_cell;

fn named(named: &Named<impl Scalar>) -> Value {
    json!({"symbol": named.symbol, "value": read_back(named.value)})
}

/// The number that the shortest text of a value means.
fn read_back(value: impl Scalar) -> f64 {
    format!("{value:?}").parse().expect("a number")
}

fn quantity(quantity: &Quantity<impl Scalar>) -> Value {
    let formula = match &quantity.formula {
        Formula::Sum(products) => {
            let product = |product: &Product<_>| {
                let factors: Vec<Value> = product.factors.iter().map(named).collect();
                json!({"negative": product.negative, "factors": factors})
            };
            json!({"sum": products.iter().map(product).collect::<Vec<_>>()})
        }
        Formula::Apply { function, argument } => {
            let mut formula = json!({"apply": function.name(), "argument": named(argument)});
            if !function.parameters().is_empty() {
                formula["parameters"] = json!(function.parameters());
            }
            formula
        }
    };
    json!({
        "unit": quantity.unit,
        "symbol": quantity.symbol,
        "letter": quantity.letter,
        "name": quantity.name,
        "value": read_back(quantity.value),
        "formula": formula,
    })
}

fn json_holds_every_quantity_of<S: Scalar>() {
    for (name, cell) in every_cell::<S>(2, 2, 12) {
        let x = [0.5, -0.3, 0.1, 0.7].map(S::from_f64);
        let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 2, x: &x, h0: None, c0: None };
        let mut trace = Trace::new(TraceFilter::default());
        forward(&cell, &input, &mut trace).expect("a sequence that fits");
        let steps: Vec<Value> = trace
            .steps()
            .map(|step| {
                let quantities: Vec<Value> = step.quantities.iter().map(quantity).collect();
                json!({"batch": step.batch, "step": step.step, "quantities": quantities})
            })
            .collect();
        assert_eq!(steps.len(), 2, "{name}");
        let expected = json!({"cell": trace.cell(), "steps": steps});
        let found: Value = serde_json::from_str(&trace.to_json()).expect("JSON");
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn json_holds_every_quantity() {
    json_holds_every_quantity_of::<f64>();
    json_holds_every_quantity_of::<f32>();
}

#[test]
fn an_empty_trace_is_json_too() {
    let empty = Trace::<f64>::new(TraceFilter::default()).to_json();
    assert_eq!(serde_json::from_str::<Value>(&empty).expect("JSON"), json!({"cell": "", "steps": []}));
}

#[test]
fn strange_texts_and_numbers_survive() {
    let strange = "quote \" backslash \\ newline \n tab \t bell \u{7} minus ⁻";
    let mut trace = Trace::new(TraceFilter::default());
    for value in [f64::NAN, f64::INFINITY, -0.0, 5e-324, f64::MAX, 0.1 + 0.2] {
        let argument = Named::new(strange, value);
        let formula = Formula::Apply { function: Function::Identity, argument };
        let symbol = strange.to_string();
        trace.record(Quantity { symbol, letter: "q", name: "strange", unit: 0, formula, value });
    }
    let json: Value = serde_json::from_str(&trace.to_json()).expect("JSON");
    let quantities = json["steps"][0]["quantities"].as_array().expect("a list");
    let values: Vec<Option<u64>> =
        quantities.iter().map(|quantity| quantity["value"].as_f64().map(f64::to_bits)).collect();
    let expected = [-0.0, 5e-324, f64::MAX, 0.1 + 0.2].map(|value: f64| Some(value.to_bits()));
    assert_eq!(values[..2], [None, None], "NaN and infinity are null");
    assert_eq!(values[2..], expected);
    assert_eq!(quantities[0]["symbol"], strange);
    assert_eq!(quantities[0]["formula"]["argument"]["symbol"], strange);
}
