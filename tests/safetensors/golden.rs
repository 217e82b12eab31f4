//! Whole modules as PyTorch computes them: stacks, directions, projections, lengths, states.

use std::path::Path;

use gatewise::load::Cell;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::{Activation, Batch, Layout, Outputs, Session};

use crate::common::npz::NpzArchive;
use crate::common::{array, assert_close, fixture, levels};

/// A case that PyTorch computed, and what its file does not say.
struct Golden {
    case: &'static str,
    cell: Cell,
    layout: Layout,
}

const fn golden(case: &'static str, cell: Cell) -> Golden {
    Golden { case, cell, layout: Layout::TimeMajor }
}

const TANH: Cell = Cell::Rnn(Activation::Tanh);

/// The valid steps of each sequence, where a case has them.
fn lengths(path: &Path) -> Option<Vec<usize>> {
    let mut archive = NpzArchive::open(path).unwrap();
    let lengths = archive.by_name("lengths").unwrap()?.into_vec::<i64>().unwrap();
    Some(lengths.into_iter().map(|length| usize::try_from(length).unwrap()).collect())
}

/// Stacks, both directions, projections, no biases, states, sequences of their own lengths.
const GOLDEN: [Golden; 20] = [
    golden("torch_00_lstm", Cell::Lstm),
    golden("torch_01_lstm_bias-False", Cell::Lstm),
    golden("torch_02_lstm_num_layers-3", Cell::Lstm),
    golden("torch_03_lstm_bidirectional", Cell::Lstm),
    golden("torch_04_lstm_num_layers-2_bidirectional", Cell::Lstm),
    Golden { case: "torch_05_lstm_batch_first", cell: Cell::Lstm, layout: Layout::BatchFirst },
    golden("torch_07_lstm_packed_bidirectional_num_layers-2", Cell::Lstm),
    golden("torch_09_lstm_state_num_layers-2_bidirectional", Cell::Lstm),
    golden("torch_11_gru_bias-False", Cell::Gru),
    golden("torch_12_gru_num_layers-3", Cell::Gru),
    golden("torch_14_gru_num_layers-2_bidirectional", Cell::Gru),
    golden("torch_17_gru_packed_bidirectional_num_layers-2", Cell::Gru),
    golden("torch_19_gru_state_num_layers-2_bidirectional", Cell::Gru),
    golden("torch_22_rnn_num_layers-3", TANH),
    golden("torch_24_rnn_num_layers-2_bidirectional", TANH),
    golden("torch_27_rnn_packed_bidirectional_num_layers-2", TANH),
    golden("torch_29_rnn_state_num_layers-2_bidirectional", TANH),
    golden("torch_30_rnn_nonlinearity-relu", Cell::Rnn(Activation::Relu)),
    golden("torch_31_lstm_proj_size-3", Cell::Lstm),
    golden("torch_32_lstm_proj_size-2_num_layers-2_bidirectional_state", Cell::Lstm),
];

#[test]
fn pytorch_modules_come_out_whole_on_every_level() {
    for Golden { case, cell, layout } in GOLDEN {
        let folder = fixture(case);
        let io = |name: &str| array(&folder.join("io.npz"), name);
        let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<f32>>();
        let file = SafetensorsFile::read(folder.join("model.safetensors")).unwrap();
        let (x, y, h_n) = (narrow(io("x").unwrap()), io("y").unwrap(), io("h_n").unwrap());
        let lengths = lengths(&folder.join("io.npz"));
        for level in levels() {
            let model = file.model(None, cell).unwrap().level(level).build().unwrap();
            // h_n is layers · directions × B × P.
            let mut session = Session::new(&model, h_n.len() / model.layers() / model.output_size()).unwrap();
            if let Some(h0) = io("h0") {
                session.set_state(&narrow(h0), &narrow(io("c0").unwrap_or_default())).unwrap();
            }
            let mut found = vec![f32::NAN; y.len()];
            let mut sequences = Batch::new(&x).layout(layout);
            if let Some(lengths) = &lengths {
                sequences = sequences.lengths(lengths);
            }
            session.forward(sequences, Outputs::none().hidden(&mut found)).unwrap();
            assert_close(&found, &y, 1e-6, || format!("{case} y, {level}"));
            assert_close(&session.hidden_states(), &h_n, 1e-6, || format!("{case} h_n, {level}"));
            assert_close(&session.cell_states(), &io("c_n").unwrap_or_default(), 1e-6, || {
                format!("{case} c_n, {level}")
            });
        }
    }
}
