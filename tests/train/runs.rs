//! Runs: they learn, stop and go on to the same bits, and refuse what makes no sense.

use std::ops::ControlFlow;

use gatewise::activation::Finish;
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Output, Recurrent};
use gatewise::train::{
    Checkpoint, Clip, Dataset, EarlyStopping, Epoch, Initial, Learner, Objective, Options, Plan, Random, Run, Step,
    Steps, Wanted,
};
use gatewise::{Error, Result};

/// Sequences of bits, 3 to 9 steps; a class a step: whether the ones so far are odd.
fn parity(count: usize, seed: u64) -> Dataset {
    const STEPS: usize = 9;
    let mut random = Random::new(seed);
    let (mut x, mut wanted, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let mut odd = 0;
        for _ in 0..STEPS {
            let bit = random.below(2) as i64;
            odd = (odd + bit) % 2;
            x.push(bit as f32);
            wanted.push(odd);
        }
        lengths.push(3 + random.below(7) as usize);
    }
    Dataset { x: Steps::Features(x), wanted: Wanted::Classes(wanted), lengths, steps: STEPS }
}

fn learner(output: Output, threads: usize) -> Learner {
    let mut random = Random::new(5);
    let mut layers = Vec::new();
    for (index, (input, hidden)) in [(1, 12), (12, 8)].into_iter().enumerate() {
        let mut lstm = Recurrent::forward(Initial::Keras.lstm(input, hidden, &mut random).unwrap());
        lstm.output = if index == 1 { output } else { Output::Every };
        layers.push(Layer::new(format!("l{index}"), Operation::Recurrent(Box::new(lstm))));
    }
    let head = Initial::Keras.dense(8, 2, Finish::Softmax, &mut random).unwrap();
    layers.push(Layer::new("head", Operation::Dense(head)));
    let options = Options { threads, dropout: 0.1, logits: true, ..Options::default() };
    Learner::new(Blueprint { layers, ..Blueprint::default() }, options).unwrap()
}

fn plan(epochs: u64) -> Plan {
    let mut plan = Plan::new(Objective::CrossEntropy, epochs);
    (plan.batch, plan.schedule.rate, plan.clip, plan.seed) = (16, 0.02, Clip::Norm(1.0), 3);
    plan
}

fn finish(run: &mut Run, data: &Dataset, validation: Option<&Dataset>) -> Epoch {
    loop {
        match run.epoch(data, validation, &mut |_| ControlFlow::Continue(())).unwrap() {
            Step::Finished(epoch) if epoch.over => return epoch,
            Step::Finished(_) => {}
            Step::Stopped => panic!("nobody stopped it"),
        }
    }
}

fn bits(run: &mut Run) -> Vec<u32> {
    run.learner().parameters().iter().flat_map(|(_, values)| values.iter().map(|value| value.to_bits())).collect()
}

#[test]
fn a_run_learns_a_parity_and_judges_it_on_other_sequences() {
    let (data, other) = (parity(400, 1), parity(100, 2));
    let mut run = Run::new(learner(Output::Every, 2), plan(40), &data).unwrap();
    let last = finish(&mut run, &data, Some(&other));
    let accuracy = last.validation.unwrap().accuracy();
    assert!(accuracy > 0.98, "{accuracy} of the steps right");
    assert!(run.best().unwrap().loss <= last.validation.unwrap().mean());
}

