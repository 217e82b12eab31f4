//! f32 beside f64, batch beside single rows, and one layout beside the other, over random sizes.

use gatewise_reference::{AnyCell, Cell, Layout, NoTrace, Output, Scalar, Sequence, forward};
use proptest::prelude::*;

use crate::assert_near;
use crate::cells::{Numbers, every_cell};

/// Numbers for `batch` rows of `steps` steps, the same in both types.
struct Input<S> {
    x: Vec<S>,
    h0: Vec<S>,
    c0: Vec<S>,
}

fn input<S: Scalar>(cell: &AnyCell<S>, batch: usize, steps: usize, seed: u64) -> Input<S> {
    let mut numbers = Numbers::new(seed);
    Input {
        x: numbers.vector(batch * steps * cell.input_size()),
        h0: numbers.vector(batch * cell.output_size()),
        c0: numbers.vector(batch * cell.memory_size()),
    }
}

fn run<S: Scalar>(
    cell: &AnyCell<S>,
    layout: Layout,
    (batch, steps): (usize, usize),
    (x, h0, c0): (&[S], &[S], &[S]),
) -> Output<S> {
    let c0 = cell.has_cell_state().then_some(c0);
    let input = Sequence { layout, batch, steps, x, h0: Some(h0), c0 };
    forward(cell, &input, &mut NoTrace).expect("a sequence that fits")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn f32_stays_close_to_f64(
        inputs in 1usize..9, hidden in 1usize..13, steps in 1usize..6, batch in 1usize..4, seed in any::<u64>()
    ) {
        let wide = every_cell::<f64>(inputs, hidden, seed);
        let narrow = every_cell::<f32>(inputs, hidden, seed);
        for ((name, wide), (_, narrow)) in wide.iter().zip(&narrow) {
            // It jumps: beside the threshold the last digit decides.
            if name.contains("ThresholdedRelu") {
                continue;
            }
            let Input { x, h0, c0 } = input(wide, batch, steps, seed);
            let expected = run(wide, Layout::BatchFirst, (batch, steps), (&x, &h0, &c0));
            let Input { x, h0, c0 } = input(narrow, batch, steps, seed);
            let found = run(narrow, Layout::BatchFirst, (batch, steps), (&x, &h0, &c0));
            // Rounding grows with the numbers themselves where nothing squashes them (ReLU). Seen in 1,500 cases: below 2e-6.
            let largest = expected.y.iter().chain(&expected.c_n).fold(1.0, |largest: f64, y| largest.max(y.abs()));
            let place = format!("{name}, I = {inputs}, H = {hidden}, T = {steps}, B = {batch}");
            for (what, found, expected) in
                [("y", &found.y, &expected.y), ("h_n", &found.h_n, &expected.h_n), ("c_n", &found.c_n, &expected.c_n)]
            {
                prop_assert_eq!(found.len(), expected.len());
                for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
                    assert_near(found.to_f64(), expected, 2e-5 * largest, &format!("{what}[{at}] of {place}"));
                }
            }
        }
    }

    #[test]
    fn a_batch_is_its_rows_in_either_layout(
        inputs in 1usize..4, hidden in 1usize..4, steps in 1usize..5, batch in 1usize..4, seed in any::<u64>()
    ) {
        for (name, cell) in every_cell::<f64>(inputs, hidden, seed) {
            let Input { x, h0, c0 } = input(&cell, batch, steps, seed);
            let (memory, hidden) = (cell.memory_size(), cell.output_size());
            let together = run(&cell, Layout::BatchFirst, (batch, steps), (&x, &h0, &c0));
            let mut time_major = Vec::new();
            for step in 0..steps {
                for row in 0..batch {
                    time_major.extend(&x[(row * steps + step) * inputs..][..inputs]);
                }
            }
            let turned = run(&cell, Layout::TimeMajor, (batch, steps), (&time_major, &h0, &c0));
            prop_assert_eq!((&turned.h_n, &turned.c_n), (&together.h_n, &together.c_n), "{}", name);
            for row in 0..batch {
                // Row by row and step by step, the state handed on by hand.
                let mut h = h0[row * hidden..(row + 1) * hidden].to_vec();
                let mut c = c0[row * memory..(row + 1) * memory].to_vec();
                for step in 0..steps {
                    let place = row * steps + step;
                    let alone = run(&cell, Layout::BatchFirst, (1, 1), (&x[place * inputs..][..inputs], &h, &c));
                    (h, c) = (alone.h_n, alone.c_n);
                    prop_assert_eq!(&h[..], &together.y[place * hidden..][..hidden], "{}, row {}, step {}", name, row, step);
                    let turned = &turned.y[(step * batch + row) * hidden..][..hidden];
                    prop_assert_eq!(&h[..], turned, "{}, row {}, step {}", name, row, step);
                }
                prop_assert_eq!(&h[..], &together.h_n[row * hidden..][..hidden], "{}, row {}", name, row);
                prop_assert_eq!(&c[..], &together.c_n[row * memory..][..memory], "{}, row {}", name, row);
            }
        }
    }
}
