//! A layer in one direction that learns: its weights packed for both ways, and what it keeps of its steps.

use std::ops::Range;

use wide::f32x16;

use super::steps::Steps;
use crate::cell::{depth_gated, gru, lstm, rnn};
use crate::error::Result;
use crate::kernel::pack::{Division, GROUP, Panels};
use crate::kernel::step::{Cell, Hears, Keep, Terms, WHOLE};
use crate::sequence::layer::{Kind, Packed};
use crate::sequence::share::Way;
use crate::sequence::workspace::{CHUNK_STEPS, Strides, spread};
use crate::simd::Level;
use crate::weights::Weights;

/// A layer and direction, packed for the way there and for the way back.
pub(crate) struct Trained {
    /// The direction.
    pub way: Way,
    /// For the way there.
    pub packed: Packed,
    /// Wᵀ: from the kept sums that hear the input to x.
    pub input: Transposed,
    /// Rᵀ: from the kept sums that hear h⁻ to it; not of a clockwork RNN.
    pub recurrent: Option<Transposed>,
    /// Rᵀ of a candidate that hears r·h⁻.
    pub candidate: Option<Transposed>,
    /// Rᵀ of an update gate that hears tanh(h⁻).
    pub squashed: Option<Transposed>,
    /// Rᵀ of each module of a clockwork RNN: from its own sums to h⁻ of its units and those behind them.
    pub modules: Vec<Transposed>,
    /// W_hrᵀ: from h to what is projected.
    pub projection: Option<Transposed>,
    /// The kept sums.
    pub keep: &'static [Keep],
    /// Which of p_i, p_f, p_o, and a depth gate's two, there are.
    pub peepholes: Vec<usize>,
}

/// A transposed matrix, and which of the kept sums it is multiplied with.
pub(crate) struct Transposed {
    /// What comes out: features, or hidden units.
    pub division: Division,
    /// A line for each unit, padded, of each of its sums.
    pub panels: Panels,
    /// Its kept sums.
    pub sums: Range<usize>,
}

impl Trained {
    /// Packs for `level`.
    pub fn new(way: Way, weights: &Weights, level: Level) -> Result<Self> {
        let packed = Packed::new(weights, level)?;
        let keep = keep(packed.kind);
        let (hidden, padded) = (packed.sizes.hidden, packed.division.padded());
        let lanes = packed.division.lanes;
        let transposed = |matrix: &[f32], width: usize, sums: Range<usize>| {
            let division = Division::new(width, lanes);
            let line = |at: usize| {
                let (unit, gate) = (at % padded, keep[sums.start + at / padded].gate);
                (unit < hidden).then(|| &matrix[(gate * hidden + unit) * width..][..width])
            };
            let panels = Panels::of_lines(&division, sums.len() * padded, line);
            Transposed { division, panels, sums }
        };
        let (weight_ih, weight_hh) = weights.matrices();
        let inputs = keep.iter().filter(|keep| keep.terms != Terms::Recurrent).count();
        let input = transposed(weight_ih, packed.sizes.input, 0..inputs);
        // Sums that hear the same stand beside each other.
        let hears = |what: Hears| {
            let hears = |keep: &Keep| keep.terms != Terms::Input && keep.hears == what;
            let first = keep.iter().position(hears)?;
            let count = keep[first..].iter().take_while(|keep| hears(keep)).count();
            Some(transposed(weight_hh, packed.sizes.output, first..first + count))
        };
        let modules = packed.clock.as_ref().map(|clock| {
            let each = clock.modules.iter().map(|module| {
                let heard = module.units.start..hidden;
                let division = Division::new(heard.len(), lanes);
                let line = |at: usize| Some(&weight_hh[(heard.start + at) * hidden..][heard.clone()]);
                let panels = Panels::of_lines(&division, module.units.len(), line);
                Transposed { division, panels, sums: 0..1 }
            });
            each.collect()
        });
        let recurrent = if modules.is_some() { None } else { hears(Hears::Hidden) };
        let (candidate, squashed) = (hears(Hears::Reset), hears(Hears::Squashed));
        let projection = weights.projection().map(|matrix| {
            let division = Division::new(hidden, lanes);
            let panels =
                Panels::of_lines(&division, packed.sizes.output, |row| Some(&matrix[row * hidden..][..hidden]));
            Transposed { division, panels, sums: 0..0 }
        });
        let peepholes = match weights {
            Weights::Lstm(weights) => weights.peepholes().map(|all| &all[..]),
            Weights::DepthGated(weights) => Some(&weights.peepholes()[..]),
            _ => None,
        };
        let peepholes = peepholes.into_iter().flatten().enumerate().filter(|(_, values)| !values.is_empty());
        let peepholes = peepholes.map(|(which, _)| which).collect();
        let modules = modules.unwrap_or_default();
        Ok(Trained { way, packed, input, recurrent, candidate, squashed, modules, projection, keep, peepholes })
    }

