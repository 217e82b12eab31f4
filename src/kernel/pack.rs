//! Weights in the order in which the kernels read them.
//!
//! Hidden units go in blocks of one register (`lanes` units), blocks in groups of up to three: as many as make, whatever the
//! number of gates, a whole number of panels of three registers. A panel holds, contiguous and 64-byte aligned, one line for
//! each term of the sums (a feature, or a hidden unit):
//!
//! ```text
//!      │ panel 0      │ panel 1      │ panel 2      │ panel 3      │
//! k=0  │ i0 │ f0 │ g0 │ o0 │ i1 │ f1 │ g1 │ o1 │ i2 │ f2 │ g2 │ o2 │   an LSTM's group of blocks 0 1 2
//! k=1  │ …            │ …            │ …            │ …            │
//! ```
//!
//! The last panel of a smaller group is narrower. Units past `hidden` in the last block are zeros.

use std::array;
use std::ops::Range;

use wide::f32x16;

/// The most blocks of a group.
pub(crate) const GROUP: usize = 3;

/// Registers of a panel's line.
pub(crate) const PANEL: usize = 3;

/// How a layer's hidden units are divided.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    /// Units of a block: lanes of a register.
    pub lanes: usize,
    /// Hidden units in all.
    pub units: usize,
    /// Blocks of each group.
    groups: Vec<Range<usize>>,
}

impl Division {
    /// Divides `units` into groups of two or three blocks (one if there is only one), in two halves of equal size, so that
    /// two threads can share them evenly.
    pub fn new(units: usize, lanes: usize) -> Self {
        let blocks = units.div_ceil(lanes);
        // Threads share the units of large layers only; a small one has as few groups as possible.
        let middle = if blocks < HALVED { blocks } else { blocks.div_ceil(2) };
        let mut groups = Vec::new();
        for half in [0..middle, middle..blocks] {
            let count = half.len().div_ceil(GROUP);
            for group in 0..count {
                let within = part(half.len(), count, group);
                groups.push(half.start + within.start..half.start + within.end);
            }
        }
        Division { lanes, units, groups }
    }

    /// [`Division::groups`] of a small layer, known when the code is compiled.
    #[inline(always)]
    pub fn known_groups(units: usize, lanes: usize) -> usize {
        units.div_ceil(lanes).div_ceil(GROUP)
    }

    /// [`Division::blocks`] of a small layer, known when the code is compiled.
    #[inline(always)]
    pub fn known_blocks(units: usize, lanes: usize, group: usize) -> Range<usize> {
        part(units.div_ceil(lanes), Division::known_groups(units, lanes), group)
    }

    /// Groups of blocks.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The blocks of a group.
    #[inline(always)]
    pub fn blocks(&self, group: usize) -> Range<usize> {
        self.groups[group].clone()
    }

    /// The blocks of some groups.
    pub fn blocks_of(&self, groups: Range<usize>) -> Range<usize> {
        if groups.is_empty() { 0..0 } else { self.groups[groups.start].start..self.groups[groups.end - 1].end }
    }

    /// Units with the last block's padding.
    pub fn padded(&self) -> usize {
        self.units.div_ceil(self.lanes) * self.lanes
    }

    /// The groups of one of `count` shares, each of about as many blocks; the last ones may be empty.
    pub fn share(&self, index: usize, count: usize) -> Range<usize> {
        let blocks = self.groups.last().map_or(0, |group| group.end);
        let bound = |index: usize| self.groups.partition_point(|group| group.start < blocks * index / count);
        bound(index)..bound(index + 1)
    }
}

/// Blocks from which a layer is divided in two halves.
const HALVED: usize = 17;

/// One of `count` parts of `blocks` blocks, as equal as can be.
#[inline(always)]
fn part(blocks: usize, count: usize, index: usize) -> Range<usize> {
    (blocks * index).div_ceil(count)..(blocks * (index + 1)).div_ceil(count)
}

/// Smaller weights are packed as zeros.
const NEGLIGIBLE: f32 = 1e-18;

/// Lanes that are packed at a time, which divide every register. A lane at a time: 47 ms of processor time for 50 MB, four:
/// 40 ms, of which the system takes 26 for new memory (Xeon, AVX-512).
const PIECE: usize = 4;

