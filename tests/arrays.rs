//! Arrays of `ndarray` in and out: any strides, the bits of the slices, and shapes that do not fit.
#![cfg(feature = "ndarray")]

mod common;

use common::jobs::{Job, Lengths};
use common::networks::{Kind, Plan, Twin, Ways};
use gatewise::{Error, Layout, Level, Merge, Model, Session};
use ndarray::{Array3, ArrayView3, s};

const STEPS: usize = 5;
const BATCH: usize = 3;
const INPUT: usize = 4;

struct Given {
    model: Model,
    /// T × B × I.
    x: Array3<f32>,
    /// T × B × O.
    y: Array3<f32>,
}

impl Given {
    fn new() -> Self {
        let twin = Twin::new(&Plan::stack(Kind::Lstm, INPUT, 7, 1, Ways::Both(Merge::Concat)), 1);
        let model = twin.model(Level::best());
        let job = Job::random(&twin, STEPS, BATCH, Lengths::Equal, 1);
        let mut y = Array3::zeros((STEPS, BATCH, 14));
        let mut session = Session::new(&model, BATCH).unwrap();
        session.run(&job.x, Layout::TimeMajor, y.as_slice_mut().unwrap()).unwrap();
        Given { model, x: Array3::from_shape_vec((STEPS, BATCH, INPUT), job.x).unwrap(), y }
    }

    fn session(&self) -> Session<&Model> {
        Session::new(&self.model, BATCH).unwrap()
    }
}

#[test]
fn arrays_give_the_bits_of_slices() {
    let given = Given::new();
    assert_eq!(given.session().run_array(given.x.view(), Layout::TimeMajor).unwrap(), given.y);
}

