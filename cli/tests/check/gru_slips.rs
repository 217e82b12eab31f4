//! Usual slips of a GRU and of a simple network, calculated here by hand: the right one is named first.

use super::sheets::{check, sigmoid, step};

const X: f64 = 0.62;
const H: [f64; 2] = [-0.44, 0.81];

/// Recurrent row, weight of x, bias; a row of each for two units.
type Gate = [([f64; 2], f64, f64); 2];

const R: Gate = [([0.73, -0.31], -1.21, 0.37), ([0.22, 0.57], 0.45, -0.18)];
const Z: Gate = [([-0.58, 0.64], 0.94, -0.26), ([0.39, -0.77], -0.33, 0.52)];
const N: Gate = [([1.13, 0.28], 0.49, -0.67), ([-0.46, 0.91], 0.71, 0.13)];
const BH: [f64; 2] = [0.34, -0.59];

fn sum(gate: &Gate, unit: usize) -> f64 {
    let (row, w, b) = gate[unit];
    w * X + row[0] * H[0] + row[1] * H[1] + b
}

fn heard(unit: usize, scale: [f64; 2]) -> f64 {
    N[unit].0[0] * scale[0] * H[0] + N[unit].0[1] * scale[1] * H[1]
}

fn gates() -> ([f64; 2], [f64; 2]) {
    ([0, 1].map(|unit| sigmoid(sum(&R, unit))), [0, 1].map(|unit| sigmoid(sum(&Z, unit))))
}

fn toml(name: &str, gate: &Gate) -> String {
    let [(r0, w0, b0), (r1, w1, b1)] = gate;
    format!("[weights.{name}]\nh = [{r0:?}, {r1:?}]\nx = [{w0}, {w1}]\nb = [{b0}, {b1}]\n")
}

fn sheet(options: &str, recurrent_bias: bool, values: &[(&str, [f64; 2])]) -> String {
    let bh = if recurrent_bias { format!("bh = {BH:?}\n") } else { String::new() };
    let weights = [toml("reset", &R), toml("update", &Z), toml("candidate", &N), bh].concat();
    let mut text = format!("cell = \"gru\"\n{options}{weights}[start]\nh = {H:?}\n{}", step(&X.to_string(), &[], 6));
    for (name, [first, second]) in values {
        text += &format!("\"{name}\" = [{first:.6}, {second:.6}]\n");
    }
    text
}

fn each(value: impl Fn(usize) -> f64) -> [f64; 2] {
    [value(0), value(1)]
}

#[test]
fn the_reset_the_other_way_is_named() {
    let (r, _) = gates();
    let after = each(|u| (N[u].1 * X + r[u] * heard(u, [1.0, 1.0]) + N[u].2).tanh());
    let before = each(|u| (N[u].1 * X + heard(u, r) + N[u].2).tanh());
    assert_eq!(check(&sheet("", false, &[("n", after)])).code, 0);
    assert_eq!(check(&sheet("reset = \"before\"\n", false, &[("n", before)])).code, 0);
    check(&sheet("", false, &[("n", before)])).assert_first("before the recurrent weights");
    check(&sheet("", false, &[("r", r), ("n", before)])).assert_first("before the recurrent weights");
    check(&sheet("reset = \"before\"\n", false, &[("n", after)])).assert_first("after the recurrent weights");
}

#[test]
fn the_recurrent_bias_in_the_wrong_place_is_named() {
    let (r, _) = gates();
    let n = |inner: f64, outer: f64| {
        each(|u| (N[u].1 * X + r[u] * (heard(u, [1.0, 1.0]) + inner * BH[u]) + outer * BH[u] + N[u].2).tanh())
    };
    assert_eq!(check(&sheet("", true, &[("n", n(1.0, 0.0))])).code, 0);
    check(&sheet("", true, &[("n", n(0.0, 1.0))])).assert_first("b_rn was added outside");
    check(&sheet("", true, &[("n", n(0.0, 0.0))])).assert_first("the recurrent bias b_rn[0] was forgotten");
}

