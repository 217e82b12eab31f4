//! Every usual slip in one LSTM step, calculated here by hand: the right one is named first.

use super::sheets::{check, sigmoid, step};

/// One gate: weights of h⁻ and x, bias, peephole.
#[derive(Clone, Copy)]
struct Gate(f64, f64, f64, f64);

const F: Gate = Gate(0.73, -1.21, 0.37, 0.0);
const G: Gate = Gate(-0.58, 0.94, -0.26, 0.0);
const I: Gate = Gate(1.13, 0.49, -0.67, 0.0);
const O: Gate = Gate(-0.83, 1.57, 0.19, 0.0);
const X: f64 = 0.62;
const H: f64 = -0.44;
const C: f64 = 1.35;

impl Gate {
    fn z(self, x: f64, h: f64, c: f64) -> f64 {
        self.1 * x + self.0 * h + self.3 * c + self.2
    }

    fn toml(self, name: &str) -> String {
        let Gate(h, x, b, p) = self;
        let peephole = if p == 0.0 { String::new() } else { format!("p = {p}\n") };
        format!("[weights.{name}]\nh = {h}\nx = {x}\nb = {b}\n{peephole}")
    }
}

/// The right numbers of the step.
struct Right {
    f: f64,
    g: f64,
    i: f64,
    o: f64,
    c: f64,
    h: f64,
}

fn right() -> Right {
    let (f, i) = (sigmoid(F.z(X, H, 0.0)), sigmoid(I.z(X, H, 0.0)));
    let (g, o) = (G.z(X, H, 0.0).tanh(), sigmoid(O.z(X, H, 0.0)));
    let c = f * C + i * g;
    Right { f, g, i, o, c, h: o * c.tanh() }
}

fn sheet(options: &str, gates: [Gate; 4], values: &[(&str, f64)]) -> String {
    let [f, g, i, o] = gates;
    let weights = [f.toml("forget"), g.toml("candidate"), i.toml("input"), o.toml("output")].concat();
    let start = format!("[start]\nh = {H}\nc = {C}\n");
    format!("cell = \"lstm\"\n{options}{weights}{start}{}", step(&X.to_string(), values, 6))
}

/// The slip is named whether or not the numbers above the wrong one were written down.
#[track_caller]
fn assert_named(above: &[(&str, f64)], wrong: (&str, f64), words: &str) {
    check(&sheet("", [F, G, I, O], &[wrong])).assert_first(words);
    let mut values = above.to_vec();
    values.push(wrong);
    check(&sheet("", [F, G, I, O], &values)).assert_first(words);
}

#[test]
fn slips_in_a_gates_sum_are_named() {
    let Gate(r, w, b, _) = F;
    for (z, words) in [
        (w * X + r * H, "the bias b_f was forgotten"),
        (w * X + r * H - b, "the bias b_f was taken with the wrong sign"),
        (w * X + b, "the term R_f·h⁻ was forgotten"),
        (r * H + b, "the term W_f·x was forgotten"),
        (w * X - r * H + b, "the term R_f·h⁻ was taken with the wrong sign"),
        (-w * X + r * H + b, "the term W_f·x was taken with the wrong sign"),
        (w * H + r * X + b, "x and h⁻ changed places"),
        (I.z(X, H, 0.0), "the weights were those of the input gate"),
        (w * X + r * H + I.2, "the bias was that of the input gate"),
        (O.1 * X + r * H + b, "the weights of x were those of the output gate"),
        (w * X + G.0 * H + b, "the weights of h⁻ were those of the candidate"),
    ] {
        assert_named(&[], ("z_f", z), words);
        assert_named(&[], ("f", sigmoid(z)), words);
    }
}

#[test]
fn slips_in_a_gates_sum_are_named_when_only_the_state_is_written() {
    let Right { f, g, i, o, .. } = right();
    let c = f * C + i * (G.z(X, H, 0.0) - G.2).tanh();
    check(&sheet("", [F, G, I, O], &[("c", c)])).assert_first("the bias b_g was forgotten");
    check(&sheet("", [F, G, I, O], &[("h", o * c.tanh())])).assert_first("the bias b_g was forgotten");
    let swapped = sigmoid(O.0 * X + O.1 * H + O.2) * (f * C + i * g).tanh();
    check(&sheet("", [F, G, I, O], &[("h", swapped)])).assert_first("x and h⁻ changed places in the output gate");
}

#[test]
fn wrong_functions_are_named() {
    let z = F.z(X, H, 0.0);
    assert_named(&[("z_f", z)], ("f", z.tanh()), "tanh was applied where σ belongs");
    assert_named(&[("z_f", z)], ("f", z), "σ was forgotten");
    assert_named(&[("z_f", z)], ("f", 1.0 / (1.0 + z.exp())), "the wrong sign in its exponent");
    let z = G.z(X, H, 0.0);
    assert_named(&[("z_g", z)], ("g", sigmoid(z)), "σ was applied where tanh belongs");
    assert_named(&[("z_g", z)], ("g", z), "tanh was forgotten");
    let Right { c, o, .. } = right();
    assert_named(&[("c", c)], ("tanh(c)", sigmoid(c)), "σ was applied where tanh belongs");
    assert_named(&[("c", c), ("o", o)], ("h", o * sigmoid(c)), "σ was applied where tanh belongs");
}