    /// The distances between the rows of what is kept.
    pub fn strides(&self) -> Kept {
        let padded = self.packed.division.padded();
        let strides = Strides::new(&self.packed, 1);
        Kept { sums: spread(self.keep.len() * padded), hidden: strides.hidden, memory: strides.memory, padded }
    }
}

/// The distances between the rows of what is kept, and between the sums of a row.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub sums: usize,
    pub hidden: usize,
    pub memory: usize,
    pub padded: usize,
}

fn keep(kind: Kind) -> &'static [Keep] {
    match kind {
        Kind::StandardLstm | Kind::AnyLstm(_) => WHOLE.split_at(lstm::GATES).0,
        Kind::DepthGated(_) => <depth_gated::DepthGated as Cell<{ depth_gated::GATES }>>::KEEP,
        Kind::StandardGru | Kind::AnyGru(_) => <gru::StandardGru as Cell<{ gru::GATES }>>::KEEP,
        Kind::ResetBefore(_) => <gru::ResetBefore as Cell<{ gru::GATES }>>::KEEP,
        Kind::Mutant(mutation) => mutation.keep(),
        Kind::TanhRnn | Kind::AnyRnn(_) | Kind::Clockwork(_) => WHOLE.split_at(rnn::GATES).0,
    }
}

/// What is kept of the steps of some sequences in one layer and direction. All but the initial rows are in the order in which
/// the direction reads.
#[derive(Default)]
pub(crate) struct Tape {
    /// The sums, then their gradients; of all steps, or of a stretch.
    pub sums: Vec<f32x16>,
    /// h⁻ of every row, with room for the last step's h.
    pub hidden: Vec<f32x16>,
    /// c: the initial rows, then that of every row.
    pub memory: Vec<f32x16>,
    /// What else recurrent weights hear: r·h⁻, or h before its projection.
    pub other: Vec<f32x16>,
    /// tanh(h⁻), where that is heard.
    pub squashed: Vec<f32x16>,
    /// The gradients of every c by the layer above; empty where none hears them.
    pub d_cells: Vec<f32x16>,
    /// The gradients of h, behind a projection.
    pub d_hidden: Vec<f32x16>,
    /// The input in the direction's order, if that is not the given one.
    pub x: Vec<f32x16>,
}

impl Tape {
    /// Makes room for `steps`.
    pub fn reserve(&mut self, trained: &Trained, steps: &Steps, memory: Memory) {
        let strides = trained.strides();
        let (rows, sequences) = (steps.rows(), steps.sequences());
        let kept = match memory {
            Memory::Keep => rows,
            Memory::Recompute => stretch_rows(steps),
        };
        let projected = trained.projection.is_some();
        let other = if projected || trained.candidate.is_some() { rows } else { 0 };
        grow(&mut self.sums, kept * strides.sums);
        grow(&mut self.hidden, (rows + sequences) * strides.hidden);
        grow(&mut self.memory, (rows + sequences) * strides.memory * usize::from(trained.packed.sizes.memory > 0));
        grow(&mut self.other, other * strides.hidden);
        grow(&mut self.squashed, if trained.squashed.is_some() { rows * strides.hidden } else { 0 });
        grow(&mut self.d_hidden, if projected { rows * strides.hidden } else { 0 });
        if trained.way == Way::Reverse {
            grow(&mut self.x, rows * row_stride(trained.packed.sizes.input));
        }
    }
}

