//! The layers of a model over a share of a batch, and who does what when there are several threads.

use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use super::layer::Packed;
use super::pass::Pass;
use super::share::{Of, Place, Share, Way};
use super::workspace::Workspace;
use crate::kernel::math::NEGLIGIBLE;
use crate::model::{Layer, Merge, Model};
use crate::team::{Member, Target, Team};

/// Steps that a stack takes at once, so that what goes from layer to layer stays in the cache and needs no more room for a
/// longer sequence.
pub(crate) const BLOCK_STEPS: usize = 64;

/// One call: the batch's input, outputs and states.
pub(crate) struct Call<'a> {
    /// The model.
    pub model: &'a Model,
    /// The input.
    pub x: &'a [f32],
    /// Where its rows are.
    pub x_place: Place,
    /// Where the last layer's h go: both directions' (merged), or the forward one's.
    pub output: Option<(Target<'a>, Place)>,
    /// Where the last layer's reverse h go when the directions are kept apart.
    pub reverse: Option<(Target<'a>, Place)>,
    /// Where the last layer's c go.
    pub cells: Option<(Target<'a>, Place)>,
    /// Where each pass's h and c begin.
    pub starts: &'a [[usize; 2]],
    /// h of all passes.
    pub hidden: Target<'a>,
    /// c of all passes.
    pub memory: Target<'a>,
    /// Steps that each sequence of the batch has made; empty for a model without a clock.
    pub made: &'a [usize],
}

/// A thread's room: a workspace, and what goes from layer to layer.
pub(crate) struct Room {
    /// The workspace.
    pub work: Workspace,
    /// The output of a layer and of the one before it, and behind it every c where the layer above hears it.
    between: [Vec<f32>; 2],
    /// The reverse direction's output until it is merged.
    reverse: Vec<f32>,
}

impl Room {
    /// Room for shares of at most `rows` rows.
    pub fn new(model: &Model, rows: usize) -> Self {
        let mut room =
            Room { work: Workspace::new(model.packed(), rows), between: [Vec::new(), Vec::new()], reverse: Vec::new() };
        if model.streams() && model.layers() > 1 {
            room.reserve(model, rows, BLOCK_STEPS);
        }
        room
    }

    /// What goes between the layers of a model that reads backwards is as long as the sequence.
    fn reserve(&mut self, model: &Model, rows: usize, steps: usize) {
        let widest = model.stack().iter().map(Layer::output_size).max().unwrap_or(0);
        let values = rows * steps * widest;
        let hears = model.packed().any(Packed::hears_below);
        let all = if hears { 2 * values } else { values };
        for between in &mut self.between {
            if between.len() < all {
                between.resize(all, 0.0);
            }
        }
        let merges = |layer: &Layer| layer.passes.len() == 2 && !matches!(layer.merge, Merge::Concat | Merge::None);
        if model.stack().iter().any(merges) && self.reverse.len() < values {
            self.reverse.resize(values, 0.0);
        }
    }
}

impl Call<'_> {
    /// Runs all layers for a share; the two directions of a layer at once where there is a second workspace.
    pub fn run(
        &self,
        share: Share<'_>,
        room: &mut Room,
        mut second: Option<&mut Workspace>,
        member: Option<&Member<'_>>,
    ) {
        let (model, layers) = (self.model, self.model.stack());
        let block = if model.streams() && layers.len() > 1 { BLOCK_STEPS } else { share.steps };
        if layers.len() > 1 || layers[0].passes.len() > 1 {
            room.reserve(model, share.count, block.min(share.steps));
        }
        let mut start = 0;
        while start < share.steps {
            let steps = start..share.steps.min(start + block);
            let mut state = 0;
            for (index, layer) in layers.iter().enumerate() {
                let [mut below, mut above] = std::mem::take(&mut room.between);
                let step = LayerStep { index, state, share, steps: steps.clone(), member };
                self.layer(step, &below, &mut above, &mut room.reverse, &mut room.work, second.as_deref_mut());
                std::mem::swap(&mut below, &mut above);
                room.between = [below, above];
                state += layer.passes.len();
            }
            start = steps.end;
        }
    }

    /// One layer for a share and some steps: reads `below` (or the input), writes `above` (or the output).
    fn layer(
        &self,
        step: LayerStep<'_>,
        below: &[f32],
        above: &mut [f32],
        reverse: &mut [f32],
        work: &mut Workspace,
        second: Option<&mut Workspace>,
    ) {
        let LayerStep { index, state, share, steps, member } = step;
        let layers = self.model.stack();
        let layer = &layers[index];
        let last = index + 1 == layers.len();
        let within = |width: usize| Place {
            step: share.count * width,
            row: width,
            column: 0,
            first_step: steps.start,
            of: Of::Share,
        };
        let (x, x_place) = match index {
            0 => (self.x, self.x_place),
            _ => (below, within(layers[index - 1].output_size())),
        };
        let size = layer.passes[0].1.sizes;
        let merged = layer.passes.len() == 2 && !matches!(layer.merge, Merge::Concat | Merge::None);
        let heard = layers.get(index + 1).is_some_and(|above| above.passes[0].1.hears_below());
        let c_start = above.len() / 2;
        let above = Target::new(above);
        let own = (above, within(layer.output_size()));
        let reverse_target = Target::new(reverse);
        let pass = |direction: usize| {
            let (way, packed): &(Way, Packed) = &layer.passes[direction];
            let output = match (merged, last, direction) {
                (true, _, 0) => Some(own),
                (true, ..) => Some((reverse_target, within(size.output))),
                (false, true, 1) if layer.merge == Merge::None => self.reverse,
                (false, true, _) => self.output.map(|output| {
                    shifted(output, if layer.merge == Merge::None { 0 } else { direction * size.output })
                }),
                (false, false, _) => Some(shifted(own, direction * size.output)),
            };
            let cells = match (last, heard) {
                (true, _) => self.cells.map(|cells| shifted(cells, direction * size.memory)),
                (_, true) => Some((above.from(c_start), within(size.memory))),
                _ => None,
            };
            let below = packed.hears_below().then(|| (&below[below.len() / 2..], within(size.memory)));
            let [h, c] = self.starts[state + direction];
            let (hidden, memory) = (self.hidden.from(h), self.memory.from(c));
            let (way, steps) = (*way, steps.clone());
            Pass {
                packed,
                way,
                share,
                steps,
                x,
                x_place,
                hidden,
                memory,
                output,
                cells,
                below,
                made: self.made,
                member,
            }
        };
        match (layer.passes.len(), second) {
            (1, _) => pass(0).run(work),
            (_, Some(second)) => {
                rayon::join(|| pass(0).run(work), || pass(1).run(second));
            }
            (_, None) => {
                pass(0).run(work);
                pass(1).run(work);
            }
        }
        if merged {
            let output = if last { self.output } else { Some(own) };
            let leads = member.is_none_or(|member| member.index == 0) || !last;
            if let Some((target, place)) = output.filter(|_| leads) {
                merge(layer.merge, share, steps.clone(), own, (reverse_target, within(size.output)), (target, place));
            }
        }
        if let Some(member) = member {
            // Nobody begins the next layer while somebody still reads what was shown in this one.
            member.meet();
        }
    }
}

/// The same rows from a later column on.
fn shifted((target, place): (Target<'_>, Place), columns: usize) -> (Target<'_>, Place) {
    (target, Place { column: place.column + columns, ..place })
}

/// Which layer, rows and steps.
struct LayerStep<'a> {
    index: usize,
    /// Its first pass's place among the states.
    state: usize,
    share: Share<'a>,
    steps: Range<usize>,
    member: Option<&'a Member<'a>>,
}

/// Joins the two directions' rows, value by value.
fn merge(
    how: Merge,
    share: Share<'_>,
    steps: Range<usize>,
    (forward, forward_place): (Target<'_>, Place),
    (reverse, reverse_place): (Target<'_>, Place),
    (target, place): (Target<'_>, Place),
) {
    let mut pairs = [[0.0; 64]; 2];
    let width = forward_place.row;
    for step in steps {
        for row in 0..share.count {
            if share.length(row) <= step {
                break;
            }
            for column in (0..width).step_by(64) {
                let count = (width - column).min(64);
                let [a, b] = &mut pairs;
                forward.read(forward_place.at(&share, step, row) + column, &mut a[..count]);
                reverse.read(reverse_place.at(&share, step, row) + column, &mut b[..count]);
                for (a, b) in a.iter_mut().zip(b) {
                    *a = match how {
                        // Two small numbers: their product may be a subnormal one.
                        Merge::Mul if (*a * *b).abs() < NEGLIGIBLE => 0.0,
                        Merge::Mul => *a * *b,
                        Merge::Average => (*a + *b) * 0.5,
                        Merge::Sum | Merge::Concat | Merge::None => *a + *b,
                    };
                }
                target.write(place.at(&share, step, row) + column, &a[..count]);
            }
        }
    }
}

impl Call<'_> {
    /// Runs a stack whose layers all read forwards as a pipeline: layer l at block k beside layer l+1 at block k−1. Each layer
    /// has a room; the team's members take turns at the layers and meet after every block.
    pub fn pipeline(&self, share: Share<'_>, rooms: &mut [Room], team: &mut Team, patience: Duration) {
        let layers = self.model.layers();
        let blocks = share.steps.div_ceil(BLOCK_STEPS);
        // What layer l writes at block k, layer l+1 reads one turn later: two buffers a layer, by the block's parity.
        let mut between = Vec::with_capacity(layers);
        for room in rooms.iter_mut() {
            room.reserve(self.model, share.count, BLOCK_STEPS);
            between.push(std::mem::take(&mut room.between).map(Mutex::new));
        }
        {
            let works: Vec<_> = rooms.iter_mut().map(|room| Mutex::new(&mut room.work)).collect();
            let stage = |layer: usize, block: usize| {
                let steps = block * BLOCK_STEPS..share.steps.min((block + 1) * BLOCK_STEPS);
                let step = LayerStep { index: layer, state: layer, share, steps, member: None };
                // Nobody waits at these locks: in one turn no two layers use the same buffer.
                let (Ok(mut work), Ok(mut above)) = (works[layer].lock(), between[layer][block % 2].lock()) else {
                    return;
                };
                match layer {
                    0 => self.layer(step, &[], &mut above, &mut [], &mut work, None),
                    _ => {
                        let Ok(below) = between[layer - 1][block % 2].lock() else { return };
                        self.layer(step, &below, &mut above, &mut [], &mut work, None);
                    }
                }
            };
            team.gather(patience, |member| {
                for turn in 0..blocks + layers - 1 {
                    for layer in (member.index..layers).step_by(member.count) {
                        if layer <= turn && turn - layer < blocks {
                            stage(layer, turn - layer);
                        }
                    }
                    member.meet();
                }
            });
        }
        for (room, between) in rooms.iter_mut().zip(between) {
            room.between = between.map(|buffer| buffer.into_inner().unwrap_or_default());
        }
    }
}
