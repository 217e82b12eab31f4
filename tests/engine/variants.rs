//! Cells that PyTorch does not have, against what their papers' equations gave for tests/fixtures; every c too.

use gatewise::{Batch, Model, Outputs, Session};

use crate::common::variants::{case, input, names, size, weights};
use crate::common::{array, assert_close, fixture, levels};

#[test]
fn every_variant_that_is_a_cell_of_the_engine_comes_out_on_every_level() {
    let mut tested = 0;
    for name in names("variant_") {
        let case = case(&name);
        let Some(weights) = weights(&name, &case) else {
            eprintln!("SKIPPED: {name}: no cell of the engine");
            continue;
        };
        tested += 1;
        let io = |array_name: &str| array(&fixture(&name).join("io.npz"), array_name);
        let (y, h_n) = (io("y").unwrap(), io("h_n").unwrap());
        for level in levels() {
            let model = Model::with_level(&weights, level).unwrap();
            let mut session = Session::new(&model, size(&case, "B")).unwrap();
            session.set_state(&input(&name, "h0").unwrap(), &input(&name, "c0").unwrap_or_default()).unwrap();
            let mut found = vec![f32::NAN; y.len()];
            let mut cells = vec![f32::NAN; y.len()];
            let x = input(&name, "x").unwrap();
            let mut outputs = Outputs::none().hidden(&mut found);
            if io("c_all").is_some() {
                outputs = outputs.cells(&mut cells);
            }
            session.forward(Batch::new(&x), outputs).unwrap();
            assert_close(&found, &y, 2e-6, || format!("{name}, y, {level}"));
            assert_close(session.hidden_state(), &h_n, 2e-6, || format!("{name}, h_n, {level}"));
            if let (Some(c_all), Some(c_n)) = (io("c_all"), io("c_n")) {
                assert_close(&cells, &c_all, 2e-6, || format!("{name}, every c, {level}"));
                assert_close(session.cell_state(), &c_n, 2e-6, || format!("{name}, c_n, {level}"));
            }
        }
    }
    assert_eq!(tested, 16, "variants that the engine has");
}