impl Tape {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let buffers = [
            &self.sums,
            &self.hidden,
            &self.memory,
            &self.other,
            &self.squashed,
            &self.d_cells,
            &self.d_hidden,
            &self.x,
        ];
        buffers.iter().map(|buffer| size_of_val(&buffer[..])).sum()
    }
}

/// What is kept for the way back beside the states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// The sums of every gate at every step: 4·H values a step and sequence of an LSTM.
    #[default]
    Keep,
    /// Nothing: the sums are computed again, a stretch of steps at a time. A third more arithmetic, a fraction of the memory,
    /// and the same bits.
    Recompute,
}

/// Steps that are gone back through at once where sums are computed again.
pub(crate) const STRETCH_STEPS: usize = 16;

fn stretch_rows(steps: &Steps) -> usize {
    let ends = (0..steps.count()).step_by(STRETCH_STEPS);
    ends.map(|step| steps.start(steps.count().min(step + STRETCH_STEPS)) - steps.start(step)).max().unwrap_or(0)
}

/// Values from one row of features to the next, where rows stand alone.
pub(crate) fn row_stride(width: usize) -> usize {
    spread(width.next_multiple_of(16))
}

pub(crate) fn grow(buffer: &mut Vec<f32x16>, values: usize) {
    let registers = values.div_ceil(16);
    if buffer.len() < registers {
        *buffer = bytemuck::zeroed_vec(registers);
    }
}

/// A thread's room for one pass.
#[derive(Default)]
pub(crate) struct Room {
    /// Input sums of a chunk.
    pub input: Vec<f32x16>,
    /// Sums of a group.
    pub recurrent: Vec<f32x16>,
    /// What goes from a step to the one before: the gradients of h and c.
    pub hidden: Vec<f32x16>,
    pub memory: Vec<f32x16>,
    /// The gradient of h⁻ that does not go through the recurrent weights, or of what is projected.
    pub between: Vec<f32x16>,
    /// Of a cell that has a clock: the step of each row in its sequence, rows that it hears, and how many each module did.
    pub times: Vec<usize>,
    pub gathered: Vec<f32x16>,
    pub fired: Vec<[usize; 2]>,
}

/// Rows whose sums are computed at once on the way back.
pub(crate) const ROWS: usize = 64;

impl Room {
    /// Room for a pass over `sequences`.
    pub fn reserve(&mut self, trained: &Trained, sequences: usize) {
        let (packed, strides) = (&trained.packed, trained.strides());
        let Strides { chunk, sums, .. } = Strides::new(packed, sequences);
        let chunk = chunk.max(ROWS);
        let group = packed.division.lanes * GROUP * packed.sizes.gates.max(1);
        grow(&mut self.input, chunk * sums);
        // Twice: of sums that hear different things, and of all together.
        grow(&mut self.recurrent, sequences.max(ROWS) * group * if trained.candidate.is_some() { 2 } else { 1 });
        grow(&mut self.hidden, sequences * strides.hidden);
        grow(&mut self.memory, sequences * strides.memory);
        grow(&mut self.between, sequences * strides.hidden);
        if let Some(clock) = &packed.clock {
            grow(&mut self.gathered, chunk * row_stride(packed.sizes.input));
            self.times.resize(self.times.len().max(chunk), 0);
            self.fired.resize(self.fired.len().max(clock.modules.len()), [0; 2]);
        }
    }

    /// Rows of a chunk, and steps of it at most.
    pub fn chunk(trained: &Trained, sequences: usize) -> (usize, usize) {
        (Strides::new(&trained.packed, sequences).chunk, CHUNK_STEPS)
    }
}