#[test]
fn slips_in_the_memory_are_named() {
    let Right { f, g, i, o, c, .. } = right();
    let above = [("f", f), ("g", g), ("i", i)];
    for (c, words) in [
        (f * C, "the term i·g was forgotten"),
        (i * g, "the term f·c⁻ was forgotten"),
        (f * C - i * g, "the term i·g was taken with the wrong sign"),
        (i * C + f * g, "f and i changed places"),
        (C + i * g, "f was forgotten"),
        (f * C + g, "i was forgotten"),
        (f * H + i * g, "h⁻ was used where c⁻ belongs"),
        (o * C + i * g, "o was used where f belongs"),
        ((1.0 - f) * C + i * g, "1 − f was used where f belongs"),
        (f * C + (1.0 - f) * g, "i was taken as 1 − f"),
        (f * C + i * G.z(X, H, 0.0), "tanh was forgotten"),
        (f * C * (i * g), "the parts of c were multiplied"),
    ] {
        // With i in the sheet, 1 − f for i is not a slip in i.
        let above = if words.starts_with("i was taken") || words.starts_with("tanh") { &above[..1] } else { &above };
        assert_named(above, ("c", c), words);
    }
    assert_named(&above, ("i·g", i + g), "added up, not multiplied");
    assert_named(&above, ("f·c⁻", c), "a number from another line");
}

#[test]
fn slips_in_the_hidden_state_are_named() {
    let Right { f, i, o, c, g, .. } = right();
    let above = [("f", f), ("g", g), ("i", i), ("c", c), ("o", o)];
    for (h, words) in [
        (o * C.tanh(), "the old cell state c⁻ was used where the new c belongs"),
        (o * c, "tanh was forgotten"),
        (c.tanh(), "o was forgotten"),
        (i * c.tanh(), "i was used where o belongs"),
        (o + c.tanh(), "added up, not multiplied"),
        (-o * c.tanh(), "wrong"),
    ] {
        assert_named(&above, ("h", h), words);
    }
}

#[test]
fn mistakes_of_the_pen_are_named() {
    let Right { f, g, i, o, c, h } = right();
    let text = |value: f64| format!("{value:.4}");
    let flipped = |value: f64| {
        let mut digits: Vec<char> = text(value).chars().collect();
        let at = (2..digits.len() - 1).find(|&at| digits[at] != digits[at + 1]).expect("two different digits");
        digits.swap(at, at + 1);
        digits.into_iter().collect::<String>()
    };
    for (value, words) in [
        (flipped(f), "two digits changed places"),
        (text(10.0 * f), "the decimal point is one place too far to the right"),
        (text(0.1 * f), "the decimal point is one place too far to the left"),
        (text(-f), "the sign is the wrong way round"),
    ] {
        // The numbers that follow were calculated with the right one.
        let rest = step(&X.to_string(), &[("g", g), ("i", i), ("c", c), ("o", o), ("h", h)], 4);
        let all = sheet("", [F, G, I, O], &[]).replace(&step(&X.to_string(), &[], 6), &rest);
        let report = check(&format!("{all}f = {value}\n"));
        report.assert_first(words);
        report.assert_mark("✗", "f");
        report.assert_mark("✓", "c");
    }
}

#[test]
fn peephole_slips_are_named() {
    let [f, i, o] = [Gate(F.0, F.1, F.2, 0.29), Gate(I.0, I.1, I.2, -0.41), Gate(O.0, O.1, O.2, 0.53)];
    let gates = [f, G, i, o];
    let kept = sigmoid(f.z(X, H, C));
    let c = kept * C + sigmoid(i.z(X, H, C)) * G.z(X, H, 0.0).tanh();
    for (name, z, words) in [
        ("f", f.z(X, H, 0.0), "the peephole p_f·c⁻ was forgotten"),
        ("f", f.z(X, H, -C), "the peephole p_f·c⁻ was taken with the wrong sign"),
        ("f", f.z(X, H, c), "the new cell state c was used where the old c⁻ belongs"),
        ("f", f.z(X, H, H), "h⁻ was used where c⁻ belongs"),
        ("o", o.z(X, H, 0.0), "the peephole p_o·c was forgotten"),
        ("o", o.z(X, H, C), "the old cell state c⁻ was used where the new c belongs"),
    ] {
        check(&sheet("", gates, &[(name, sigmoid(z))])).assert_first(words);
        check(&sheet("", gates, &[(&format!("z_{name}"), z)])).assert_first(words);
    }
}

#[test]
fn coupled_gates_are_checked_and_their_slips_named() {
    let options = "coupling = \"input-is-one-minus-forget\"\n";
    let Right { f, g, .. } = right();
    let coupled = |values: &[(&str, f64)]| {
        let all = sheet(options, [F, G, I, O], values);
        check(&all.replace(&I.toml("input"), ""))
    };
    let c = f * C + (1.0 - f) * g;
    assert_eq!(coupled(&[("f", f), ("i", 1.0 - f), ("c", c)]).code, 0);
    coupled(&[("f", f), ("i", 1.0 + f)]).assert_first("the term f was taken with the wrong sign");
    coupled(&[("f", f), ("c", (1.0 - f) * C + f * g)]).assert_first("f and i changed places");
}
