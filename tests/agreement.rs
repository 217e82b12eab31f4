//! Every level against the f64 reference, and the promise of the same bits: alone or in a batch, whole or in chunks, on any
//! number of threads, on AVX2 and AVX-512.

mod common;

use std::sync::Arc;

use common::{Case, Sizes, assert_close, assert_same_bits, levels};
use gatewise::{Layout, Level, LstmWeights, Model, Session};
use proptest::prelude::*;

/// What a run leaves behind.
struct Run {
    y: Vec<f32>,
    h: Vec<f32>,
    c: Vec<f32>,
}

fn run(case: &Case, level: Level, threads: usize) -> Run {
    let model = Model::with_level(case.weights(), level).unwrap();
    let mut session = Session::new(&model, case.sizes.batch).unwrap().with_threads(threads);
    session.set_state(&case.h0, &case.c0).unwrap();
    let mut y = vec![f32::NAN; case.sizes.steps * case.sizes.batch * case.sizes.hidden];
    session.run(&case.x, Layout::TimeMajor, &mut y).unwrap();
    Run { y, h: session.hidden_state().to_vec(), c: session.cell_state().to_vec() }
}

fn sizes() -> impl Strategy<Value = Sizes> {
    // Registers of 4, 8 and 16 lanes, tiles of 2, 3 and 6 rows, chains of 32 terms: both sides of each.
    (1usize..6, 1usize..20, 1usize..70, 1usize..70).prop_map(|(steps, batch, input, hidden)| Sizes {
        steps,
        batch,
        input,
        hidden,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_level_agrees_with_the_reference(sizes in sizes(), seed in any::<u64>()) {
        let scale = 1.0 / (sizes.hidden as f32).sqrt();
        let case = Case::random(sizes, scale, seed);
        let expected = case.reference();
        for level in levels() {
            let found = run(&case, level, 1);
            assert_close(&found.y, &expected.y, 1e-6, || format!("y, {level}, {sizes:?}"));
            assert_close(&found.h, &expected.h_n, 1e-6, || format!("h_n, {level}, {sizes:?}"));
            assert_close(&found.c, &expected.c_n, 2e-6, || format!("c_n, {level}, {sizes:?}"));
        }
    }

    #[test]
    fn weights_far_too_large_still_agree(sizes in sizes(), seed in any::<u64>()) {
        // Sums in the hundreds: gates saturate, exponentials reach their limits. One step: such a net is chaotic.
        let case = Case::random(Sizes { steps: 1, ..sizes }, 30.0, seed);
        let expected = case.reference();
        for level in levels() {
            let found = run(&case, level, 1);
            assert_close(&found.y, &expected.y, 1e-3, || format!("y, {level}, {sizes:?}"));
        }
    }

    #[test]
    fn a_sequence_alone_gives_the_bits_that_it_gives_in_a_batch(sizes in sizes(), seed in any::<u64>()) {
        let case = Case::random(sizes, 0.4, seed);
        let Sizes { steps, batch, input, hidden } = sizes;
        for level in levels() {
            let whole = run(&case, level, 1);
            for row in 0..batch {
                let pick = |values: &[f32], rows: usize, width: usize| -> Vec<f32> {
                    (0..rows).flat_map(|at| values[(at * batch + row) * width..][..width].iter().copied()).collect()
                };
                let alone = Case {
                    sizes: Sizes { batch: 1, ..sizes },
                    x: pick(&case.x, steps, input),
                    h0: pick(&case.h0, 1, hidden),
                    c0: pick(&case.c0, 1, hidden),
                    ..case.clone()
                };
                let found = run(&alone, level, 1);
                assert_same_bits(&found.y, &pick(&whole.y, steps, hidden), || format!("{level}, row {row}, {sizes:?}"));
                assert_same_bits(&found.c, &pick(&whole.c, 1, hidden), || format!("c, {level}, row {row}, {sizes:?}"));
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits(sizes in sizes(), threads in 2usize..9, seed in any::<u64>()) {
        let case = Case::random(sizes, 0.4, seed);
        for level in levels() {
            let (one, many) = (run(&case, level, 1), run(&case, level, threads));
            assert_same_bits(&many.y, &one.y, || format!("y, {level}, {threads} threads, {sizes:?}"));
            assert_same_bits(&many.h, &one.h, || format!("h, {level}, {threads} threads, {sizes:?}"));
            assert_same_bits(&many.c, &one.c, || format!("c, {level}, {threads} threads, {sizes:?}"));
        }
    }

    #[test]
    fn chunks_and_single_steps_give_the_bits_of_the_whole(sizes in sizes(), chunk in 1usize..4, seed in any::<u64>()) {
        let case = Case::random(sizes, 0.4, seed);
        let Sizes { batch, input, hidden, .. } = sizes;
        for level in levels() {
            let whole = run(&case, level, 1);
            let model = Arc::new(Model::with_level(case.weights(), level).unwrap());
            let start = |threads| {
                let mut session = Session::new(Arc::clone(&model), batch).unwrap().with_threads(threads);
                session.set_state(&case.h0, &case.c0).unwrap();
                session
            };

            let mut stepped = start(1);
            for (x, y) in case.x.chunks(batch * input).zip(whole.y.chunks(batch * hidden)) {
                assert_same_bits(stepped.step(x).unwrap(), y, || format!("step, {level}, {sizes:?}"));
            }
            assert_same_bits(stepped.cell_state(), &whole.c, || format!("c by steps, {level}, {sizes:?}"));

            let mut chunked = start(2);
            let mut y = vec![f32::NAN; whole.y.len()];
            for (x, y) in case.x.chunks(chunk * batch * input).zip(y.chunks_mut(chunk * batch * hidden)) {
                chunked.run(x, Layout::TimeMajor, y).unwrap();
            }
            assert_same_bits(&y, &whole.y, || format!("chunks of {chunk}, {level}, {sizes:?}"));
            assert_same_bits(chunked.hidden_state(), &whole.h, || format!("h by chunks, {level}, {sizes:?}"));
        }
    }

    #[test]
    fn batch_first_gives_the_bits_of_time_major(sizes in sizes(), threads in 1usize..4, seed in any::<u64>()) {
        let case = Case::random(sizes, 0.4, seed);
        let Sizes { steps, batch, input, hidden } = sizes;
        let swap = |values: &[f32], first: usize, second: usize, width: usize| -> Vec<f32> {
            (0..second * first)
                .flat_map(|at| values[(at % first * second + at / first) * width..][..width].iter().copied())
                .collect()
        };
        for level in levels() {
            let expected = run(&case, level, 1);
            let model = Model::with_level(case.weights(), level).unwrap();
            let mut session = Session::new(&model, batch).unwrap().with_threads(threads);
            session.set_state(&case.h0, &case.c0).unwrap();
            let mut y = vec![f32::NAN; expected.y.len()];
            session.run(&swap(&case.x, steps, batch, input), Layout::BatchFirst, &mut y).unwrap();
            assert_same_bits(&swap(&y, batch, steps, hidden), &expected.y, || format!("{level}, {sizes:?}"));
            assert_same_bits(session.cell_state(), &expected.c, || format!("c, {level}, {sizes:?}"));
        }
    }

    #[test]
    fn avx2_and_avx512_give_the_same_bits(sizes in sizes(), seed in any::<u64>()) {
        if !Level::Avx512.is_available() {
            eprintln!("SKIPPED: this machine has no avx512");
            return Ok(());
        }
        let case = Case::random(sizes, 0.4, seed);
        let (narrow, wide) = (run(&case, Level::Avx2, 1), run(&case, Level::Avx512, 1));
        assert_same_bits(&wide.y, &narrow.y, || format!("{sizes:?}"));
        assert_same_bits(&wide.c, &narrow.c, || format!("c, {sizes:?}"));
    }
}

#[test]
fn a_thousand_steps_stay_within_a_millionth_of_the_reference() {
    for (input, hidden, seed) in [(16, 48, 1), (3, 17, 2), (64, 100, 3)] {
        let sizes = Sizes { steps: 1000, batch: 2, input, hidden };
        let case = Case::random(sizes, 1.0 / (hidden as f32).sqrt(), seed);
        let expected = case.reference();
        for level in levels() {
            assert_close(&run(&case, level, 1).y, &expected.y, 1e-6, || format!("{level}, {sizes:?}"));
        }
    }
}

#[test]
fn the_worked_example_comes_out_on_every_level() {
    use gatewise_reference::example;
    let gate = |name| example::WEIGHTS.iter().find(|weights| weights.gate == name).unwrap();
    let gates = ["input gate", "forget gate", "candidate", "output gate"].map(gate);
    let case = Case {
        sizes: Sizes { steps: 1, batch: 1, input: 1, hidden: 1 },
        weight_ih: gates.iter().map(|gate| gate.input as f32).collect(),
        weight_hh: gates.iter().map(|gate| gate.hidden as f32).collect(),
        bias: gates.iter().map(|gate| gate.bias as f32).collect(),
        x: vec![1.0],
        h0: vec![1.0],
        c0: vec![2.0],
    };
    for level in levels() {
        let found = run(&case, level, 1);
        assert_close(&found.h, &[0.986_229_125_417], 2e-7, || format!("h, {level}"));
        assert_close(&found.c, &[2.947_567_431_895], 5e-7, || format!("c, {level}"));
    }
}

#[test]
fn nan_in_one_sequence_stays_in_it() {
    let sizes = Sizes { steps: 3, batch: 7, input: 5, hidden: 9 };
    let mut case = Case::random(sizes, 0.4, 11);
    case.x[2 * 5 + 1] = f32::NAN; // Step 0, row 2.
    for level in levels() {
        let y = run(&case, level, 1).y;
        for (at, value) in y.iter().enumerate() {
            let row = at / 9 % 7;
            assert_eq!(value.is_nan(), row == 2, "{level}: step {}, row {row}: {value}", at / 63);
        }
    }
}

/// One unit a pair of sums, nothing but biases: the cell state is what the gates make of them.
fn cell_states(level: Level, sums: &[[f32; 4]], c0: f32) -> Vec<f32> {
    let hidden = sums.len();
    let bias: Vec<f32> = (0..4).flat_map(|gate| sums.iter().map(move |unit| unit[gate])).collect();
    let weights = LstmWeights::new(1, hidden, &vec![0.0; 4 * hidden], &vec![0.0; 4 * hidden * hidden], &bias).unwrap();
    let model = Model::with_level(&weights, level).unwrap();
    let mut session = Session::new(&model, 1).unwrap();
    session.set_state(&vec![0.0; hidden], &vec![c0; hidden]).unwrap();
    session.step(&[0.0]).unwrap();
    session.cell_state().to_vec()
}

#[test]
fn what_a_nearly_closed_gate_lets_through_is_relatively_exact() {
    let sigmoid = |z: f32| 1.0 / (1.0 + (-f64::from(z)).exp());
    for level in levels() {
        // i·g with c⁻ = 0: input gates from −30 to 30, beyond which they do not close further; candidates from 1e-10 to
        // saturated, both signs.
        let gates = (0..121).map(|n| n as f32 * 0.5 - 30.0);
        let candidates = [1e-10, 1e-7, 3e-4, 0.031, 0.4, 1.7, 6.5, 30.0].into_iter().flat_map(|g: f32| [g, -g]);
        let sums: Vec<[f32; 4]> = gates.flat_map(|i| candidates.clone().map(move |g| [i, 0.0, g, 0.0])).collect();
        for (sums, found) in sums.chunks(121).flat_map(|sums| sums.iter().zip(cell_states(level, sums, 0.0))) {
            let expected = sigmoid(sums[0]) * f64::from(sums[2]).tanh();
            if found == 0.0 && expected.abs() < 1e-20 {
                continue; // What is negligible ends there, and not in subnormal numbers.
            }
            let error = (f64::from(found) - expected).abs() / expected.abs();
            assert!(error < 4e-7, "{level}: σ({})·tanh({}) = {found:e}, {error:e} off", sums[0], sums[2]);
        }
        // f·c⁻ with i·g = 0.
        let sums: Vec<[f32; 4]> = (0..121).map(|n| [0.0, n as f32 * 0.5 - 30.0, 0.0, 0.0]).collect();
        for (sums, found) in sums.iter().zip(cell_states(level, &sums, 3.0)) {
            let expected = sigmoid(sums[1]) * 3.0;
            let error = (f64::from(found) - expected).abs() / expected;
            assert!(error < 2e-7, "{level}: σ({})·3 = {found:e}, {error:e} off", sums[1]);
        }
    }
}

/// Levels that round a multiply-add once give one result, to the bit, on every machine: AVX2, AVX-512 and NEON.
///
/// The recorded value is that of the order of summation in docs/design.md; a change of it is a change of every result.
#[test]
fn levels_with_fma_give_the_recorded_bits() {
    let sizes = Sizes { steps: 40, batch: 7, input: 37, hidden: 45 };
    let Sizes { steps, batch, input, hidden } = sizes;
    // Multiples of 1/1024 from a quadratic sequence: no random generator, no library function.
    let values = |count: usize, seed: usize, scale: f32| -> Vec<f32> {
        (0..count).map(|n| (((n * n + seed * n + seed) % 2003) as f32 - 1001.0) / 1024.0 * scale).collect()
    };
    let case = Case {
        sizes,
        weight_ih: values(4 * hidden * input, 17, 0.25),
        weight_hh: values(4 * hidden * hidden, 29, 0.25),
        bias: values(4 * hidden, 5, 0.5),
        x: values(steps * batch * input, 41, 1.0),
        h0: values(batch * hidden, 3, 1.0),
        c0: values(batch * hidden, 11, 2.0),
    };
    for level in levels() {
        if level == Level::Portable && !cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            continue; // It rounds twice here.
        }
        let run = run(&case, level, 1);
        let mut hash = 0xcbf2_9ce4_8422_2325u64; // FNV-1a
        for value in run.y.iter().chain(&run.c) {
            hash = (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3);
        }
        assert_eq!(hash, 0xcea5_25d5_4963_725e, "{level}: {hash:#x}");
    }
}
