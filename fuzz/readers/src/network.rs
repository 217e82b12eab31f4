//! What is done with a model that was read: written, read again, run.

use gatewise::load::own;
use gatewise::network::blueprint::Blueprint;
use gatewise::network::{Flow, Input, Network, NetworkSession, Rows};

/// Numbers of a model, and values of all its rows, beyond which it is not run: the reader is what is looked at.
const PARAMETERS: usize = 1 << 16;
const WIDTHS: usize = 1 << 14;

const BATCH: usize = 2;
const STEPS: usize = 3;

/// Writes a small model in gatewise's own form, reads it back and runs it; all of that must succeed where the layers fit each
/// other.
pub fn exercise(blueprint: &Blueprint) {
    let Ok(flows) = blueprint.flow() else { return };
    let widths = flows.iter().map(Flow::width).fold(0, usize::saturating_add);
    if blueprint.parameters() > PARAMETERS || widths > WIDTHS {
        return;
    }
    write_and_read(blueprint);
    run(blueprint);
}

fn write_and_read(blueprint: &Blueprint) {
    let written = own::to_bytes(blueprint).expect("a model whose layers fit is written");
    let read = own::from_bytes(written.clone()).expect("what was written is read");
    // A file is compared and not the model: what is no number is unlike itself.
    assert_eq!(own::to_bytes(&read).expect("what was read is written"), written, "another model came back");
}

fn run(blueprint: &Blueprint) {
    let network = Network::new(blueprint).expect("layers that fit are packed");
    let mut session = NetworkSession::new(&network, BATCH).expect("a small model has room");
    let (ids, features) = rows(network.input(), BATCH * STEPS);
    let input = |rows: usize| match network.input().rows {
        Rows::Ids(_) => Input::Ids(&ids[..rows]),
        Rows::Features(width) => Input::Features(&features[..rows * width]),
    };
    let each_step = network.output().each_step;
    let expected = network.output().width() * BATCH * if each_step { STEPS } else { 1 };
    for lengths in [None, Some(&[STEPS, 1][..])] {
        let y = session.forward(input(BATCH * STEPS), blueprint.layout, lengths).expect("rows that fit are taken");
        assert_eq!(y.len(), expected, "values of the output");
        session.reset().expect("the network's own states");
    }
    if network.streams() {
        let y = session.step(input(BATCH)).expect("a step that fits is taken");
        assert_eq!(y.len(), network.output().width() * BATCH, "values of a step");
    }
}

/// So many rows of what a network takes.
fn rows(input: Flow, count: usize) -> (Vec<i64>, Vec<f32>) {
    match input.rows {
        Rows::Ids(ids) => ((0..count).map(|row| (row % ids) as i64).collect(), Vec::new()),
        Rows::Features(width) => (Vec::new(), (0..count * width).map(|at| [0.0, 1.0, -0.5][at % 3]).collect()),
    }
}
