//! What does not fit is refused with a message that says what was expected and what came, and leaves everything as it was.

use gatewise::{
    Batch, Error, GruWeights, Layout, Level, LstmWeights, Merge, Model, Outputs, RnnWeights, Session, Weights,
};

use crate::common::jobs::{Job, Lengths};
use crate::common::networks::{Kind, Plan, Twin, Ways};

fn message<T>(result: gatewise::Result<T>) -> String {
    result.err().map_or_else(|| "no error".to_owned(), |error| error.to_string())
}

fn lstm(input: usize, hidden: usize) -> Weights {
    let zeros = vec![0.1; 4 * hidden * input.max(hidden)];
    let (ih, hh) = (&zeros[..4 * hidden * input], &zeros[..4 * hidden * hidden]);
    LstmWeights::new(input, hidden, ih, hh, &zeros[..4 * hidden]).unwrap().into()
}

fn gru(input: usize, hidden: usize) -> Weights {
    let zeros = vec![0.1; 3 * hidden * input.max(hidden)];
    let (ih, hh) = (&zeros[..3 * hidden * input], &zeros[..3 * hidden * hidden]);
    GruWeights::new(input, hidden, ih, hh, &zeros[..3 * hidden], &zeros[..hidden]).unwrap().into()
}

#[test]
fn layers_that_do_not_fit_each_other_are_refused() {
    assert_eq!(message(Model::builder().build()), "a model has at least one layer");
    let found = Model::builder().layer(lstm(3, 5)).layer(lstm(4, 2)).build();
    assert_eq!(message(found), "layer 1 takes 4 features, but layer 0 gives 5");
    let found = Model::builder().bidirectional(lstm(3, 5), lstm(3, 5), Merge::Concat).layer(lstm(5, 2)).build();
    assert_eq!(message(found), "layer 1 takes 5 features, but layer 0 gives 10");
    let found = Model::builder().bidirectional(lstm(3, 5), lstm(3, 4), Merge::Sum).build();
    let expected = "layer 0: the directions differ: (input, output) sizes (3, 5) forward, (3, 4) reverse";
    assert_eq!(message(found), expected);
    let found = Model::builder().bidirectional(lstm(3, 5), lstm(3, 5), Merge::None).layer(lstm(5, 5)).build();
    assert_eq!(message(found), "layer 0 keeps its directions apart, which only the last layer can");
    for level in Level::ALL.into_iter().filter(|level| !level.is_available()) {
        assert_eq!(Model::with_level(lstm(3, 5), level).err(), Some(Error::MissingLevel { level }));
    }
}

/// A session in some state, and a check that nothing of it has changed.
struct Subject {
    session: Session<Model>,
    job: Job,
    before: [Vec<f32>; 2],
}

impl Subject {
    fn new(plan: &Plan) -> Self {
        let twin = Twin::new(plan, 1);
        let job = Job::random(&twin, 4, 3, Lengths::Equal, 2);
        let mut session = Session::new(twin.model(Level::best()), 3).unwrap();
        session.set_state(&job.h0, &job.c0).unwrap();
        let before = [session.hidden_states(), session.cell_states()];
        Subject { session, job, before }
    }

    #[track_caller]
    fn refuses(&mut self, expected: &str, call: impl FnOnce(&mut Session<Model>, &Job) -> gatewise::Result<()>) {
        assert_eq!(message(call(&mut self.session, &self.job)), expected);
        let now = [self.session.hidden_states(), self.session.cell_states()];
        assert_eq!(now, self.before, "the state after: {expected}");
    }
}