#[test]
fn slips_of_the_update_gate_are_named() {
    let (r, z) = gates();
    let n = each(|u| (N[u].1 * X + r[u] * heard(u, [1.0, 1.0]) + N[u].2).tanh());
    let keeps = each(|u| z[u] * H[u] + (1.0 - z[u]) * n[u]);
    let writes = each(|u| (1.0 - z[u]) * H[u] + z[u] * n[u]);
    let above = [("r", r), ("z", z), ("n", n)];
    for (options, right, turned) in [("", keeps, writes), ("update = \"writes-new\"\n", writes, keeps)] {
        let with = |h: [f64; 2]| check(&sheet(options, false, &[above[0], above[1], above[2], ("h", h)]));
        assert_eq!(with(right).code, 0);
        with(turned).assert_first("changed places");
        let report = check(&sheet(options, false, &[("h", turned)]));
        report.assert_first("changed places");
        assert!(report.out.contains("0 right, 1 wrong, 1 follows"), "{}", report.out);
    }
    let with = |h: [f64; 2]| check(&sheet("", false, &[above[0], above[1], above[2], ("h", h)]));
    with(each(|u| z[u] * H[u] + n[u])).assert_first("(1−z)[0] was forgotten");
    with(each(|u| H[u] + (1.0 - z[u]) * n[u])).assert_first("z[0] was forgotten");
    with(each(|u| z[u] * H[u] - (1.0 - z[u]) * n[u])).assert_first("was taken with the wrong sign");
    with(each(|u| z[u] * H[u] + z[u] * n[u])).assert_first("z was used where 1−z belongs");
    with(each(|u| z[u] * H[u])).assert_first("was forgotten");
}

#[test]
fn slips_of_the_reset_gate_are_named() {
    let (r, z) = gates();
    let n = |scale: [f64; 2]| each(|u| (N[u].1 * X + scale[u] * heard(u, [1.0, 1.0]) + N[u].2).tanh());
    check(&sheet("", false, &[("r", r), ("z", z), ("n", n([1.0, 1.0]))])).assert_first("r[0] was forgotten");
    check(&sheet("", false, &[("r", r), ("z", z), ("n", n(z))])).assert_first("z was used where r belongs");
    check(&sheet("", false, &[("n", n([1.0 - r[0], 1.0 - r[1]]))])).assert_first("1 − r was used where r belongs");
    let swapped = each(|u| sigmoid(sum(&Z, u)));
    check(&sheet("", false, &[("r", swapped)])).assert_first("the weights were those of the update gate");
}

#[test]
fn slips_of_a_simple_network_are_named() {
    let (r, w, b) = (0.73, -1.21, 0.37);
    let h = H[0];
    let sheet = |options: &str, values: &[(&str, f64)]| {
        let weights = format!("[weights]\nh = {r}\nx = {w}\nb = {b}\n[start]\nh = {h}\n");
        check(&format!("cell = \"rnn\"\n{options}{weights}{}", step(&X.to_string(), values, 5)))
    };
    let z = w * X + r * h + b;
    assert_eq!(sheet("", &[("z", z), ("s", z.tanh())]).code, 0);
    assert_eq!(sheet("nonlinearity = \"relu\"\n", &[("z", z), ("h", z.max(0.0))]).code, 0);
    for (wrong, words) in [
        (w * X + r * h, "the bias b was forgotten"),
        (w * X + r * h - b, "the bias b was taken with the wrong sign"),
        (w * X + b, "the term R·h⁻ was forgotten"),
        (r * X + w * h + b, "x and h⁻ changed places"),
        (-w * X + r * h + b, "the term W·x was taken with the wrong sign"),
    ] {
        sheet("", &[("h", wrong.tanh())]).assert_first(words);
    }
    sheet("", &[("h", sigmoid(z))]).assert_first("σ was applied where tanh belongs");
    sheet("", &[("h", z)]).assert_first("tanh was forgotten");
    sheet("nonlinearity = \"relu\"\n", &[("h", z.tanh())]).assert_first("tanh was applied where relu belongs");
}
