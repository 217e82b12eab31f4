//! Which slips could have been made in a quantity, and how likely each is.

use gatewise_reference::{Formula, Function, Named, Product};

use super::chain::{Chain, Place, split};
use super::slip::{Part, Slip};

/// A slip that could have been made.
pub struct Suspect {
    pub slip: Slip,
    /// The quantities that it would have been made in.
    pub letters: Vec<&'static str>,
    /// 1 for what happens all the time, 4 for what hardly does.
    pub cost: f64,
}

/// The suspects of one quantity while they are collected.
struct Collector<'a> {
    chain: &'a Chain,
    place: Place,
    suspects: Vec<Suspect>,
}

/// Lists the slips that could have been made in a quantity.
pub fn suspects(chain: &Chain, place: Place) -> Vec<Suspect> {
    let mut collector = Collector { chain, place, suspects: Vec::new() };
    match &chain.quantity(place).formula {
        Formula::Apply { function, argument } => collector.function(*function, argument),
        Formula::Sum(products) => match products.as_slice() {
            [product] if product.factors.len() > 1 && Part::of(product).is_none() => collector.product(product),
            _ => collector.sum(products),
        },
    }
    collector.suspects
}

impl Collector<'_> {
    fn add(&mut self, cost: f64, slip: Slip) {
        let letters = vec![self.chain.quantity(self.place).letter];
        self.suspects.push(Suspect { slip, letters, cost });
    }

    /// Adds a slip that is made in every quantity whose formula uses one of these symbols' letters.
    fn add_wherever_used(&mut self, cost: f64, slip: Slip, used: impl Fn(&str) -> bool) {
        let chain = self.chain;
        let unit = chain.quantity(self.place).unit;
        let uses = |place: &Place| {
            let quantity = chain.quantity(*place);
            quantity.unit == unit && quantity.formula.operands().iter().any(|named| used(chain.letter(&named.symbol)))
        };
        let letters = chain.places(self.place.step).filter(uses).map(|place| chain.quantity(place).letter).collect();
        self.suspects.push(Suspect { slip, letters, cost });
    }

    fn function(&mut self, instead_of: Function, argument: &Named<f64>) {
        for by in [Function::Identity, Function::Tanh, Function::Sigmoid, Function::Relu] {
            let cost = if by == Function::Relu { 2.5 } else { 1.0 };
            if by != instead_of {
                self.add(cost, Slip::Squashed { by, instead_of });
            }
        }
        self.add(1.8, Slip::Exponent(instead_of));
        let chain = self.chain;
        let argument = chain.letter(&argument.symbol).to_string();
        if let Some(of) = chain.letters().find(|letter| *letter == argument) {
            let others: &[(&str, f64)] =
                if of == "c" { &[("c⁻", 1.0), ("f·c⁻", 2.5), ("i·g", 2.5)] } else { &[] };
            for &(used, cost) in others {
                self.add(cost, Slip::Instead { used, of });
            }
            if of.starts_with("z_") {
                for used in chain.letters().filter(|letter| letter.starts_with("z_") && *letter != of) {
                    self.add(2.2, Slip::Instead { used, of });
                }
            }
        }
        let gate = chain.quantity(self.place).letter;
        for of in chain.gates() {
            if matches!((gate, of), ("f", "i") | ("i", "f")) {
                self.add(2.5, Slip::Coupled { of });
            }
        }
    }

    fn product(&mut self, product: &Product<f64>) {
        let chain = self.chain;
        self.add(1.8, Slip::Negated(Part::All));
        self.add(2.0, Slip::Added);
        self.add(1.2, Slip::RecurrentBiasOutside);
        let gates = chain.gates();
        for (which, factor) in product.factors.iter().enumerate() {
            self.add(1.2, Slip::FactorForgotten(which));
            let Some(of) = self.letter_of(factor) else { continue };
            if of.ends_with('⁻') {
                self.add(1.5, Slip::OlderState(of));
            }
            let is_gate = gates.contains(&of) || of == "1−z";
            if is_gate && of != "z" && of != "1−z" {
                self.add(1.8, Slip::Complement(of));
            }
            let mut others: Vec<&'static str> = chain.letters().collect();
            others.extend(["h⁻", "c⁻"]);
            for used in others.into_iter().filter(|used| *used != of) {
                self.add(self.plausibility(of, used), Slip::Instead { used, of });
            }
            for &gate in gates.iter().filter(|&&gate| is_gate && gate != of) {
                let is_pair = |letter: &str| letter == of || letter == gate;
                let cost = if (of, gate) == ("1−z", "z") { 1.0 } else { 1.6 };
                self.add_wherever_used(cost, Slip::Exchanged(of, gate), is_pair);
            }
        }
    }

    /// The cost of using one number for another.
    fn plausibility(&self, of: &str, used: &str) -> f64 {
        let Place { step, .. } = self.place;
        let unit = self.chain.quantity(self.place).unit;
        let made_of = |letter: &str, from: &str| {
            self.chain.of_unit(step, unit, letter).is_some_and(|place| {
                let operands = self.chain.quantity(place).formula.operands();
                operands.iter().any(|named| self.chain.letter(&named.symbol) == from)
            })
        };
        let is_gate = |letter: &str| self.chain.gates().contains(&letter) || letter == "1−z";
        match () {
            // The activation was forgotten: c for tanh(c), z_g for g.
            () if made_of(of, used) => 1.0,
            () if of.ends_with('⁻') && (used.ends_with('⁻') || used == of.trim_end_matches('⁻')) => 1.4,
            () if is_gate(of) && is_gate(used) => 1.5,
            () => 3.0,
        }
    }

    fn sum(&mut self, products: &[Product<f64>]) {
        for (part, forgotten, negated) in [
            (Part::Bias, 1.0, 1.2),
            (Part::RecurrentBias, 1.0, 1.4),
            (Part::Peephole, 1.0, 1.3),
            (Part::Inputs, 1.3, 1.4),
            (Part::Hidden, 1.3, 1.4),
        ] {
            if products.iter().any(|product| Part::of(product) == Some(part)) {
                self.add(forgotten, Slip::Forgotten(part));
                self.add(negated, Slip::Negated(part));
            }
        }
        for (at, product) in products.iter().enumerate() {
            let part = Part::of(product);
            let of_its_kind = products.iter().filter(|other| Part::of(other) == part).count();
            if products.len() > 1 && (part.is_none() || of_its_kind > 1) {
                let cost = if part.is_none() { 1.2 } else { 1.5 };
                self.add(cost, Slip::Forgotten(Part::Term(at)));
                self.add(cost, Slip::Negated(Part::Term(at)));
            }
        }
        if products.len() > 1 && products.iter().all(|product| Part::of(product).is_none()) {
            self.add(2.5, Slip::Multiplied);
        }
        if products.iter().any(|product| matches!(Part::of(product), Some(Part::Inputs | Part::Hidden))) {
            self.weights(products);
        }
        if products.iter().any(|product| Part::of(product) == Some(Part::Peephole)) {
            self.add(1.0, Slip::Instead { used: "c⁻", of: "c" });
            self.add(1.0, Slip::Instead { used: "c", of: "c⁻" });
            self.add(1.8, Slip::Instead { used: "h⁻", of: "c⁻" });
            self.add(1.8, Slip::Instead { used: "h⁻", of: "c" });
        }
        self.add(1.0, Slip::ResetOtherWay);
        self.add(1.0, Slip::RecurrentBiasOutside);
    }

    /// Slips with the weights of a gate, and with what they are multiplied by.
    fn weights(&mut self, products: &[Product<f64>]) {
        let chain = self.chain;
        let symbol = &products[0].factors[0].symbol;
        let weights = split(symbol).0.to_string();
        let gate = weights.split_once('_').map_or("", |(_, gate)| gate).to_string();
        let of_this_gate = |letter: &str| {
            let stem = letter.split_once('_');
            letter == "W" || letter == "R" || stem.is_some_and(|(stem, of)| (stem == "W" || stem == "R") && of == gate)
        };
        self.add_wherever_used(1.0, Slip::WeightsExchanged, of_this_gate);
        let gates = chain.letters().filter_map(|letter| letter.strip_prefix("z_"));
        for of in gates.filter(|of| *of != gate) {
            for (part, cost) in [(Part::All, 1.6), (Part::Bias, 1.6), (Part::Inputs, 1.9), (Part::Hidden, 1.9)] {
                self.add(cost, Slip::OtherGate { of, part });
            }
            self.add(2.2, Slip::OtherGate { of, part: Part::Peephole });
        }
        let own = chain.quantity(self.place).unit;
        for unit in (0..chain.hidden).filter(|&unit| unit != own) {
            for (part, cost) in [(Part::All, 1.6), (Part::Bias, 1.7), (Part::Inputs, 1.7), (Part::Hidden, 1.7)] {
                self.add(cost, Slip::OtherUnit { unit, part });
            }
        }
        self.add(1.1, Slip::Transposed(Part::Hidden));
        self.add(1.3, Slip::Transposed(Part::Inputs));
        let step = self.place.step;
        for (other, cost) in [(step.checked_sub(1), 1.4), (Some(step + 1), 1.6)] {
            if let Some(step) = other.filter(|&other| other < chain.steps()) {
                self.add(cost, Slip::OtherInput { step });
            }
        }
        self.add(1.4, Slip::OlderState("h⁻"));
        self.add(2.2, Slip::Instead { used: "c⁻", of: "h⁻" });
    }

    /// The letter of a factor that is a quantity or a state, not a weight.
    fn letter_of(&self, factor: &Named<f64>) -> Option<&'static str> {
        let letter = self.chain.letter(&factor.symbol);
        let states = ["h⁻", "c⁻"].into_iter();
        self.chain.letters().chain(states).find(|known| *known == letter)
    }
}
