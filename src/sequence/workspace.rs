//! The buffers of a thread: sized once for the largest layer.

use wide::f32x16;

use super::clockwork::Clock;
use super::layer::Packed;
use crate::kernel::pack::GROUP;

/// Buffers of a thread: sized once for the largest layer.
pub(crate) struct Workspace {
    /// Input rows of a chunk.
    pub x: Vec<f32x16>,
    /// Input sums of a chunk.
    pub input: Vec<f32x16>,
    /// Recurrent sums of a group.
    pub recurrent: Vec<f32x16>,
    /// h, twice, and what stands between: r·h⁻, or h before its projection.
    pub hidden: [Vec<f32x16>; 3],
    /// tanh(h⁻), for a cell that hears it.
    pub squashed: Vec<f32x16>,
    /// c.
    pub memory: Vec<f32x16>,
    /// c of the layer below, for a cell that hears it.
    pub below: Vec<f32x16>,
    /// The step in its sequence of each of a chunk's rows, for a cell that has a clock.
    pub times: Vec<usize>,
    /// Input rows that such a cell hears, and which of them each of its modules has heard.
    pub gathered: Vec<f32x16>,
    pub fired: Vec<[usize; 2]>,
    /// Where each step of a chunk begins.
    pub starts: Vec<usize>,
}

/// Bytes of input sums that are computed ahead.
const CHUNK_BYTES: usize = 512 << 10;
/// Steps of a chunk at most.
pub(crate) const CHUNK_STEPS: usize = 64;

/// The sizes of a pass's buffers.
#[derive(Clone, Copy)]
pub(crate) struct Strides {
    /// Of a staged input row.
    pub x: usize,
    /// Of a row of h.
    pub hidden: usize,
    /// Of a row of c.
    pub memory: usize,
    /// Values of a row's sums.
    pub sums: usize,
    /// Rows of a chunk at most.
    pub chunk: usize,
}

impl Strides {
    pub fn new(packed: &Packed, rows: usize) -> Self {
        let (sizes, padded) = (packed.sizes, packed.division.padded());
        let registers = |width: usize| width.next_multiple_of(16);
        let sums = packed.clock.as_ref().map_or(padded * sizes.gates, Clock::padded);
        let chunk = (CHUNK_BYTES / (sums * size_of::<f32>())).clamp(1, CHUNK_STEPS * rows).max(rows);
        Strides {
            x: if sizes.input < 16 { sizes.input } else { spread(registers(sizes.input)) },
            hidden: spread(registers(padded.max(sizes.output))),
            memory: spread(registers(padded)),
            sums,
            chunk,
        }
    }
}

/// Rows a multiple of 1 KiB apart would fall on the same lines of the L1 cache.
pub(crate) fn spread(width: usize) -> usize {
    if width.is_multiple_of(256) { width + 16 } else { width }
}

impl Workspace {
    /// Room for any of the layers with at most `rows` rows.
    pub fn new<'a>(layers: impl Iterator<Item = &'a Packed>, rows: usize) -> Self {
        let mut work = Workspace {
            x: Vec::new(),
            input: Vec::new(),
            recurrent: Vec::new(),
            hidden: [Vec::new(), Vec::new(), Vec::new()],
            squashed: Vec::new(),
            memory: Vec::new(),
            below: Vec::new(),
            times: Vec::new(),
            gathered: Vec::new(),
            fired: Vec::new(),
            starts: vec![0; CHUNK_STEPS],
        };
        let grow = |buffer: &mut Vec<f32x16>, values: usize| {
            buffer.resize(buffer.len().max(values.div_ceil(16)), f32x16::splat(0.0));
        };
        for packed in layers {
            let strides = Strides::new(packed, rows);
            let group = packed.division.lanes * GROUP * packed.sizes.gates;
            grow(&mut work.x, strides.chunk * strides.x + 16);
            grow(&mut work.input, strides.chunk * strides.sums);
            let projected = packed.projection.as_ref().map_or(0, |p| p.division.lanes * GROUP);
            grow(&mut work.recurrent, rows * group.max(projected));
            for hidden in &mut work.hidden {
                grow(hidden, rows * strides.hidden);
            }
            grow(&mut work.squashed, if packed.squashed.is_some() { rows * strides.hidden } else { 0 });
            grow(&mut work.memory, rows * strides.memory);
            grow(&mut work.below, if packed.hears_below() { rows * strides.memory } else { 0 });
            if let Some(clock) = &packed.clock {
                grow(&mut work.gathered, strides.chunk * strides.x);
                work.times.resize(work.times.len().max(strides.chunk), 0);
                work.fired.resize(work.fired.len().max(clock.modules.len()), [0; 2]);
            }
        }
        work
    }
}
