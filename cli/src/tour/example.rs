//! The documents' numbers beside ours: the worked example gate by gate, and the two companies' stories.

use anyhow::{Context, Result};
use gatewise::{Layout, Level, LstmWeights, Model, Session};
use gatewise_reference::{Cell, Formula, Length, Sequence, Step, Trace, TraceFilter, example, forward, number};

use crate::text;

/// The table, the slips of the document's program, and the same step by every kernel.
pub fn worked_example() -> Result<String> {
    let mut trace = Trace::new(TraceFilter::default());
    example::worked_example::<f64>().step(&example::moment(), &mut trace);
    let step = trace.step(0, 0).context("the worked example has one step")?;

    let mut page = "\
The worked example: one LSTM unit, one feature, one step
  given x = 1, the previous hidden state h⁻ = 1 and the previous cell state c⁻ = 2

"
    .to_owned();
    let mut rows = Vec::new();
    for row in &example::ROWS {
        rows.push(table_row(step, row)?);
    }
    page += &text::table(&["", "formula", "with the numbers", "value", "document", "", ""], &[3, 4], rows);
    page += "
The document's program does not run as printed. Its three slips:
  1. a line of bare text between the statements is a syntax error
  2. x1 is undefined: the variable is called xt
  3. ht_1 is undefined: the variable is called ht1
With these mended it prints what stands above under \"document\": right but for the last label. It calls o the
2nd sigmoid, h ct, and prints tanh(c) as the final cell state, which is 2.95.

";
    page += &kernels(step)?;
    Ok(page)
}

fn table_row(step: &Step<f64>, row: &example::Row) -> Result<Vec<String>> {
    let quantity = step.find(row.symbol).with_context(|| format!("the trace has no {}", row.symbol))?;
    let printed = row.printed.unwrap_or_default();
    let tick = match row.printed {
        None => "",
        Some(printed) if printed == format!("{:.2}", quantity.value) => "✓",
        Some(_) => "✗",
    };
    let name = match (row.label, row.mistake) {
        (Some(label), Some(_)) => format!("\"{label}\" is tanh(c)"), // The text below the table says the rest.
        (Some(label), None) => format!("{}, \"{label}\"", quantity.name),
        (None, _) => quantity.name.to_owned(),
    };
    Ok(vec![
        quantity.symbol.clone(),
        quantity.formula.with_symbols(Length::Full),
        numbers(&quantity.formula),
        format!("{:.12}", quantity.value),
        printed.to_owned(),
        tick.to_owned(),
        name,
    ])
}

/// Two decimals where that is all there is (the weights), four elsewhere.
fn numbers(formula: &Formula<f64>) -> String {
    let whole = |value: f64| (value * 100.0 - (value * 100.0).round()).abs() < 1e-9;
    let digits = if formula.operands().iter().all(|operand| whole(operand.value)) { 2 } else { 4 };
    formula.with_numbers(digits, Length::Full)
}

/// The same step by the kernel of every level that the machine has.
fn kernels(step: &Step<f64>) -> Result<String> {
    let exact = |symbol: &str| step.find(symbol).map_or(f64::NAN, |quantity| quantity.value);
    let weights = weights()?;
    let mut rows = Vec::new();
    for level in Level::available() {
        let model = Model::with_level(&weights, level)?;
        let mut session = Session::new(&model, 1)?;
        session.set_state(&[example::H_PREVIOUS as f32], &[example::C_PREVIOUS as f32])?;
        let h = session.step(&[example::X as f32])?[0];
        let c = session.cell_state()[0];
        rows.push(vec![
            level.to_string(),
            format!("{h:.9}"),
            format!("{:+.1e}", f64::from(h) - exact("h")),
            format!("{c:.9}"),
            format!("{:+.1e}", f64::from(c) - exact("c")),
        ]);
    }
    rows.push(vec![
        "reference, f64".to_owned(),
        format!("{:.12}", exact("h")),
        String::new(),
        format!("{:.12}", exact("c")),
        String::new(),
    ]);
    let table = text::table(&["", "h", "difference", "c", "difference"], &[2, 4], rows);
    Ok(format!("The same step by the SIMD kernel, f32\n\n{table}"))
}

/// Four days of two companies that differ on day 1 only, from h = c = 0: by the reference, and by the kernel.
pub fn stories() -> Result<String> {
    let mut page = "
Two stories: the same cell, four days, from h = c = 0

"
    .to_owned();
    let cell = example::worked_example::<f64>();
    let model = Model::new(&weights()?)?;
    let mut rows = Vec::new();
    for story in &example::STORIES {
        let sequence =
            Sequence { layout: Default::default(), batch: 1, steps: story.x.len(), x: &story.x, h0: None, c0: None };
        let mut trace = Trace::<f64>::new(TraceFilter::default());
        forward(&cell, &sequence, &mut trace)?;
        let mut session = Session::new(&model, 1)?;
        let mut y = vec![0.0; story.x.len()];
        session.run(&story.x.map(|x| x as f32), Layout::TimeMajor, &mut y)?;
        for (day, step) in trace.steps().enumerate() {
            let value = |letter: &str| step.get(0, letter).map_or(f64::NAN, |quantity| quantity.value);
            rows.push(vec![
                if day == 0 { story.company.to_owned() } else { String::new() },
                (day + 1).to_string(),
                number(story.x[day], 2),
                format!("{:.4}", value("f")),
                format!("{:.4}", value("i")),
                format!("{:+.4}", value("g")),
                format!("{:+.6}", value("c")),
                format!("{:+.12}", value("h")),
                format!("{:+.1e}", f64::from(y[day]) - value("h")),
            ]);
        }
        let (last, day_five) = (story.h[3], number(story.day_five, 0));
        rows.push(vec![
            String::new(),
            "5".to_owned(),
            format!("{day_five} ?"),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            format!("{last:+.2} ≈ {day_five} ✓"),
            String::new(),
        ]);
    }
    let header = ["company", "day", "x", "f", "i", "g", "c", "h", "kernel's h"];
    page += &text::table(&header, &[1, 2, 3, 4, 5, 6, 7, 8], rows);
    page += "  What happens on day 5 is what the cell remembers of day 1: 0 for A, 1 for B.\n";
    Ok(page)
}

/// The worked example's weights in the kernels' order, i f g o.
fn weights() -> Result<LstmWeights> {
    let cell = example::worked_example::<f32>();
    let gates = [&cell.input_gate, &cell.forget_gate, &cell.candidate, &cell.output_gate];
    let weight_ih = gates.map(|gate| gate.input_weights.get(0, 0));
    let weight_hh = gates.map(|gate| gate.recurrent_weights.get(0, 0));
    Ok(LstmWeights::new(1, 1, &weight_ih, &weight_hh, &gates.map(|gate| gate.bias[0]))?)
}
