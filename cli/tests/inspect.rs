//! `gatewise inspect` as a process: sizes, costs and kernels of model files, whole and broken.

mod common;

use common::{Folder, Model, fixture, gatewise, levels, ran, run};
use gatewise::Level;
use gatewise::load::safetensors::read_lstm;

/// A voice detector's shape: an LSTM with I = H = 128 and a head.
fn voice_detector() -> Model {
    Model::layer(4, 128, 128).with("head.weight", &[1, 128]).with("head.bias", &[1])
}

#[track_caller]
fn has(page: &str, lines: &[&str]) {
    let squeezed: Vec<String> =
        page.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in lines {
        assert!(squeezed.iter().any(|found| found == line), "no line {line:?} in\n{page}");
    }
}

/// `526336` as `526 336`.
fn grouped(value: usize) -> String {
    let digits = value.to_string();
    let (first, rest) = digits.split_at(digits.len() % 3);
    let rest = rest.as_bytes().chunks(3).map(|three| std::str::from_utf8(three).expect("digits"));
    Some(first).filter(|first| !first.is_empty()).into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_lstm_is_shown_with_its_sizes_costs_and_kernel_on_every_level() {
    let folder = Folder::new();
    let path = folder.put("model.safetensors", &voice_detector().bytes());
    let weights = read_lstm(&path, None).unwrap();
    for level in levels() {
        let page = ran(gatewise().args(["inspect", &path]).env(Level::VARIABLE, level.name())).done(level.name());
        let packed = ::gatewise::Model::with_level(&weights, level).unwrap().packed_bytes();
        // W, R and the summed bias, nothing left out.
        assert!(packed >= 4 * (512 * 128 * 2 + 512), "{level}: {packed} packed bytes");
        has(
            &page,
            &[
                &path,
                "weight_hh_l0 F32 [512, 128] 65 536",
                "weight_ih_l0 F32 [512, 128] 65 536",
                "bias_hh_l0 F32 [512] 512",
                "head.weight F32 [1, 128] 128",
                "head.bias F32 [1] 1",
                "132 225 parameters in all",
                "Module weight_*_l0",
                "cell LSTM (--cell lstm)",
                "layers 1, forward",
                "output 128 values a step",
                "sizes 128 features (I), 128 hidden units (H)",
                "parameters 132 096",
                "operations 262 144 FLOPs a step and sequence",
                &format!("packed {} bytes for {level}", grouped(packed)),
                &format!(
                    "kernel {level}: {} hidden units a register, tiles of up to {} rows × 3 registers",
                    level.lanes(),
                    level.tile_rows()
                ),
            ],
        );
    }
    let page = run(&["inspect", &path]).done("no environment");
    assert!(page.contains(&format!(" bytes for {}\n", Level::best())), "the best level in\n{page}");
}

#[test]
fn a_gru_and_a_simple_rnn_are_told_by_their_shapes() {
    let page = run(&["inspect", &fixture("torch_10_gru", "model.safetensors")]).done("GRU");
    let lines = [
        "cell GRU (--cell gru)",
        "sizes 8 features (I), 13 hidden units (H)",
        "parameters 897",
        "897 parameters in all",
    ];
    has(&page, &lines);
    has(&page, &["operations 1 638 FLOPs a step and sequence"]);
    for what in ["packed ", "kernel "] {
        let line = page.lines().find(|line| line.trim_start().starts_with(what));
        assert!(line.is_some_and(|line| line.contains(Level::best().name())), "{what}: {line:?} in\n{page}");
    }

    let page = run(&["inspect", &fixture("torch_20_rnn", "model.safetensors")]).done("simple RNN");
    has(&page, &["cell simple RNN (--cell rnn)", "sizes 1 features (I), 7 hidden units (H)", "parameters 70"]);

    let page = run(&["inspect", &fixture("torch_11_gru_bias-False", "model.safetensors")]).done("GRU without bias");
    // 3·17·(5 + 17), no biases.
    has(&page, &["parameters 1 122", "1 122 parameters in all", "operations 2 244 FLOPs a step and sequence"]);
}

#[test]
fn several_modules_are_described_one_by_one() {
    let folder = Folder::new();
    let under = |prefix: &'static str| move |name: &str| format!("{prefix}.{name}");
    let cell = Model::layer(1, 3, 2).renamed(|name| format!("cell.{}", name.trim_end_matches("_l0")));
    let model =
        Model::layer(4, 5, 6).renamed(under("encoder")).and(Model::layer(3, 6, 2).renamed(under("decoder"))).and(cell);
    let page = run(&["inspect", &folder.put("model.safetensors", &model.bytes())]).done("three layers");
    has(
        &page,
        &[
            "Module encoder.weight_*_l0",
            "cell LSTM (--cell lstm)",
            "Module decoder.weight_*_l0",
            "cell GRU (--cell gru)",
            "Module cell.weight_*",
            "cell simple RNN (--cell rnn)",
        ],
    );
}

#[test]
fn stacks_directions_and_projections_are_shown() {
    let shown = |case: &str, lines: &[&str]| {
        has(&run(&["inspect", &fixture(case, "model.safetensors")]).done(case), lines);
    };
    let lines = ["layers 3, forward", "sizes 4 features (I), 19 hidden units (H)", "output 19 values a step"];
    shown("torch_02_lstm_num_layers-3", &lines);
    // Per direction 3·H·(I + H) twice, for the products' multiplications and additions.
    let flops = |input: usize, hidden: usize| 2 * 2 * 3 * hidden * ((input + hidden) + (2 * hidden + hidden));
    let lines = [
        "cell GRU (--cell gru)",
        "sizes 2 features (I), 5 hidden units (H)",
        "layers 2, both directions, side by side",
        "output 10 values a step",
        &format!("operations {} FLOPs a step and sequence", grouped(flops(2, 5))),
    ];
    shown("torch_17_gru_packed_bidirectional_num_layers-2", &lines);
    let lines = [
        "sizes 3 features (I), 19 hidden units (H), projected to 2 (P)",
        "layers 2, both directions, side by side",
        "output 4 values a step",
        "parameters 2 432",
        "2 432 parameters in all",
    ];
    shown("torch_32_lstm_proj_size-2_num_layers-2_bidirectional_state", &lines);
}

#[test]
fn a_file_without_recurrent_layers_is_listed_all_the_same() {
    let folder = Folder::new();
    let dense = Model::default().with("dense.weight", &[3, 2]).with("scale", &[]);
    let page = run(&["inspect", &folder.put("dense.safetensors", &dense.bytes())]).done("dense");
    has(&page, &["dense.weight F32 [3, 2] 6", "scale F32 [] 1", "7 parameters in all"]);
    assert!(page.contains("No recurrent layer"), "{page}");

    let page = run(&["inspect", &folder.put("empty.safetensors", &Model::default().bytes())]).done("empty");
    has(&page, &["0 parameters in all"]);
}

#[test]
fn layers_that_cannot_be_run_are_listed_with_the_reason() {
    let folder = Folder::new();
    let half = usize::MAX / 2 + 1;
    for (what, model, says) in [
        (
            "half a second layer",
            Model::layer(4, 2, 3).with("weight_ih_l1", &[12, 3]),
            "LSTM: tensor weight_hh_l1 is missing",
        ),
        ("a projected GRU", Model::layer(3, 2, 3).with("weight_hr_l0", &[3, 3]), "a GRU has no projection"),
        ("no weight_hh", Model::layer(4, 2, 3).without("weight_hh_l0"), "not one of LSTM, GRU, simple RNN"),
        ("five gates", Model::layer(5, 2, 3), "not one of LSTM, GRU, simple RNN"),
        ("H = 0", Model::layer(4, 2, 0), "not one of LSTM, GRU, simple RNN"),
        ("H = 2^63", Model::layer(4, 2, 3).with("weight_hh_l0", &[0, half]), "not one of LSTM, GRU, simple RNN"),
        ("NaN", Model::layer(4, 2, 3).with_value("weight_hh_l0", 4, f32::NAN), "weight_hh_l0 holds NaN at index 4"),
    ] {
        let page = run(&["inspect", &folder.put("model.safetensors", &model.bytes())]).done(what);
        assert!(page.contains(says), "{what}: no {says:?} in\n{page}");
    }
}

#[test]
fn an_unknown_instruction_set_in_the_environment_is_refused() {
    let folder = Folder::new();
    let path = folder.put("model.safetensors", &voice_detector().bytes());
    let found = ran(gatewise().args(["inspect", &path]).env(Level::VARIABLE, "mmx"));
    found.refused("mmx", &[Level::VARIABLE, "\"mmx\"", "expected avx512, avx2 or portable"]);
}

#[test]
fn broken_files_are_refused_by_name() {
    let folder = Folder::new();
    let whole = voice_detector().bytes();
    let nowhere = folder.path("nowhere.safetensors");
    run(&["inspect", &nowhere]).refused("no file", &[&nowhere]);
    for (what, bytes) in
        [("half", &whole[..whole.len() / 2]), ("nothing", b""), ("a text", b"not a model, only a text")]
    {
        let path = folder.put("broken.safetensors", bytes);
        run(&["inspect", &path]).refused(what, &[&path, "not a readable safetensors file"]);
    }
    run(&["inspect"]).misused("no argument", &["<MODEL>"]);
}
