//! The trace as JSON, for programs that are not written in Rust.

use crate::direction::Place;
use crate::formula::{Formula, Named, Product};
use crate::scalar::Scalar;
use crate::trace::{Quantity, Step, Trace};

impl<S: Scalar> Trace<S> {
    /// Writes the trace as JSON.
    ///
    /// ```text
    /// {"cell": "LSTM", "steps": [{"batch": 0, "step": 0, "quantities": [
    ///   {"unit": 0, "symbol": "z_f", "letter": "z_f", "name": "forget gate's sum", "value": 5.95, "formula": {"sum": [
    ///     {"negative": false, "factors": [{"symbol": "W_f", "value": 1.63}, {"symbol": "x", "value": 1.0}]}, …]}},
    ///   {"unit": 0, "symbol": "f", …, "formula": {"apply": "sigmoid", "argument": {"symbol": "z_f", "value": 5.95}}}, …
    /// ]}]}
    /// ```
    ///
    /// A function with parameters has them beside its name: `{"apply": "elu", "parameters": [1.0], "argument": …}`. Steps that
    /// a network ran have `"layer"` and `"direction"` (`"forward"`, `"reverse"`) before `"batch"`.
    ///
    /// Numbers are the shortest text that reads back as the same number; NaN and infinities are `null`.
    pub fn to_json(&self) -> String {
        let steps = list(self.steps(), step_json);
        format!("{{\"cell\":{},\"steps\":{steps}}}", text(self.cell()))
    }
}

fn step_json<S: Scalar>(step: &Step<S>) -> String {
    let quantities = list(&step.quantities, quantity_json);
    let place = match step.place {
        Some(Place { layer, direction }) => format!("\"layer\":{layer},\"direction\":{},", text(direction.name())),
        None => String::new(),
    };
    format!("{{{place}\"batch\":{},\"step\":{},\"quantities\":{quantities}}}", step.batch, step.step)
}

fn quantity_json<S: Scalar>(quantity: &Quantity<S>) -> String {
    format!(
        "{{\"unit\":{},\"symbol\":{},\"letter\":{},\"name\":{},\"value\":{},\"formula\":{}}}",
        quantity.unit,
        text(&quantity.symbol),
        text(quantity.letter),
        text(quantity.name),
        number(quantity.value),
        formula_json(&quantity.formula),
    )
}

fn formula_json<S: Scalar>(formula: &Formula<S>) -> String {
    match formula {
        Formula::Sum(products) => format!("{{\"sum\":{}}}", list(products, product_json)),
        Formula::Apply { function, argument } => {
            let parameters = match function.parameters() {
                none if none.is_empty() => String::new(),
                some => format!(",\"parameters\":{}", list(&some, |&parameter| number(parameter))),
            };
            format!("{{\"apply\":{}{parameters},\"argument\":{}}}", text(function.name()), named_json(argument))
        }
    }
}

fn product_json<S: Scalar>(product: &Product<S>) -> String {
    format!("{{\"negative\":{},\"factors\":{}}}", product.negative, list(&product.factors, named_json))
}

fn named_json<S: Scalar>(named: &Named<S>) -> String {
    format!("{{\"symbol\":{},\"value\":{}}}", text(&named.symbol), number(named.value))
}

fn list<'a, T: 'a>(items: impl IntoIterator<Item = &'a T>, json: impl Fn(&T) -> String) -> String {
    let items: Vec<String> = items.into_iter().map(json).collect();
    format!("[{}]", items.join(","))
}

/// Rust's `Debug` of a float is the shortest text that reads back as the same number, and JSON.
fn number<S: Scalar>(value: S) -> String {
    if value.to_f64().is_finite() { format!("{value:?}") } else { "null".to_string() }
}

fn text(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}
