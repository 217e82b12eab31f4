//! Cells that PyTorch does not have, against what their papers' equations gave for tests/fixtures; every c too.

use gatewise::{
    Batch, ClockworkModule, ClockworkWeights, DepthGatedWeights, LstmWeights, Merge, Model, MutantWeights, Mutation,
    Outputs, RnnWeights, Session,
};

use crate::common::jobs::{Job, Lengths};
use crate::common::networks::{Plan, Twin, Ways};
use crate::common::variants::{case, input, names, size, weights};
use crate::common::{array, assert_close, assert_same_bits, fixture, levels};

/// The layers of a variant as a model.
fn model(name: &str, level: gatewise::Level) -> Model {
    let layers = weights(name, &case(name));
    layers.into_iter().fold(Model::builder().level(level), |model, layer| model.layer(layer)).build().unwrap()
}

#[test]
fn every_variant_comes_out_on_every_level() {
    let names = names("variant_");
    assert_eq!(names.len(), 22, "all variants");
    for name in names {
        let case = case(&name);
        let io = |array_name: &str| array(&fixture(&name).join("io.npz"), array_name);
        let (y, h_n) = (io("y").unwrap(), io("h_n").unwrap());
        for level in levels() {
            let model = model(&name, level);
            let mut session = Session::new(&model, size(&case, "B")).unwrap();
            session.set_state(&input(&name, "h0").unwrap(), &input(&name, "c0").unwrap_or_default()).unwrap();
            let mut found = vec![f32::NAN; y.len()];
            let mut cells = vec![f32::NAN; y.len()];
            let x = input(&name, "x").unwrap();
            let mut outputs = Outputs::none().hidden(&mut found);
            if io("c_all").is_some() {
                outputs = outputs.cells(&mut cells);
            }
            session.forward(Batch::new(&x), outputs).unwrap();
            assert_close(&found, &y, 2e-6, || format!("{name}, y, {level}"));
            assert_close(&session.hidden_states(), &h_n, 2e-6, || format!("{name}, h_n, {level}"));
            if let Some(c_n) = io("c_n") {
                assert_close(&session.cell_states(), &c_n, 2e-6, || format!("{name}, c_n, {level}"));
            }
            if let Some(c_all) = io("c_all") {
                assert_close(&cells, &c_all, 2e-6, || format!("{name}, every c, {level}"));
            }
        }
    }
}

#[test]
fn stacks_of_depth_gates_agree_with_the_reference_and_give_the_same_bits_on_any_number_of_threads() {
    for (hidden, steps, batch) in [(5, 9, 4), (33, 130, 3), (20, 70, 40)] {
        for ways in [Ways::Forward, Ways::Reverse] {
            let twin = Twin::new(&Plan::depth_gated(7, hidden, 2, ways), hidden as u64);
            let job = Job::random(&twin, steps, batch, Lengths::Ragged, 3);
            let expected = job.expected(&twin);
            for level in levels() {
                let what = || format!("{level}, H {hidden}, T {steps}, B {batch}, {ways:?}");
                let found = job.run(&twin.model(level), 1);
                found.assert_close(&expected, 2e-6, what);
                for threads in [2, 3, 5] {
                    job.run(&twin.model(level), threads).assert_same_bits(&found, what);
                }
            }
        }
    }
}

#[test]
fn a_depth_gate_needs_an_lstm_of_its_width_right_below() {
    let zeros = vec![0.0; 1000];
    let gated = || DepthGatedWeights::new(4, 4, &zeros[..80], &zeros[..64], &zeros[..20], [&zeros[..4]; 2]).unwrap();
    let lstm = |hidden: usize| {
        let (ih, hh) = (&zeros[..4 * hidden * 4], &zeros[..4 * hidden * hidden]);
        LstmWeights::new(4, hidden, ih, hh, &zeros[..4 * hidden]).unwrap()
    };
    let rnn = || RnnWeights::new(4, 4, &zeros[..16], &zeros[..16], &zeros[..4]).unwrap();
    let start = Model::builder;
    let cases = [
        (start().layer(gated()), "there is none"),
        (start().layer(rnn()).layer(gated()), "its cell has no memory"),
        (start().reverse(lstm(4)).layer(gated()), "it reads in the other direction"),
        (start().bidirectional(lstm(4), lstm(4), Merge::Sum).layer(gated()), "it reads in both directions"),
        (start().layer(lstm(4)).bidirectional(gated(), gated(), Merge::Sum), "reads in both directions"),
    ];
    for (builder, says) in cases {
        let error = builder.build().err().unwrap().to_string();
        assert!(error.contains("depth-gated") && error.contains(says), "{error}");
    }
    assert!(start().layer(lstm(4)).layer(gated()).layer(gated()).build().is_ok());
    assert!(start().reverse(lstm(4)).reverse(gated()).build().is_ok());
}

