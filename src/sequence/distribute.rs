//! Who does what: shares of the batch, of the hidden units, of the directions or of the layers.

use std::ops::Range;
use std::time::Duration;

use super::layer::Packed;
use super::share::Share;
use super::stack::{BLOCK_STEPS, Call, Room};
use super::stream;
use crate::kernel::product::NEAR;
use crate::model::Model;
use crate::team::{self, Team};

/// Rows that go through all steps together: few while the weights stay in a near cache and only the rows' own state need be
/// there too; many where each reading of the weights is dear.
const ROWS: [usize; 2] = [32, 128];

/// Operations below which a second thread costs more than it brings (some 10 µs of one core).
const SMALL: usize = 1_500_000;

/// Bytes of recurrent weights, times rows, from which a step is worth sharing among threads that meet at its end.
const WORTH_MEETING: usize = 400 << 10;

/// Rows of a share at most.
pub(super) fn share_rows(model: &Model) -> usize {
    ROWS[usize::from(model.packed_bytes() > NEAR)]
}

/// Whether threads can share the hidden units: nothing stands between h⁻ and the sums, or after the update.
pub(super) fn splittable(model: &Model) -> bool {
    model.packed().all(|packed| stream::can_advance(packed) && packed.division.groups() > 1)
}

/// Decides who does what, and does it.
pub(super) fn distribute(call: &Call<'_>, whole: Share<'_>, threads: usize, rooms: &mut [Room], team: &mut Team) {
    let (model, batch) = (call.model, whole.count);
    let operations = model.flops_per_step().saturating_mul(batch).saturating_mul(whole.steps);
    if threads < 2 || operations < SMALL {
        return run_in_shares(call, whole, &mut rooms[0]);
    }
    // Asked only now, because asking may start the pool.
    let threads = threads.min(rooms.len()).min(rayon::current_num_threads());
    if threads < 2 {
        return run_in_shares(call, whole, &mut rooms[0]);
    }
    let near = model.packed_bytes() <= NEAR;
    let rows = batch / threads;
    if rows >= if near { 1 } else { 24 } {
        let shares = split_by_steps(whole, threads);
        return team::each(shares.zip(rooms), |(share, room)| run_in_shares(call, share, room));
    }
    // What is left is few rows: no more than one share. A team's leader waits for the others a tenth of what one thread would
    // take at 20 operations a nanosecond.
    let patience = Duration::from_nanos(operations as u64 / 200).min(Duration::from_millis(1));
    let recurrent = model.packed().map(Packed::recurrent_bytes).min().unwrap_or(0);
    if !model.streams() && threads == 2 && model.stack().iter().any(|layer| layer.passes.len() == 2) {
        let [first, second, ..] = rooms else { return };
        call.run(whole, first, Some(&mut second.work), None);
    } else if splittable(model) && recurrent * batch.min(4) >= WORTH_MEETING && batch <= share_rows(model) {
        let rooms: Vec<_> = rooms.iter_mut().map(std::sync::Mutex::new).collect();
        team.gather(patience, |member| {
            // Each member has its own room: nobody waits here.
            if let Ok(mut room) = rooms[member.index].lock() {
                call.run(whole, &mut room, None, Some(&member));
            }
        });
    } else if model.streams() && model.layers() > 1 && whole.steps > BLOCK_STEPS && batch <= share_rows(model) {
        call.pipeline(whole, &mut rooms[..model.layers()], team, patience);
    } else if rows >= 1 {
        let shares = split_by_steps(whole, threads);
        team::each(shares.zip(rooms), |(share, room)| run_in_shares(call, share, room));
    } else {
        run_in_shares(call, whole, &mut rooms[0]);
    }
}

/// One thread: as many rows at once as fit its caches.
fn run_in_shares(call: &Call<'_>, share: Share<'_>, room: &mut Room) {
    let parts = share.count.div_ceil(share_rows(call.model));
    for rows in team::split(share.count, parts) {
        call.run(part(share, rows), room, None, None);
    }
}

fn part(share: Share<'_>, rows: Range<usize>) -> Share<'_> {
    Share {
        order: share.order.map(|order| &order[rows.clone()]),
        first: share.first + rows.start,
        count: rows.len(),
        lengths: share.lengths.map(|lengths| &lengths[rows.clone()]),
        steps: share.steps,
    }
}

/// Splits the rows into as many ranges of about as many steps, none empty.
fn split_by_steps(share: Share<'_>, shares: usize) -> impl ExactSizeIterator<Item = Share<'_>> {
    let total: usize = (0..share.count).map(|row| share.length(row)).sum();
    let (mut start, mut before) = (0, 0);
    (0..shares).map(move |index| {
        let (left, target) = (shares - 1 - index, total * (index + 1) / shares);
        let mut end = start + 1;
        before += share.length(start);
        while end < share.count - left && (left == 0 || before + share.length(end) / 2 < target) {
            before += share.length(end);
            end += 1;
        }
        let rows = start..end;
        start = end;
        part(share, rows)
    })
}