/// A packed matrix: for every unit `columns` rows (its gates) of `depth` weights.
#[derive(Clone)]
pub(crate) struct Panels {
    /// Terms of a sum.
    depth: usize,
    /// The groups.
    groups: Vec<Lines>,
    /// Aligned to 64 bytes; the groups one after the other.
    data: Vec<f32x16>,
}

impl Panels {
    /// Packs a row-major matrix whose row `gates[column]·units + unit` holds `depth` weights. The lengths were checked.
    ///
    /// Weights too small to matter are packed as zeros, so that their products are never subnormal.
    pub fn pack(division: &Division, gates: &[usize], depth: usize, matrix: &[f32]) -> Self {
        let (lanes, columns) = (division.lanes, gates.len());
        let line = |group: &Range<usize>| group.len() * columns * lanes;
        let (groups, count) = lines(division.groups.iter().map(line), depth);
        let none = vec![0.0; depth];
        // Zeros that the system hands out are not written before the weights are.
        let mut panels = bytemuck::zeroed_vec::<f32x16>(count.div_ceil(16));
        let data: &mut [f32] = bytemuck::cast_slice_mut(&mut panels);
        for (group, Lines { start, .. }) in division.groups.iter().zip(&groups) {
            let target = &mut data[*start..][..line(group) * depth];
            let columns = group.clone().flat_map(|block| gates.iter().map(move |gate| (block, *gate)));
            for (register, (block, gate)) in columns.enumerate() {
                let (place, stride) = place(register, line(group) / lanes, depth, lanes);
                for lane in (0..lanes).step_by(PIECE) {
                    let rows = array::from_fn(|at| match block * lanes + lane + at {
                        unit if unit < division.units => &matrix[(gate * division.units + unit) * depth..][..depth],
                        _ => &none[..],
                    });
                    fill(rows, &mut target[place + lane..], stride);
                }
            }
        }
        Panels { depth, groups, data: panels }
    }

    /// Packs a matrix that has a row a term, as a transposed product reads it: term `k` is the first `units` values of
    /// `line(k)`, zeros where there is none.
    pub fn of_lines<'m>(division: &Division, depth: usize, line: impl Fn(usize) -> Option<&'m [f32]>) -> Self {
        let lanes = division.lanes;
        let (groups, count) = lines(division.groups.iter().map(|group| group.len() * lanes), depth);
        let mut panels = bytemuck::zeroed_vec::<f32x16>(count.div_ceil(16));
        let data: &mut [f32] = bytemuck::cast_slice_mut(&mut panels);
        for (group, Lines { start, width }) in division.groups.iter().zip(&groups) {
            let units = group.start * lanes..division.units.min(group.end * lanes);
            for (term, target) in data[*start..][..width * depth].chunks_exact_mut(*width).enumerate() {
                let Some(source) = line(term) else { continue };
                for (value, weight) in target.iter_mut().zip(&source[units.clone()]) {
                    *value = if weight.abs() < NEGLIGIBLE { 0.0 } else { *weight };
                }
            }
        }
        Panels { depth, groups, data: panels }
    }

    /// Terms of a sum.
    #[inline(always)]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.len() * size_of::<f32x16>()
    }

    /// Values of a group's line.
    #[inline(always)]
    pub fn width(&self, group: usize) -> usize {
        self.groups[group].width
    }

    /// The lines of a group.
    #[inline(always)]
    pub fn group(&self, group: usize) -> &[f32] {
        let data: &[f32] = bytemuck::cast_slice(&self.data);
        let Lines { start, width } = self.groups[group];
        &data[start..][..width * self.depth]
    }
}

/// The lines of a group.
#[derive(Clone, Copy)]
struct Lines {
    /// Where they start.
    start: usize,
    /// Values of each.
    width: usize,
}

/// Groups of lines of these widths, one behind the other, and how many values they are.
fn lines(widths: impl Iterator<Item = usize>, depth: usize) -> (Vec<Lines>, usize) {
    let mut end = 0;
    let place = |width: usize| {
        let start = end;
        end += width * depth;
        Lines { start, width }
    };
    let groups = widths.map(place).collect();
    (groups, end)
}

