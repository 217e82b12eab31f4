//! nexus-inference's LSTM and GRU, a step of one sequence a call. Both end in a dense layer, here of one unit, the
//! least.

use nexus_inference::{StackedLstm, TinyGru, TinyLstm};
use serve::{Case, Feeding, INFERENCE_ONLY, Pass, Peer, Result};

/// Its three cells; the stacked one is slower for one layer.
enum Cell {
    Lstm(TinyLstm),
    Stacked(StackedLstm, usize),
    Gru(TinyGru),
}

impl Cell {
    fn step(&mut self, x: &[f32]) {
        let mut unused = [0.0];
        match self {
            Cell::Lstm(cell) => cell.predict_into(x, &mut unused),
            Cell::Stacked(cell, _) => cell.predict_into(x, &mut unused),
            Cell::Gru(cell) => cell.predict_into(x, &mut unused),
        }
        std::hint::black_box(unused);
    }

    fn hidden(&self) -> &[f32] {
        match self {
            Cell::Lstm(cell) => cell.hidden_state(),
            Cell::Stacked(cell, last) => cell.hidden_state(*last),
            Cell::Gru(cell) => cell.hidden_state(),
        }
    }

    fn reset(&mut self) {
        match self {
            Cell::Lstm(cell) => cell.reset(),
            Cell::Stacked(cell, _) => cell.reset(),
            Cell::Gru(cell) => cell.reset(),
        }
    }
}

/// A cell, the case's input, and y.
struct Nexus {
    cell: Cell,
    x: Vec<f32>,
    input: usize,
    stream: bool,
    y: Vec<f32>,
}

impl Nexus {
    fn sequence(&mut self) {
        let hidden = self.cell.hidden().len();
        self.cell.reset();
        for (x, y) in self.x.chunks_exact(self.input).zip(self.y.chunks_exact_mut(hidden)) {
            self.cell.step(x);
            y.copy_from_slice(self.cell.hidden());
        }
    }
}

impl Peer for Nexus {
    fn load(case: &Case) -> Result<Self> {
        case.needs_only(&["lstm", "gru"], INFERENCE_ONLY)?;
        if case.batch > 1 {
            return Err("one sequence at a time".into());
        }
        if case.directions > 1 {
            return Err("reads forwards only".into());
        }
        let passes: Vec<&Pass> = case.layers.iter().flatten().collect();
        let (input, hidden, w_out) = (case.input, case.hidden, vec![0.0; case.hidden]);
        let cell = match passes[..] {
            [p] if case.cell == "gru" => {
                let (w, b) = ([&p.weight_ih, &p.weight_hh], [&p.bias_ih, &p.bias_hh]);
                Cell::Gru(TinyGru::from_parts(input, hidden, 1, w[0], w[1], b[0], b[1], &w_out, &[0.0])?)
            }
            [p] => {
                let (w, b) = ([&p.weight_ih, &p.weight_hh], [&p.bias_ih, &p.bias_hh]);
                Cell::Lstm(TinyLstm::from_parts(input, hidden, 1, w[0], w[1], b[0], b[1], &w_out, &[0.0])?)
            }
            _ => {
                let each = |of: fn(&Pass) -> &Vec<f32>| -> Vec<&[f32]> { passes.iter().map(|p| &of(p)[..]).collect() };
                let (w_ih, w_hh) = (each(|p| &p.weight_ih), each(|p| &p.weight_hh));
                let (b_ih, b_hh) = (each(|p| &p.bias_ih), each(|p| &p.bias_hh));
                let stacked = StackedLstm::from_parts(input, hidden, 1, &w_ih, &w_hh, &b_ih, &b_hh, &w_out, &[0.0])?;
                Cell::Stacked(stacked, passes.len() - 1)
            }
        };
        let (x, y) = (case.x.clone(), vec![0.0; case.steps * hidden]);
        Ok(Nexus { cell, x, input, stream: case.feeding == Feeding::Stream, y })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        self.sequence();
        Ok(self.y.clone())
    }

    fn call(&mut self) -> Result<()> {
        if self.stream {
            self.x.chunks_exact(self.input).for_each(|x| self.cell.step(x));
        } else {
            self.sequence();
        }
        Ok(())
    }
}

fn main() {
    serve::serve::<Nexus>();
}
