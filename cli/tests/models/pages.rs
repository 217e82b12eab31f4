//! What `gatewise inspect` draws, line by line.

use gatewise::Level;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::load::{chain, json, keras};
use gatewise::network::Network;
use gatewise::network::blueprint::Blueprint;

use crate::common::{Folder, Model, fixture, gatewise, ran, run};
use crate::made;

/// The page on the level that every machine has.
#[track_caller]
fn page(model: &str, options: &[&str]) -> String {
    let mut command = gatewise();
    command.args(["inspect", model]).args(options).env(Level::VARIABLE, Level::Portable.name());
    ran(&mut command).done(model)
}

/// Bytes for that level, with thousands apart.
fn packed(blueprint: &Blueprint) -> String {
    let bytes = Network::with_level(blueprint, Level::Portable).expect("a model").packed_bytes();
    assert!((1000..1_000_000).contains(&bytes), "{bytes}: written below as thousands and the rest");
    format!("{} {:03}", bytes / 1000, bytes % 1000)
}

/// The page is this text, in which MODEL stands for the file and PACKED for the kernels' bytes.
#[track_caller]
fn is_drawn(model: &str, options: &[&str], blueprint: Option<&Blueprint>, expected: &str) {
    let found = page(model, options);
    let packed = blueprint.map(packed).unwrap_or_default();
    let expected = expected.replace("MODEL", model).replace("PACKED", &packed);
    assert_eq!(found.lines().collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>(), "\n{found}");
}

#[test]
fn a_keras_model_is_drawn_with_shapes_names_and_parameters() {
    let model = fixture("keras_12_stack_softmax", "model.keras");
    let blueprint = keras::read(&model).unwrap();
    // 2·4·11·(3 + 11 + 1); 3·11·(22 + 11) + 4·11; 11·7 + 7; 7·5 + 5.
    let expected = "\
MODEL: sequential_12

  layer               what it computes                              gives       parameters
  x                   features                                      (B, T, 3)
  ├─ bidirectional_2  LSTM, 11 units, both directions side by side  (B, T, 22)       1 320
  ├─ gru_3            GRU, 11 units, last step                      (B, 11)          1 133
  ├─ dense_1          dense, ReLU                                   (B, 7)              84
  └─ dense_2          dense, softmax                                (B, 5)              40

  parameters  2 577
  operations  4 866 FLOPs a step and sequence
  packed      PACKED bytes for portable
  runs        whole sequences: a layer reads backwards, gives its last step only or leaves steps out";
    is_drawn(&model, &[], Some(&blueprint), expected);

    // In gatewise's own form it is the same model.
    let folder = Folder::new();
    let own = folder.path("own.safetensors");
    run(&["convert", &model, &own]).done("convert");
    is_drawn(&own, &[], Some(&blueprint), expected);
}

#[test]
fn a_model_of_ids_is_drawn() {
    let model = fixture("keras_13_embed_mask", "model.keras");
    let expected = "\
MODEL: sequential_13

  layer         what it computes            gives      parameters
  x             ids from 0 to 22            (B, T)
  ├─ embedding  embedding, leaves out id 0  (B, T, 5)         115
  ├─ lstm_9     LSTM, 3 units, last step    (B, 3)            108
  └─ dense_3    dense                       (B, 3)             12

  parameters  235
  operations  210 FLOPs a step and sequence
  packed      PACKED bytes for portable
  runs        whole sequences: a layer reads backwards, gives its last step only or leaves steps out";
    is_drawn(&model, &[], Some(&keras::read(&model).unwrap()), expected);
}

#[test]
fn sound_models_are_drawn() {
    let folder = Folder::new();
    let model = folder.put("amp.nam", &made::nam(8, 2, 1.0));
    // 4·8·(1 + 8 + 1), 4·8·(8 + 8 + 1), and h and c to begin with; 8 + 1.
    let expected = "\
MODEL: made for a test

  layer     what it computes                               gives      parameters
  x         features                                       (T, B, 1)
  ├─ lstm0  LSTM, 8 units, begins with a state of its own  (T, B, 8)         336
  ├─ lstm1  LSTM, 8 units, begins with a state of its own  (T, B, 8)         560
  └─ head   dense                                          (T, B, 1)           9

  parameters  905
  operations  1 616 FLOPs a step and sequence
  packed      PACKED bytes for portable
  runs        step by step or whole sequences
  sound       48000 samples a second";
    is_drawn(&model, &[], Some(&json::read(&model).unwrap()), expected);

    let model = folder.put("guitar.json", made::guitarml().to_string().as_bytes());
    let found = page(&model, &[]);
    for line in ["LSTM, 3 units", "adds the input's first feature", "parameters  64", "step by step or whole"] {
        assert!(found.contains(line), "no {line:?} in\n{found}");
    }
}

#[test]
fn a_graph_is_drawn_with_its_inputs_nodes_and_outputs() {
    let model = fixture("export_stream_lstm_torchscript", "model.onnx");
    let expected = "\
MODEL

  takes            x: float32 [T, 2, 7]
  takes            h0: float32 [1, 2, 11]
  takes            c0: float32 [1, 2, 11]
  ├─ /rnn/LSTM     LSTM I=7 H=11, forward
  ├─ /rnn/Squeeze  Squeeze
  ├─ /Relu         Relu
  ├─ /fc/MatMul    MatMul
  ├─ /fc/Add       Add
  ├─ /Tanh         Tanh
  ├─ gives         y: float32 [T, 2, 7]
  ├─ gives         h_n: float32 [1, 2, 11]
  └─ gives         c_n: float32 [1, 2, 11]

  and one constant";
    is_drawn(&model, &[], None, expected);
}

#[test]
fn pytorch_layers_are_drawn_by_an_outline() {
    let folder = Folder::new();
    let file = Model::layer(3, 4, 10)
        .renamed(|own| format!("rnn.{own}"))
        .with("words.weight", &[29, 4])
        .with("head.weight", &[29, 10])
        .with("head.bias", &[29]);
    let model = folder.put("model.safetensors", &file.bytes());
    let outline = "embedding:words, gru:rnn, dense:head softmax";
    let blueprint = chain::read(&SafetensorsFile::read(&model).unwrap(), &outline.parse().unwrap()).unwrap();
    // 29·4; 3·10·(4 + 10) + 4·10; 29·10 + 29.
    let expected = "\
MODEL

  layer      what it computes  gives       parameters
  x          ids from 0 to 28  (T, B)
  ├─ words   embedding         (T, B, 4)          116
  ├─ rnn.l0  GRU, 10 units     (T, B, 10)         460
  └─ head    dense, softmax    (T, B, 29)         319

  parameters  895
  operations  1 420 FLOPs a step and sequence
  packed      PACKED bytes for portable
  runs        step by step or whole sequences";
    is_drawn(&model, &["--layers", outline], Some(&blueprint), expected);
    // Without one, the file's tensors are listed.
    let listed = page(&model, &[]);
    assert!(listed.contains("Module rnn.weight_*_l0") && listed.contains("words.weight"), "{listed}");
}

#[test]
fn names_in_a_file_do_not_reach_the_terminal_as_they_are() {
    let folder = Folder::new();
    let hostile = made::keras("keras_12_stack_softmax", "sequential_12", "red \\u001b[31m\\nline");
    let found = page(&folder.put("model.keras", &hostile), &[]);
    assert!(found.contains("red \\u{1b}[31m\\nline"), "{found:?}");
    assert!(!found.contains('\x1b'), "{found:?}");
}