/// What does not fire is not computed: its weights could be anything.
#[test]
fn a_module_that_never_fires_keeps_its_state_to_the_bit() {
    let (input, modules) = (3, [(1, 5), (1000, 6)].map(|(period, units)| ClockworkModule { period, units }));
    let value = |at: usize| (at as f32 * 0.37).sin();
    let [ih, hh, bias] = [11 * input, 121, 11].map(|count| (0..count).map(value).collect::<Vec<f32>>());
    let weights = ClockworkWeights::with_modules(input, &ih, &hh, &bias, &modules).unwrap().with_first_t(1);
    for level in levels() {
        let model = Model::with_level(&weights, level).unwrap();
        let mut session = Session::new(&model, 2).unwrap();
        let h0: Vec<f32> = (0..22).map(value).collect();
        session.set_state(&h0, &[]).unwrap();
        let x: Vec<f32> = (0..20 * 2 * input).map(value).collect();
        session.forward(Batch::new(&x), Outputs::none()).unwrap();
        for (found, begun) in session.hidden_state().chunks(11).zip(h0.chunks(11)) {
            assert_same_bits(&found[5..], &begun[5..], || format!("{level}"));
            assert!(found[..5].iter().zip(begun).all(|(found, begun)| found != begun), "{found:?}");
        }
    }
}

#[test]
fn clocks_count_each_sequence_s_own_steps_until_the_session_is_reset() {
    let ones = [1.0; 4];
    let identity = gatewise::RnnOptions { activation: gatewise::Activation::Identity, clip: None };
    // Two units that add up what they hear; the second one looks up at every third step only.
    let weights = ClockworkWeights::new(1, 2, &ones[..2], &[1.0, 0.0, 0.0, 1.0], &[0.0; 2], &[1, 3]).unwrap();
    let model = Model::new(weights.with_options(identity)).unwrap();
    let mut session = Session::new(&model, 2).unwrap();
    let mut y = vec![0.0; 12];
    let batch = Batch::new(&[1.0, 1.0, 10.0, 10.0, 100.0, 100.0]).lengths(&[3, 1]);
    session.forward(batch, Outputs::none().hidden(&mut y)).unwrap();
    assert_eq!(y, [1.0, 1.0, 1.0, 1.0, 11.0, 1.0, 0.0, 0.0, 111.0, 1.0, 0.0, 0.0]);
    // The first sequence is at its fourth step, the other one at its second.
    assert_eq!(session.step(&[0.5, 0.5]).unwrap(), [111.5, 1.5, 1.5, 1.0]);
    session.reset();
    assert_eq!(session.step(&[2.0, 3.0]).unwrap(), [2.0, 2.0, 3.0, 3.0]);
}

#[test]
fn modules_that_cannot_be_are_refused() {
    let zeros = vec![0.0; 100];
    let new = |periods: &[usize]| ClockworkWeights::new(1, 6, &zeros[..6], &zeros[..36], &zeros[..6], periods);
    for (periods, says) in [
        (&[][..], "does not divide"),
        (&[1, 2, 4, 8], "does not divide"),
        (&[0, 2], "periods begin with 1"),
        (&[2, 1], "never fall"),
    ] {
        let error = new(periods).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let two = new(&[2, 2, 5]).unwrap();
    let units: Vec<_> = two.modules().iter().map(|module| (module.period, module.units)).collect();
    assert_eq!(units, [(2, 4), (5, 2)], "neighbours of one period are one module");
    // W, b, and of R all that the first module hears and the second one's own.
    assert_eq!(gatewise::Weights::from(two).parameters(), 6 + 6 + 4 * 6 + 2 * 2);
    let none = [ClockworkModule { period: 1, units: 0 }];
    assert!(ClockworkWeights::with_modules(1, &[], &[], &[], &none).unwrap_err().to_string().contains("at least one"));
    let mutant = |hh: usize| MutantWeights::new(Mutation::Mut1, 1, 2, &zeros[..6], &zeros[..hh], &zeros[..6]);
    assert!(mutant(8).unwrap_err().to_string().contains("weight_hh has 8 values, expected 12"));
    assert_eq!(gatewise::Weights::from(mutant(12).unwrap()).parameters(), 6 + 8 + 6);
}