/// Writes the values of some rows side by side, those of each term to a line.
fn fill(rows: [&[f32]; PIECE], target: &mut [f32], stride: usize) {
    let depth = rows[0].len();
    let rows = rows.map(|row| &row[..depth]);
    for (term, line) in target.chunks_mut(stride).take(depth).enumerate() {
        for (value, row) in line.iter_mut().zip(rows) {
            let weight = row[term];
            *value = if weight.abs() < NEGLIGIBLE { 0.0 } else { weight };
        }
    }
}

/// Where a group's `register`th column starts, and the distance of its lines, in a group of `registers` columns.
fn place(register: usize, registers: usize, depth: usize, lanes: usize) -> (usize, usize) {
    let panel = register / PANEL;
    let width = PANEL.min(registers - panel * PANEL);
    ((panel * PANEL * depth + register % PANEL) * lanes, width * lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_cover_the_blocks_in_order_and_halve_them() {
        for units in 1..700 {
            for lanes in [4, 8, 16] {
                let division = Division::new(units, lanes);
                let blocks = units.div_ceil(lanes);
                let mut at = 0;
                for group in 0..division.groups() {
                    let range = division.blocks(group);
                    assert_eq!(range.start, at);
                    assert!((1..=GROUP).contains(&range.len()), "{units} units by {lanes}: {range:?}");
                    assert!(range.len() > 1 || blocks == 1, "{units} units by {lanes}: {range:?}");
                    at = range.end;
                }
                assert_eq!(at, blocks);
                if blocks < HALVED {
                    assert_eq!(division.groups(), Division::known_groups(units, lanes));
                    for group in 0..division.groups() {
                        assert_eq!(division.blocks(group), Division::known_blocks(units, lanes, group));
                    }
                }
                for shares in 1..5 {
                    let split: Vec<_> = (0..shares).map(|index| division.share(index, shares)).collect();
                    assert_eq!(split.first().map(|r| r.start), Some(0));
                    assert_eq!(split.last().map(|r| r.end), Some(division.groups()));
                    assert!(split.windows(2).all(|pair| pair[0].end == pair[1].start));
                    if shares == 2 && blocks >= HALVED {
                        let [a, b] = [0, 1].map(|share| division.blocks_of(split[share].clone()).len());
                        assert!(a.abs_diff(b) <= 1, "{units} units by {lanes}: {a} and {b} blocks");
                    }
                }
            }
        }
    }

    #[test]
    fn a_transposed_matrix_is_packed_as_the_matrix_itself() {
        let (units, depth) = (53, 7);
        let matrix: Vec<f32> = (0..units * depth).map(|n| n as f32 + 1.0).collect();
        let rows: Vec<Vec<f32>> =
            (0..depth).map(|k| (0..units).map(|unit| matrix[unit * depth + k]).collect()).collect();
        for lanes in [4, 8, 16] {
            let division = Division::new(units, lanes);
            let (whole, lines) =
                (Panels::pack(&division, &[0], depth, &matrix), Panels::of_lines(&division, depth, |k| Some(&rows[k])));
            for group in 0..division.groups() {
                assert_eq!(whole.group(group), lines.group(group), "{lanes} lanes");
            }
        }
    }

    #[test]
    fn a_packed_group_holds_every_weight_at_its_panel_line_register_and_lane() {
        let (units, depth, lanes) = (21, 5, 4);
        let division = Division::new(units, lanes);
        let matrix: Vec<f32> = (0..3 * units * depth).map(|n| n as f32 + 1.0).collect();
        // Two of three gates, in another order.
        let panels = Panels::pack(&division, &[2, 0], depth, &matrix);
        for group in 0..division.groups() {
            let blocks = division.blocks(group);
            let line = blocks.len() * 2 * lanes;
            let data = panels.group(group);
            assert_eq!(data.len(), line * depth);
            for k in 0..depth {
                for (at, block) in blocks.clone().enumerate() {
                    for (column, gate) in [2, 0].into_iter().enumerate() {
                        for lane in 0..lanes {
                            let unit = block * lanes + lane;
                            let expected = if unit < units { matrix[(gate * units + unit) * depth + k] } else { 0.0 };
                            let register = at * 2 + column;
                            let panel = register / 3;
                            let width = (blocks.len() * 2 - panel * 3).min(3);
                            let index = panel * 3 * lanes * depth + k * width * lanes + register % 3 * lanes + lane;
                            assert_eq!(data[index], expected);
                        }
                    }
                }
            }
        }
    }
}