#[test]
fn a_run_that_is_stopped_anywhere_goes_on_to_the_same_bits() {
    let (data, other) = (parity(100, 1), parity(20, 2));
    for truncate in [None, Some(4)] {
        let plan = Plan { truncate, early_stopping: Some(EarlyStopping::new(50, 0.0)), ..plan(4) };
        let mut whole = Run::new(learner(Output::Every, 1), plan.clone(), &data).unwrap();
        finish(&mut whole, &data, Some(&other));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.safetensors");
        let mut run = Run::new(learner(Output::Every, 3), plan.clone(), &data).unwrap();
        // Stopped after 3 batches, saved, and another process with other weights goes on; again and again.
        let mut stops = 0;
        loop {
            let mut left = 3;
            let step = run.epoch(&data, Some(&other), &mut |_| {
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if matches!(step.unwrap(), Step::Finished(epoch) if epoch.over) {
                break;
            }
            run.save(&path, "a test".to_owned()).unwrap();
            let checkpoint = Checkpoint::read(&path).unwrap();
            assert_eq!(checkpoint.text, "a test");
            run = Run::resume(learner(Output::Every, 2), plan.clone(), &data, &checkpoint).unwrap();
            stops += 1;
        }
        assert!(stops >= 8, "{stops} stops");
        assert_eq!(bits(&mut run), bits(&mut whole), "truncate {truncate:?}");
        assert_eq!(run.best(), whole.best());
        run.take_best().unwrap();
        whole.take_best().unwrap();
        assert_eq!(bits(&mut run), bits(&mut whole), "the best weights");
    }
}

/// The message of what must be refused.
fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_cannot_be_learned_is_refused_with_its_place() {
    let data = parity(10, 1);
    let begin = |data: &Dataset, plan: Plan| Run::new(learner(Output::Every, 1), plan, data);
    let empty =
        Dataset { x: Steps::Features(Vec::new()), wanted: Wanted::Classes(Vec::new()), lengths: vec![], steps: 9 };
    assert!(message(begin(&empty, plan(1))).contains("no sequence"), "an empty set");

    let mut odd = data.clone();
    if let Wanted::Classes(classes) = &mut odd.wanted {
        classes[9 * 4 + 2] = 2;
    }
    let said = message(begin(&odd, plan(1)));
    assert!(said.contains("label 2 of sequence 4, row 2") && said.contains("0 to 1"), "{said}");

    let mut odd = data.clone();
    if let Steps::Features(x) = &mut odd.x {
        x[7] = f32::NAN;
    }
    assert!(matches!(begin(&odd, plan(1)), Err(Error::NotFinite { index: 7, .. })), "NaN in x");

    let mut odd = data.clone();
    odd.lengths[3] = 10;
    assert!(matches!(begin(&odd, plan(1)), Err(Error::SequenceLength { row: 3, length: 10, steps: 9 })));
    assert!(message(begin(&data, Plan { epochs: 0, ..plan(1) })).contains("epochs"));
    assert!(message(begin(&data, Plan { truncate: Some(0), ..plan(1) })).contains("truncate"));
    let last = Run::new(learner(Output::Last, 1), Plan { truncate: Some(3), ..plan(1) }, &data);
    assert!(last.is_err(), "a row a sequence where there are labels for every step");
}

#[test]
fn a_loss_that_explodes_is_an_error_and_the_checkpoint_before_it_is_good() {
    let data = parity(64, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let mut wild = plan(50);
    (wild.schedule.rate, wild.clip) = (1e30, Clip::No);
    let mut run = Run::new(learner(Output::Every, 1), wild.clone(), &data).unwrap();
    run.save(&path, String::new()).unwrap();
    let said = loop {
        match run.epoch(&data, None, &mut |_| ControlFlow::Continue(())) {
            Ok(_) => {}
            Err(error) => break error.to_string(),
        }
    };
    assert!(said.starts_with("epoch "), "{said}");
    // What has exploded is not written over what was good.
    assert!(
        run.save(&path, String::new()).is_err() || bits(&mut run).iter().all(|bits| f32::from_bits(*bits).is_finite())
    );
    let checkpoint = Checkpoint::read(&path).unwrap();
    Run::resume(learner(Output::Every, 1), wild, &data, &checkpoint).unwrap();
}

#[test]
fn a_checkpoint_of_another_model_or_plan_is_refused() {
    let data = parity(20, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    Run::new(learner(Output::Every, 1), plan(2), &data).unwrap().save(&path, String::new()).unwrap();
    let checkpoint = Checkpoint::read(&path).unwrap();
    let other = Run::resume(learner(Output::Every, 1), Plan { seed: 4, ..plan(2) }, &data, &checkpoint);
    assert!(message(other).contains("seed 3"));

    let mut random = Random::new(5);
    let lstm = Recurrent::forward(Initial::Keras.lstm(1, 2, &mut random).unwrap());
    let layers = vec![Layer::new("l0", Operation::Recurrent(Box::new(lstm)))];
    let small = Learner::new(Blueprint { layers, ..Blueprint::default() }, Options::default()).unwrap();
    let said = message(Run::resume(small, plan(2), &data, &checkpoint));
    assert!(said.contains("l0.weight_ih"), "{said}");
}
