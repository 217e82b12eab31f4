//! What the trace keeps, what it leaves out, and that it changes no bit.

use gatewise_reference::{
    AnyCell, Cell, Layout, NoTrace, Quantity, Recorder, Scalar, Sequence, Trace, TraceFilter, forward,
};

use crate::cells::{Numbers, every_cell};

const STEPS: usize = 3;
const BATCH: usize = 2;

fn run<S: Scalar>(cell: &AnyCell<S>, recorder: &mut impl Recorder<S>) -> Vec<u64> {
    let x = Numbers::new(11).vector(STEPS * BATCH * cell.input_size());
    let input = Sequence { layout: Layout::BatchFirst, batch: BATCH, steps: STEPS, x: &x, h0: None, c0: None };
    let output = forward(cell, &input, recorder).expect("a sequence that fits");
    let all = output.y.iter().chain(&output.h_n).chain(&output.c_n);
    all.map(|value| value.to_f64().to_bits()).collect()
}

/// A recorder that wants nothing and must not be bothered.
struct Deaf;

impl<S: Scalar> Recorder<S> for Deaf {
    fn begin_sequence(&mut self, _cell: &'static str) {}
    fn begin_step(&mut self, _batch: usize, _step: usize) {}
    fn wants(&self, _unit: usize) -> bool {
        false
    }
    fn record(&mut self, quantity: Quantity<S>) {
        panic!("{} was written out for nobody", quantity.symbol);
    }
}

fn tracing_changes_no_bit_in<S: Scalar>() {
    for (inputs, hidden) in [(1, 1), (3, 4)] {
        for (name, cell) in every_cell::<S>(inputs, hidden, 5) {
            let untraced = run(&cell, &mut NoTrace);
            let distinct: std::collections::HashSet<&u64> = untraced.iter().collect();
            // What is cut off may stay at the cut.
            let cut = hidden == 1 || name.contains("ThresholdedRelu");
            assert!(distinct.len() > 1 || cut, "{name}: every output is the same");
            assert_eq!(untraced, run(&cell, &mut Deaf), "{name}");
            assert_eq!(untraced, run(&cell, &mut Trace::new(TraceFilter::default())), "{name}");
            let filter = TraceFilter { step: Some(1), ..TraceFilter::default() };
            assert_eq!(untraced, run(&cell, &mut Trace::new(filter)), "{name}");
        }
    }
}

#[test]
fn tracing_changes_no_bit() {
    tracing_changes_no_bit_in::<f64>();
    tracing_changes_no_bit_in::<f32>();
}

#[test]
fn the_trace_ends_every_step_with_the_states_of_the_output() {
    for (name, cell) in every_cell::<f64>(2, 3, 6) {
        let mut trace = Trace::new(TraceFilter::default());
        let outputs = run(&cell, &mut trace);
        assert_eq!(trace.cell(), cell.name());
        assert_eq!(trace.steps().count(), BATCH * STEPS, "{name}");
        for row in 0..BATCH {
            for step in 0..STEPS {
                for unit in 0..cell.output_size() {
                    let recorded = trace.step(row, step).and_then(|step| step.get(unit, "h"));
                    let recorded = recorded.expect("a hidden state for every unit").value;
                    let output = outputs[(row * STEPS + step) * cell.output_size() + unit];
                    assert_eq!(recorded.to_bits(), output, "{name}, row {row}, step {step}, unit {unit}");
                }
            }
        }
        let get = trace.get(2, 1, "h").expect("h of unit 1 at step 2");
        assert_eq!(Some(get), trace.step(0, 2).and_then(|step| step.find("h[1]")), "{name}");
    }
}

#[test]
fn a_filter_keeps_what_a_full_trace_has_there() {
    for (name, cell) in every_cell::<f64>(2, 3, 8) {
        let mut full = Trace::new(TraceFilter::default());
        run(&cell, &mut full);
        for choice in 0..8 {
            let only = |bit: u32| (choice & (1 << bit) != 0).then_some(1);
            let (batch, step, unit) = (only(0), only(1), only(2));
            let mut filtered = Trace::new(TraceFilter { batch, step, unit });
            run(&cell, &mut filtered);
            let mut expected = Vec::new();
            for recorded in full.steps() {
                if batch.is_none_or(|batch| batch == recorded.batch) && step.is_none_or(|step| step == recorded.step) {
                    let fits = |quantity: &&Quantity<f64>| unit.is_none_or(|unit| unit == quantity.unit);
                    let quantities: Vec<_> = recorded.quantities.iter().filter(fits).cloned().collect();
                    expected.push((recorded.batch, recorded.step, quantities));
                }
            }
            let found: Vec<_> = filtered.steps().map(|step| (step.batch, step.step, step.quantities.clone())).collect();
            assert_eq!(found, expected, "{name}, batch {batch:?}, step {step:?}, unit {unit:?}");
        }
        let mut nothing = Trace::new(TraceFilter { unit: Some(3), ..TraceFilter::default() });
        run(&cell, &mut nothing);
        assert_eq!(nothing.steps().count(), 0, "{name}: there is no unit 3");
    }
}

#[test]
fn a_gru_records_its_quantities_in_the_order_of_the_equations() {
    let symbols = |start: &str, hidden: usize| -> Vec<String> {
        let cells = every_cell::<f64>(2, hidden, 9);
        let (_, cell) = cells.iter().find(|(name, _)| name.starts_with(start)).expect(start);
        let mut trace = Trace::new(TraceFilter { batch: Some(0), step: Some(0), unit: Some(0) });
        run(cell, &mut trace);
        trace.quantities().map(|quantity| quantity.symbol.clone()).collect()
    };
    assert_eq!(
        symbols("GRU Before KeepsOld", 1),
        ["z_r", "r", "z_z", "z", "r·h⁻", "z_n", "n", "1−z", "z·h⁻", "(1−z)·n", "h"]
    );
    assert_eq!(
        symbols("GRU After WritesNew, recurrent bias true", 2),
        [
            "z_r[0]",
            "r[0]",
            "z_z[0]",
            "z[0]",
            "(R_n·h⁻+b_rn)[0]",
            "(r·(R_n·h⁻+b_rn))[0]",
            "z_n[0]",
            "n[0]",
            "(1−z)[0]",
            "((1−z)·h⁻)[0]",
            "(z·n)[0]",
            "h[0]"
        ]
    );
    assert_eq!(symbols("GRU After KeepsOld, recurrent bias false", 1)[4..6], ["R_n·h⁻", "r·(R_n·h⁻)"]);
}
