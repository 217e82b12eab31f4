//! Sessions refuse what does not fit, keep their state, and share a model.

mod common;

use common::{Case, Sizes};
use gatewise::{Error, Layout, Model, Session};

#[test]
fn buffers_that_do_not_fit_are_refused_and_leave_the_state_as_it_was() {
    let case = Case::random(Sizes { steps: 2, batch: 3, input: 4, hidden: 5 }, 0.3, 6);
    let model = Model::new(case.weights()).unwrap();
    let mut session = Session::new(&model, 3).unwrap();
    session.set_state(&case.h0, &case.c0).unwrap();
    let mut y = vec![0.0; 30];

    let length = |result: gatewise::Result<()>| match result {
        Err(Error::Length { what, expected, found, .. }) => (what, expected, found),
        other => panic!("expected a length error, got {other:?}"),
    };
    assert_eq!(length(session.step(&case.x).map(|_| ())), ("x".to_owned(), 12, 24));
    assert_eq!(length(session.step(&[]).map(|_| ())), ("x".to_owned(), 12, 0));
    assert_eq!(length(session.run(&case.x[1..], Layout::TimeMajor, &mut y)), ("x".to_owned(), 12, 23));
    assert_eq!(length(session.run(&case.x, Layout::TimeMajor, &mut y[1..])), ("y".to_owned(), 30, 29));
    assert_eq!(length(session.set_state(&case.h0[1..], &case.c0)), ("hidden".to_owned(), 15, 14));
    assert_eq!(length(session.set_state(&case.h0, &[])), ("cell".to_owned(), 15, 0));
    assert_eq!(session.hidden_state(), &case.h0[..]);
    assert_eq!(session.cell_state(), &case.c0[..]);
    assert!(y.iter().all(|value| *value == 0.0), "y was written");
}

#[test]
fn no_steps_leave_the_state_as_it_was() {
    let case = Case::random(Sizes { steps: 1, batch: 2, input: 3, hidden: 4 }, 0.3, 7);
    let model = Model::new(case.weights()).unwrap();
    for layout in [Layout::TimeMajor, Layout::BatchFirst] {
        let mut session = Session::new(&model, 2).unwrap().with_threads(2);
        session.set_state(&case.h0, &case.c0).unwrap();
        session.run(&[], layout, &mut []).unwrap();
        assert_eq!((session.hidden_state(), session.cell_state()), (&case.h0[..], &case.c0[..]), "{layout:?}");
    }
}

#[test]
fn a_reset_session_starts_from_zeros() {
    let case = Case::random(Sizes { steps: 1, batch: 2, input: 3, hidden: 4 }, 0.3, 10);
    let model = Model::new(case.weights()).unwrap();
    let expected = Session::new(&model, 2).unwrap().step(&case.x).unwrap().to_vec();
    let mut session = Session::new(&model, 2).unwrap();
    session.set_state(&case.h0, &case.c0).unwrap();
    assert_ne!(session.step(&case.x).unwrap(), &expected[..]);
    session.reset();
    assert!(session.hidden_state().iter().chain(session.cell_state()).all(|value| *value == 0.0));
    assert_eq!(session.step(&case.x).unwrap(), &expected[..]);
}

#[test]
fn an_empty_batch_and_one_too_large_are_refused() {
    let case = Case::random(Sizes { steps: 1, batch: 1, input: 1, hidden: 3 }, 0.3, 8);
    let model = Model::new(case.weights()).unwrap();
    for batch in [0, usize::MAX, usize::MAX / 4] {
        assert!(matches!(Session::new(&model, batch), Err(Error::Size { what: "batch", .. })), "{batch}");
    }
}

#[test]
fn sessions_share_a_model_across_threads() {
    let case = Case::random(Sizes { steps: 20, batch: 1, input: 3, hidden: 10 }, 0.3, 9);
    let model = Model::new(case.weights()).unwrap();
    let run = || {
        let mut session = Session::new(&model, 1).unwrap();
        let mut y = vec![0.0; 200];
        session.run(&case.x, Layout::TimeMajor, &mut y).unwrap();
        y
    };
    let expected = run();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}
