//! Nothing is allocated once a session is made: not in a streamed step, not in whole sequences on one thread, however long.
//! An allocator that counts what this thread asks for watches.

mod common;

use allocation_counter::{AllocationInfo, measure};
use common::jobs::{Job, Lengths};
use common::levels;
use common::networks::{KINDS, Plan, Twin, Ways};
use gatewise::{Batch, Layout, Model, Outputs, Session};

#[test]
fn steps_and_whole_sequences_allocate_nothing_once_the_session_is_made() {
    for kind in KINDS {
        for layers in 1..4 {
            for (batch, input, hidden) in [(1, 1, 16), (1, 7, 33), (5, 3, 20)] {
                let twin = Twin::new(&Plan::stack(kind, input, hidden, layers, Ways::Forward), 5);
                for level in levels() {
                    let model = twin.model(level);
                    let shape = format!("{level}, {layers} × {kind:?}, B = {batch}, I = {input}, H = {hidden}");
                    steps(&twin, &model, batch, &shape);
                    for length in [1, 10, 300] {
                        whole_sequences(&twin, &model, batch, length, &shape);
                    }
                    room_does_not_grow(&twin, &model, batch, &shape);
                }
            }
        }
    }
    // The counter counts: otherwise the test above could not fail.
    let counted = measure(|| drop(std::hint::black_box(vec![0u8; 100])));
    assert!(counted.count_total > 0, "the counting allocator is not in place");
}

/// Nothing taken and, as what is returned counts against it, nothing given back.
#[track_caller]
fn assert_none(counted: AllocationInfo, what: &str, shape: &str) {
    assert_eq!(counted, AllocationInfo::default(), "allocations of {what}: {shape}");
}

fn steps(twin: &Twin, model: &Model, batch: usize, shape: &str) {
    let job = Job::random(twin, 1, batch, Lengths::Equal, 5);
    let mut session = Session::new(model, batch).unwrap();
    let mut sum = 0.0;
    let counted = measure(|| {
        for _ in 0..20 {
            sum += session.step(&job.x).unwrap()[0];
        }
        session.reset();
        session.set_state(&job.h0, &job.c0).unwrap();
    });
    assert_none(counted, "steps", shape);
    assert!(sum.is_finite(), "{shape}");
}

fn whole_sequences(twin: &Twin, model: &Model, batch: usize, steps: usize, shape: &str) {
    let job = Job::random(twin, steps, batch, Lengths::Ragged, 5);
    let lengths = job.lengths.clone().unwrap_or_default();
    let mut y = vec![f32::NAN; steps * batch * job.widths.output];
    let mut cells = vec![f32::NAN; steps * batch * job.widths.cells];
    let mut session = Session::new(model, batch).unwrap();
    let counted = measure(|| {
        for layout in [Layout::TimeMajor, Layout::BatchFirst] {
            session.run(&job.x, layout, &mut y).unwrap();
            let mut outputs = Outputs::none().hidden(&mut y);
            if job.widths.cells > 0 {
                outputs = outputs.cells(&mut cells);
            }
            session.forward(Batch::new(&job.x).layout(layout).lengths(&lengths), outputs).unwrap();
        }
    });
    assert_none(counted, &format!("sequences of {steps} steps"), shape);
    assert!(y.iter().all(|value| value.is_finite()), "{shape}");
}

/// The same session, ever longer sequences: it holds as many bytes as before.
fn room_does_not_grow(twin: &Twin, model: &Model, batch: usize, shape: &str) {
    let job = Job::random(twin, 1000, batch, Lengths::Equal, 6);
    let mut session = Session::new(model, batch).unwrap();
    for steps in [1, 64, 65, 1000] {
        let x = &job.x[..steps * batch * job.widths.input];
        let counted = measure(|| session.forward(Batch::new(x), Outputs::none()).unwrap());
        assert_none(counted, &format!("{steps} steps"), shape);
    }
}
