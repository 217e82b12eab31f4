//! Trained models beside the checkout: what their makers' programs gave.

use crate::common::{Array, Folder, Npz, array, array_names, assert_close, run, trained};

/// A model and its io file, if they are there.
fn files(folder: &str, model: &str) -> Option<[String; 2]> {
    Some([trained(folder, model)?, trained(folder, "io.npz")?])
}

fn outputs(model: &str, io: &str, further: &[&str]) -> (Folder, String) {
    let folder = Folder::new();
    let output = folder.path("out.npz");
    run(&[&["run", model, "--input", io, "--output", &output][..], further].concat()).done(model);
    (folder, output)
}

#[test]
fn an_amplifier_and_effects_sound_as_their_makers_programs() {
    // By the kernels and by the reference. Only the amplifier's y was computed in float64.
    for (name, file, tolerances) in [
        ("nam_lstm", "model.nam", [1e-6, 1e-12]),
        ("rtneural_gru", "model.json", [5e-7; 2]),
        ("rtneural_gru_1d", "model.json", [5e-7; 2]),
        ("rtneural_gru_torch", "model.json", [5e-7; 2]),
        ("rtneural_lstm", "model.json", [5e-7; 2]),
        ("rtneural_lstm_1d", "model.json", [5e-7; 2]),
        ("rtneural_lstm_torch", "model.json", [5e-7; 2]),
    ] {
        let Some([model, io]) = files(name, file) else { continue };
        let expected = array(&io, "y").expect("the model's own output");
        for (further, tolerance) in [&[][..], &["--reference"]].into_iter().zip(tolerances) {
            let (_folder, output) = outputs(&model, &io, further);
            let found = array(&output, "y").expect("y");
            assert_close(&found, &expected, tolerance, || format!("{name} {further:?}"));
        }
    }
}

#[test]
fn a_voice_detectors_layer_gives_its_output_and_states() {
    let Some([model, io]) = files("silero_vad_lstm", "model.safetensors") else { return };
    let (_folder, output) = outputs(&model, &io, &[]);
    for name in ["y", "h_n", "c_n"] {
        let (found, expected) = (array(&output, name).expect(name), array(&io, name).expect(name));
        // Of c, which grows beyond 10, the difference is relative to its size.
        let size = expected.values.iter().fold(1.0f64, |largest, value| largest.max(value.abs()));
        assert!(name == "c_n" || size == 1.0, "{name}: h is at most 1");
        assert_close(&found, &expected, 2e-6 * size, || name.to_owned());
    }
}

#[test]
fn a_voice_detector_with_its_head_hears_speech() {
    let Some([model, io]) = files("silero_vad_lstm", "model.safetensors") else { return };
    let expected = array(&io, "speech_probability").expect("the model's own output");
    let shape = vec![expected.values.len(), 1, 1];
    let expected = Array { shape, ..expected };
    for further in [&[][..], &["--reference"]] {
        let options = [&["--layers", "lstm, relu, dense:head sigmoid"], further].concat();
        let (_folder, output) = outputs(&model, &io, &options);
        assert_close(&array(&output, "y").expect("y"), &expected, 2e-6, || format!("{further:?}"));
    }
}

#[test]
fn a_speller_says_every_word_as_its_makers_program() {
    let Some(model) = trained("g2p_encoder_decoder", "model.safetensors") else { return };
    let Some(case) = trained("g2p_encoder_decoder", "case.json") else { return };
    let case: serde_json::Value = serde_json::from_slice(&std::fs::read(case).unwrap()).unwrap();
    let list = |value: &serde_json::Value| -> Vec<String> { serde_json::from_value(value.clone()).expect("a list") };
    let (letters, sounds) = (list(&case["graphemes"]), list(&case["phonemes"]));
    let words = case["expected"].as_object().expect("words");
    assert_eq!(words.len(), 55);

    let spelled = |word: &String| -> Vec<i64> {
        let symbols = word.chars().map(String::from).chain(["</s>".to_owned()]);
        symbols.map(|symbol| letters.iter().position(|letter| *letter == symbol).expect("a letter") as i64).collect()
    };
    let ids: Vec<Vec<i64>> = words.keys().map(spelled).collect();
    let longest = ids.iter().map(Vec::len).max().expect("words");
    let padded: Vec<i64> = ids.iter().flat_map(|ids| ids.iter().copied().chain([0; 64]).take(longest)).collect();
    let lengths: Vec<i64> = ids.iter().map(|ids| ids.len() as i64).collect();
    let folder = Folder::new();
    let npz = Npz::new().with_ids("x", &[55, longest as u64], &padded).with_ids("lengths", &[55], &lengths);
    let (input, output) = (folder.put("words.npz", &npz.bytes()), folder.path("said.npz"));
    let line = run(&[
        "decode",
        &model,
        "--encoder",
        "embedding:encoder_embedding, gru:encoder",
        "--decoder",
        "embedding:decoder_embedding, gru:decoder, dense:head",
        "--start",
        "2",
        "--stop",
        "3",
        "--steps",
        "20",
        "--input",
        &input,
        "--output",
        &output,
    ])
    .done("decode");
    assert!(line.contains("55 sequences"), "{line:?}");
    assert_eq!(array_names(&output), ["lengths", "y"]);
    let (y, lengths) = (array(&output, "y").expect("y"), array(&output, "lengths").expect("lengths"));
    assert_eq!([y.dtype.as_str(), lengths.dtype.as_str()], ["'<i8'"; 2]);
    let width = y.shape[1];
    for (row, (word, expected)) in words.iter().enumerate() {
        let (said, rest) = y.values[row * width..][..width].split_at(lengths.values[row] as usize);
        let said: Vec<&str> = said.iter().map(|symbol| sounds[*symbol as usize].as_str()).collect();
        assert_eq!(said, list(expected), "{word}");
        assert!(rest.iter().all(|symbol| *symbol == -1.0), "{word}: behind its end {rest:?}");
    }
}