#[test]
fn views_of_any_strides_give_the_same_bits() {
    let Given { x, y, .. } = &Given::new();
    let given = Given::new();
    // The batch first, through a transposed view and as an array of its own.
    let turned = x.view().permuted_axes([1, 0, 2]);
    let expected = y.view().permuted_axes([1, 0, 2]);
    let owned = turned.as_standard_layout().into_owned();
    for x in [turned, owned.view()] {
        assert_eq!(given.session().run_array(x, Layout::BatchFirst).unwrap(), expected, "{:?}", x.strides());
    }
    // Column-major; every second step of a longer array; features and steps told backwards and turned again.
    let mut columns = Array3::zeros(ndarray::ShapeBuilder::f((STEPS, BATCH, INPUT)));
    columns.assign(x);
    let mut longer = Array3::from_elem((2 * STEPS, BATCH, INPUT + 2), f32::NAN);
    longer.slice_mut(s![..;2, .., 1..=INPUT]).assign(x);
    let mut backwards = Array3::zeros((STEPS, BATCH, INPUT));
    backwards.slice_mut(s![..;-1, .., ..;-1]).assign(x);
    let views: [ArrayView3<'_, f32>; 3] =
        [columns.view(), longer.slice(s![..;2, .., 1..=INPUT]), backwards.slice(s![..;-1, .., ..;-1])];
    for view in views {
        assert!(view.as_slice().is_none(), "not contiguous, or the test says nothing");
        let found = given.session().run_array(view, Layout::TimeMajor).unwrap();
        assert_eq!(found, y, "strides {:?}", view.strides());
    }
}

#[test]
fn results_go_into_views_of_any_strides_and_nowhere_else() {
    let given = Given::new();
    let mut y = Array3::from_elem((STEPS, BATCH, 14), f32::NAN);
    given.session().run_array_into(given.x.view(), Layout::TimeMajor, y.view_mut()).unwrap();
    assert_eq!(y, given.y, "contiguous");

    let mut turned = Array3::from_elem((BATCH, STEPS, 14), f32::NAN);
    let view = turned.view_mut().permuted_axes([1, 0, 2]);
    given.session().run_array_into(given.x.view(), Layout::TimeMajor, view).unwrap();
    assert_eq!(turned.permuted_axes([1, 0, 2]), given.y, "transposed");

    let mut wider = Array3::from_elem((STEPS, BATCH, 16), 7.0);
    given.session().run_array_into(given.x.view(), Layout::TimeMajor, wider.slice_mut(s![.., .., 1..15])).unwrap();
    assert_eq!(wider.slice(s![.., .., 1..15]), given.y, "columns of a wider array");
    assert!(wider.slice(s![.., .., ..;15]).iter().all(|value| *value == 7.0), "beside the columns");
}

#[test]
fn lengths_are_those_of_slices() {
    let given = Given::new();
    let mut session = given.session();
    let found = session.run_array_lengths(given.x.view(), Layout::TimeMajor, &[5, 0, 2]).unwrap();
    assert!(found.slice(s![.., 1, ..]).iter().all(|value| *value == 0.0), "a sequence of no steps");
    assert_eq!(found.slice(s![.., 0, ..]), given.y.slice(s![.., 0, ..]), "a whole sequence");
    assert!(found.slice(s![2.., 2, ..]).iter().all(|value| *value == 0.0), "past the length");
    let too_long = session.run_array_lengths(given.x.view(), Layout::TimeMajor, &[5, 0, 6]);
    assert_eq!(too_long.unwrap_err().to_string(), "sequence 2 has length 6, but x has 5 steps");
}

#[test]
fn no_steps_are_fine() {
    let given = Given::new();
    for (layout, shape) in [(Layout::TimeMajor, (0, BATCH, 14)), (Layout::BatchFirst, (BATCH, 0, 14))] {
        let x = Array3::zeros((shape.0, shape.1, INPUT));
        assert_eq!(given.session().run_array(x.view(), layout).unwrap().dim(), shape);
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors_and_change_nothing() {
    let given = Given::new();
    let mut session = given.session();
    let message = |result: gatewise::Result<()>| match result {
        Err(error @ Error::Shape { .. }) => error.to_string(),
        other => panic!("expected a shape error, got {other:?}"),
    };
    for ((a, b, c), layout, expected) in [
        ((5, 2, 4), Layout::TimeMajor, "[5, 2, 4], expected [T, 3, 4] (T × B × I)"),
        ((5, 3, 5), Layout::TimeMajor, "[5, 3, 5], expected [T, 3, 4] (T × B × I)"),
        ((5, 3, 4), Layout::BatchFirst, "[5, 3, 4], expected [3, T, 4] (B × T × I)"),
        ((3, 5, 0), Layout::BatchFirst, "[3, 5, 0], expected [3, T, 4] (B × T × I)"),
        ((0, 0, 0), Layout::TimeMajor, "[0, 0, 0], expected [T, 3, 4] (T × B × I)"),
    ] {
        let x = Array3::zeros((a, b, c));
        let found = message(session.run_array(x.view(), layout).map(|_| ()));
        assert_eq!(found, format!("tensor x has shape {expected}"));
        let found = message(session.run_array_lengths(x.view(), layout, &[1, 2, 3]).map(|_| ()));
        assert_eq!(found, format!("tensor x has shape {expected}"));
    }
    for (shape, layout, expected) in [
        ((5, 3, 13), Layout::TimeMajor, "[5, 3, 13], expected [5, 3, 14] (T × B × O)"),
        ((3, 5, 14), Layout::TimeMajor, "[3, 5, 14], expected [5, 3, 14] (T × B × O)"),
        ((5, 3, 14), Layout::BatchFirst, "[5, 3, 14], expected [3, 5, 14] (B × T × O)"),
    ] {
        let x = match layout {
            Layout::TimeMajor => given.x.view(),
            Layout::BatchFirst => given.x.view().permuted_axes([1, 0, 2]),
        };
        let mut y = Array3::from_elem(shape, 7.0);
        let found = message(session.run_array_into(x, layout, y.view_mut()));
        assert_eq!(found, format!("tensor y has shape {expected}"));
        assert!(y.iter().all(|value| *value == 7.0), "y was written");
    }
    assert!(session.hidden_states().iter().all(|value| *value == 0.0), "the state was changed");
}
