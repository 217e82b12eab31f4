//! How formulas and tables read.

use gatewise_reference::{
    Cell, Formula, Function, Length, Named, NoTrace, Product, Trace, TraceFilter, forward, number,
};
use gatewise_reference::{Layout, Sequence};

use crate::cells::every_cell;

fn product(negative: bool, factors: &[(&str, f64)]) -> Product<f64> {
    Product { negative, factors: factors.iter().map(|(symbol, value)| Named::new(*symbol, *value)).collect() }
}

fn sum(products: &[Product<f64>]) -> Formula<f64> {
    Formula::Sum(products.to_vec())
}

#[test]
fn signs_and_brackets_read_well() {
    for (formula, symbols, numbers) in [
        (sum(&[product(false, &[("1", 1.0)]), product(true, &[("z", 0.25)])]), "1 − z", "1 − 0.25"),
        (sum(&[product(false, &[("1", 1.0)]), product(true, &[("z", -0.25)])]), "1 − z", "1 − (−0.25)"),
        (sum(&[product(false, &[("a", -0.5)]), product(false, &[("b", -0.75)])]), "a + b", "−0.50 − 0.75"),
        (sum(&[product(true, &[("a", 0.5), ("b", 2.0)])]), "−a·b", "−0.50·2"),
        (sum(&[product(true, &[("a", -0.5), ("b", 2.0)])]), "−a·b", "−(−0.50)·2"),
        (
            sum(&[product(false, &[("a", 1.5)]), product(false, &[("b", 0.5), ("c", -0.5)])]),
            "a + b·c",
            "1.50 + 0.50·(−0.50)",
        ),
        (sum(&[product(false, &[("1−z", 0.25), ("n", 0.5)])]), "(1−z)·n", "0.25·0.50"),
        (sum(&[product(false, &[("(1−z)·n", 0.25)])]), "(1−z)·n", "0.25"),
        (sum(&[product(false, &[("(1−z)[2]", 0.25), ("n[2]", 0.5)])]), "(1−z)[2]·n[2]", "0.25·0.50"),
        (sum(&[product(false, &[("h⁻", 0.5), ("z", 1.0)])]), "h⁻·z", "0.50·1"),
        (Formula::Apply { function: Function::Tanh, argument: Named::new("c", -0.5) }, "tanh(c)", "tanh(−0.50)"),
        (Formula::Apply { function: Function::Relu, argument: Named::new("z", 0.5) }, "relu(z)", "relu(0.50)"),
        (
            Formula::Apply {
                function: Function::HardSigmoid { alpha: 0.2, beta: -0.5 },
                argument: Named::new("z_f", 0.5),
            },
            "hardsigmoid(z_f; 0.2, −0.5)",
            "hardsigmoid(0.50; 0.2, −0.5)",
        ),
        (
            Formula::Apply { function: Function::Clip { bound: 3.0 }, argument: Named::new("z_f[1]", -4.5) },
            "clip(z_f[1]; 3)",
            "clip(−4.50; 3)",
        ),
        (Formula::Apply { function: Function::Identity, argument: Named::new("z_g", -2.03) }, "z_g", "−2.03"),
    ] {
        assert_eq!(formula.with_symbols(Length::Short), symbols);
        assert_eq!(formula.with_numbers(2, Length::Short), numbers, "{symbols}");
    }
}

#[test]
fn long_sums_are_shortened_in_the_middle_unless_asked_for() {
    let terms = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("b[{at}]")).collect();
        let products: Vec<_> = names.iter().map(|name| product(false, &[(name, -0.5)])).collect();
        sum(&products)
    };
    assert_eq!(terms(6).with_symbols(Length::Short), "b[0] + b[1] + b[2] + b[3] + b[4] + b[5]");
    assert_eq!(terms(7).with_symbols(Length::Short), "b[0] + b[1] + b[2] + … 2 terms … + b[5] + b[6]");
    assert_eq!(terms(130).with_numbers(1, Length::Short), "−0.5 − 0.5 − 0.5 + … 125 terms … − 0.5 − 0.5");
    assert_eq!(terms(130).with_symbols(Length::Full).matches("b[").count(), 130);
}

#[test]
fn numbers_that_are_no_plain_decimals_are_written_too() {
    let found = [0.0, -0.0, f64::NAN, f64::INFINITY, 1e-9, -1e9, 123456789.0, 0.005, 0.0049];
    let found = found.map(|value| number(value, 2));
    let expected = ["0", "0", "NaN", "∞", "1.00e-9", "−1.00e9", "123456789", "0.01", "4.90e-3"];
    assert_eq!(found, expected);
    assert_eq!(number(1.63_f32, 2), "1.63");
}

#[test]
fn the_table_is_aligned_and_has_every_quantity() {
    for (name, cell) in every_cell::<f64>(3, 4, 10) {
        let x = [0.5, -0.25, 1.0, 0.125, 0.0, -1.0];
        let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 2, x: &x, h0: None, c0: None };
        let mut trace = Trace::new(TraceFilter::default());
        let traced = forward(&cell, &input, &mut trace);
        assert_eq!(traced, forward(&cell, &input, &mut NoTrace));
        for step in trace.steps() {
            let table = format!("{step:.3}");
            let lines: Vec<&str> = table.lines().collect();
            assert_eq!(lines.len(), step.quantities.len(), "{name}");
            let column = |line: &str| line.chars().position(|character| character == '=');
            for (line, quantity) in lines.iter().zip(&step.quantities) {
                assert!(line.starts_with(&quantity.symbol), "{name}: {line}");
                assert!(line.contains(&format!("= {}", number(quantity.value, 3))), "{name}: {line}");
                assert!(line.ends_with(quantity.name), "{name}: {line}");
                assert_eq!(column(line), column(lines[0]), "{name}: {line}");
            }
        }
        // Three features, four values of h⁻ and a bias are eight terms, of which five are shown.
        let left_out = 3 + cell.output_size() + 1 - 5;
        assert!(format!("{trace}").contains(&format!("… {left_out} terms …")), "{name}");
        assert!(!format!("{trace:#}").contains('…'), "{name}");
        assert_eq!(format!("{trace}").matches(", batch row 0, step ").count(), 2, "{name}");
    }
}