#[test]
fn calls_that_do_not_fit_are_refused_and_change_nothing() {
    let mut subject = Subject::new(&Plan::stack(Kind::Lstm, 5, 6, 2, Ways::Both(Merge::Concat)));
    let mut y = vec![7.0; 4 * 3 * 12];
    subject.refuses("x has 59 values, expected 45 (T·B·I = 3·3·5)", |session, job| {
        session.forward(Batch::new(&job.x[1..]), Outputs::none())
    });
    subject.refuses("y has 143 values, expected 144 (T·B·O = 4·3·12)", |session, job| {
        session.run(&job.x, Layout::BatchFirst, &mut y[1..])
    });
    subject.refuses("c has 11 values, expected 144 (T·B·(directions·H) = 4·3·12)", |session, job| {
        session.forward(Batch::new(&job.x), Outputs::none().cells(&mut y[..11]))
    });
    subject.refuses("lengths has 2 values, expected 3 (B = 3)", |session, job| {
        session.forward(Batch::new(&job.x).lengths(&[4, 4]), Outputs::none().hidden(&mut y))
    });
    subject.refuses("sequence 1 has length 5, but x has 4 steps", |session, job| {
        session.forward(Batch::new(&job.x).lengths(&[4, 5, 6]), Outputs::none().hidden(&mut y))
    });
    subject.refuses("sequence 2 has length 18446744073709551615, but x has 4 steps", |session, job| {
        session.forward(Batch::new(&job.x).lengths(&[4, 0, usize::MAX]), Outputs::none().hidden(&mut y))
    });
    subject.refuses(
        "an output of its own for the reverse direction: the last layer does not keep its directions apart (Merge::None)",
        |session, job| session.forward(Batch::new(&job.x), Outputs::none().reverse(&mut y)),
    );
    subject.refuses("a layer reads backwards: feed whole sequences (run or forward), not steps", |session, job| {
        session.step(&job.x[..15]).map(|_| ())
    });
    subject.refuses("hidden has 71 values, expected 72 (B·(H of all passes) = 3·24)", |session, job| {
        session.set_state(&job.h0[1..], &job.c0)
    });
    subject.refuses("cell has 0 values, expected 72 (B·(H of all passes) = 3·24)", |session, job| {
        session.set_state(&job.h0, &[])
    });
    assert!(y.iter().all(|value| *value == 7.0), "y was written");
}

#[test]
fn what_a_model_does_not_have_is_refused() {
    let mut subject = Subject::new(&Plan::stack(Kind::GruAfter, 5, 6, 1, Ways::Both(Merge::None)));
    let mut y = vec![7.0; 4 * 3 * 6];
    subject.refuses("cell states were asked for, but the last layer's cell has none", |session, job| {
        session.forward(Batch::new(&job.x), Outputs::none().cells(&mut y))
    });
    subject.refuses("reverse y has 71 values, expected 72 (T·B·O = 4·3·6)", |session, job| {
        session.forward(Batch::new(&job.x), Outputs::none().reverse(&mut y[1..]))
    });
    subject.refuses("cell has 1 values, expected 0 (B·(H of all passes) = 3·0)", |session, job| {
        session.set_state(&job.h0, &[0.0])
    });
    assert!(y.iter().all(|value| *value == 7.0), "y was written");
    assert_eq!(subject.session.hidden_state_of(2), None);
    assert_eq!(subject.session.cell_state_of(2), None);
}

/// Nothing in the types says that both directions are of one cell.
#[test]
fn directions_of_different_cells_are_refused() {
    let error = Model::builder().bidirectional(lstm(3, 5), gru(3, 5), Merge::Concat).build().err();
    let expected = "layer 0: the directions are different cells, of [4, 3] gates";
    assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(expected));
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let zeros = [0.0; 64];
    let cases = [
        (message(RnnWeights::new(0, 2, &[], &zeros[..4], &zeros[..2])), "input_size is 0: a layer has at least one"),
        (message(RnnWeights::new(2, 0, &[], &[], &[])), "hidden_size is 0: a layer has at least one"),
        (
            message(RnnWeights::new(2, 3, &zeros[..5], &zeros[..9], &zeros[..3])),
            "weight_ih has 5 values, expected 6 (1·H·I = 1·3·2)",
        ),
        (
            message(GruWeights::new(1, 2, &zeros[..6], &zeros[..12], &zeros[..6], &zeros[..3])),
            "recurrent_bias has 3 values, expected 2 (H = 2)",
        ),
        (
            message(LstmWeights::new(1, 1, &[0.0, f32::NAN, 0.0, 0.0], &zeros[..4], &zeros[..4])),
            "tensor weight_ih holds NaN at index 1: weights must be finite",
        ),
        (
            message(LstmWeights::new(1, 1, &zeros[..4], &zeros[..4], &zeros[..4]).unwrap().with_peepholes([
                None,
                None,
                Some(&zeros[..2]),
            ])),
            "p_o has 2 values, expected 1 (H = 1)",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
    let huge = LstmWeights::new(usize::MAX, usize::MAX, &[], &[], &[]);
    assert!(matches!(huge, Err(Error::Size { .. })), "{huge:?}");
}
