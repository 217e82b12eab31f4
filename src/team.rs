//! Work for several threads: shares of a batch, results that they write side by side, and a team that meets at every step.

use std::hint::spin_loop;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;

/// Splits `count` things into at most `shares` ranges whose lengths differ by at most one; none is empty.
pub(crate) fn split(count: usize, shares: usize) -> impl Iterator<Item = Range<usize>> {
    let shares = shares.clamp(1, count.max(1));
    (0..shares).map(move |share| count * share / shares..count * (share + 1) / shares)
}

/// Runs `work` on every share: on this thread if there is one, else on rayon's current pool, entered once.
pub(crate) fn each<T: Send>(shares: impl ExactSizeIterator<Item = T> + Send, work: impl Fn(T) + Sync) {
    if shares.len() == 1 {
        return shares.into_iter().for_each(work);
    }
    // By halves that threads take from each other, and not by rayon's `scope`: it needs memory for every share, and lets go
    // of its own while the last job's arguments point there, which Miri calls undefined.
    shares.collect::<Vec<_>>().into_par_iter().with_max_len(1).for_each(&work);
}

/// Values that are copied at once.
const PIECE: usize = 16;

/// Values that several threads write at once, each its own rows.
///
/// Made from the caller's exclusive slice, and handed to the shares of a batch, no two of which have a row in common.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    start: *mut f32,
    len: usize,
    caller: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is a slice of plain numbers; who writes which of them is said at `write`.
#[allow(unsafe_code, reason = "the hand-over of rows to threads")]
unsafe impl Send for Target<'_> {}
// SAFETY: as above: no method reads or writes through a shared `Target` but `read` and `write`, see there.
#[allow(unsafe_code, reason = "the hand-over of rows to threads")]
unsafe impl Sync for Target<'_> {}

impl<'a> Target<'a> {
    /// Takes the caller's slice for as long as the shares run.
    pub fn new(values: &'a mut [f32]) -> Self {
        Target { start: values.as_mut_ptr(), len: values.len(), caller: PhantomData }
    }

    /// What follows index `at`.
    #[inline(always)]
    pub fn from(&self, at: usize) -> Target<'a> {
        assert!(at <= self.len, "a part of a target begins within it");
        Target { start: self.start.wrapping_add(at), len: self.len - at, caller: PhantomData }
    }

    /// Writes `values` from index `at` on.
    ///
    /// Everywhere in this crate a share writes only rows of its own range of the batch (or, in a team, only the leader
    /// writes), and the ranges come from one partition; rows do not overlap, because a row's place is its index times the
    /// row's width, plus a direction's own columns.
    #[allow(unsafe_code, reason = "the hand-over of rows to threads")]
    #[inline(always)]
    pub fn write(&self, at: usize, values: &[f32]) {
        assert!(at <= self.len && values.len() <= self.len - at, "rows of a target end within it");
        // SAFETY: inside the slice (asserted), which is borrowed exclusively for 'a and does not overlap `values`, a slice
        // of somebody's own buffer; no other thread reads or writes these values, as described above.
        unsafe {
            let (mut from, mut to, mut left) = (values.as_ptr(), self.start.add(at), values.len());
            // In pieces of known size: a call for each short row would cost more than the row.
            while left >= PIECE {
                std::ptr::copy_nonoverlapping(from, to, PIECE);
                (from, to, left) = (from.add(PIECE), to.add(PIECE), left - PIECE);
            }
            while left > 0 {
                *to = *from;
                (from, to, left) = (from.add(1), to.add(1), left - 1);
            }
        }
    }

    /// Reads values that this share has written, or that were there before.
    #[allow(unsafe_code, reason = "the hand-over of rows to threads")]
    #[inline(always)]
    pub fn read(&self, at: usize, values: &mut [f32]) {
        assert!(at <= self.len && values.len() <= self.len - at, "rows of a target end within it");
        // SAFETY: as in `write`.
        unsafe { std::ptr::copy_nonoverlapping(self.start.add(at), values.as_mut_ptr(), values.len()) }
    }
}

/// Some threads that work on one sequence together and meet after every step.
///
/// Nobody waits for a thread that has not come: who arrives before the first step begins takes part, who arrives later goes
/// home. So a busy pool, or a smaller one than asked for, costs speed and never a deadlock; and a thread that panics
/// releases the others.
pub(crate) struct Team {
    /// How many may take part.
    most: usize,
    /// Threads that came; `CLOSED` is added when it begins.
    came: AtomicUsize,
    /// Members, once it has begun.
    members: AtomicUsize,
    /// Members at the barrier.
    waiting: AtomicUsize,
    /// How often the barrier opened.
    round: AtomicUsize,
    /// A member panicked.
    broken: AtomicBool,
    /// What members show each other, two steps' worth: f32 by their bits.
    board: [Vec<AtomicU32>; 2],
}

const CLOSED: usize = usize::MAX / 2;

/// Looks before it yields: a barrier among running threads opens within a fraction of a microsecond. (A look is a pause of
/// 10 to 40 ns.)
const SPINS: u32 = 300;

/// One thread's place in a team.
pub(crate) struct Member<'a> {
    team: &'a Team,
    /// 0 is the leader.
    pub index: usize,
    /// Members in all.
    pub count: usize,
}

impl Team {
    /// For at most `most` threads that show each other `board` values a step.
    pub fn new(most: usize, board: usize) -> Self {
        let board = || (0..board).map(|_| AtomicU32::new(0)).collect();
        Team {
            most,
            came: AtomicUsize::new(0),
            members: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            board: [board(), board()],
        }
    }

    /// Runs `work` on this thread and on as many of rayon's current pool as come, up to the most.
    ///
    /// Nobody is waited for longer than `patience`: a sleeping thread takes some 50 µs to wake, a busy one may not come.
    pub fn gather(&mut self, patience: Duration, work: impl Fn(Member<'_>) + Sync) {
        // The leader itself.
        *self.came.get_mut() = 1;
        *self.members.get_mut() = 0;
        *self.waiting.get_mut() = 0;
        *self.round.get_mut() = 0;
        *self.broken.get_mut() = false;
        let (team, work) = (&*self, &work);
        let lead = || {
            let start = Instant::now();
            while team.came.load(Ordering::Acquire) < team.most && start.elapsed() < patience {
                spin_loop();
            }
            let count = team.came.fetch_add(CLOSED, Ordering::AcqRel);
            team.members.store(count, Ordering::Release);
            team.take_part(Member { team, index: 0, count }, work);
        };
        rayon::join(lead, || each(1..team.most, |_| team.join(work)));
    }

    fn join(&self, work: &(impl Fn(Member<'_>) + Sync)) {
        let index = self.came.fetch_add(1, Ordering::AcqRel);
        if index >= CLOSED {
            return;
        }
        let mut looks = 0;
        let count = loop {
            match self.members.load(Ordering::Acquire) {
                0 => pause(&mut looks),
                count => break count,
            }
        };
        self.take_part(Member { team: self, index, count }, work);
    }

    fn take_part(&self, member: Member<'_>, work: &(impl Fn(Member<'_>) + Sync)) {
        struct Release<'a>(&'a Team);
        impl Drop for Release<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.broken.store(true, Ordering::Release);
                }
            }
        }
        let _release = Release(self);
        work(member);
    }
}

fn pause(looks: &mut u32) {
    if *looks < SPINS {
        *looks += 1;
        spin_loop();
    } else {
        std::thread::yield_now();
    }
}

impl Member<'_> {
    /// Waits until all members have come here.
    ///
    /// # Panics
    /// If another member panicked: the computation cannot go on.
    pub fn meet(&self) {
        let Team { waiting, round, broken, .. } = self.team;
        let before = round.load(Ordering::Acquire);
        if waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.count {
            waiting.store(0, Ordering::Relaxed);
            round.store(before.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut looks = 0;
        while round.load(Ordering::Acquire) == before {
            assert!(!broken.load(Ordering::Acquire), "another thread of the team panicked");
            pause(&mut looks);
        }
    }

    /// Shows values to the others, to be read after the next meeting.
    pub fn show(&self, side: usize, at: usize, values: &[f32]) {
        for (place, value) in self.team.board[side][at..][..values.len()].iter().zip(values) {
            place.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Reads what was shown before the last meeting.
    pub fn see(&self, side: usize, at: usize, values: &mut [f32]) {
        for (place, value) in self.team.board[side][at..][..values.len()].iter().zip(values) {
            *value = f32::from_bits(place.load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_everything_in_order_and_differ_by_at_most_one() {
        for count in 1..50 {
            for shares in 1..20 {
                let ranges: Vec<_> = split(count, shares).collect();
                assert_eq!(ranges.len(), shares.min(count));
                assert_eq!(ranges.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
                let (low, high) = (ranges.iter().map(Range::len).min(), ranges.iter().map(Range::len).max());
                assert!(high.unwrap() - low.unwrap() <= 1 && low.unwrap() > 0, "{ranges:?}");
            }
        }
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn members_of_a_team_see_what_the_others_showed_before_each_meeting() {
        const STEPS: usize = if cfg!(miri) { 4 } else { 20 };
        for threads in 1..4 {
            let mut team = Team::new(3, 3);
            let met = AtomicUsize::new(0);
            pool(threads).install(|| {
                team.gather(Duration::from_millis(20), |member| {
                    for step in 0..STEPS {
                        let side = step % 2;
                        member.show(side, member.index, &[(step * 10 + member.index) as f32]);
                        member.meet();
                        let mut seen = [0.0; 3];
                        member.see(side, 0, &mut seen[..member.count]);
                        for (index, seen) in seen.iter().enumerate().take(member.count) {
                            assert_eq!(*seen, (step * 10 + index) as f32, "step {step}, {} members", member.count);
                        }
                    }
                    met.fetch_add(1, Ordering::Relaxed);
                });
            });
            assert!((1..=threads.min(3)).contains(&met.into_inner()));
        }
    }

    #[test]
    fn a_member_that_panics_releases_the_others_and_the_caller_learns_of_it() {
        // An interpreted panic takes ten seconds.
        for threads in if cfg!(miri) { 2..3 } else { 1..4 } {
            let mut team = Team::new(threads, 0);
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                pool(threads).install(|| {
                    team.gather(Duration::from_millis(20), |member| {
                        member.meet();
                        assert!(member.index + 1 < member.count, "the last member fails");
                        member.meet();
                    });
                });
            }));
            assert!(result.is_err(), "{threads} threads");
            // The team is as good as new.
            pool(threads).install(|| team.gather(Duration::from_millis(20), |member| member.meet()));
        }
    }

    #[test]
    fn shares_write_their_rows_side_by_side() {
        let mut values = vec![0.0; 40 * 20];
        let target = Target::new(&mut values);
        pool(3).install(|| {
            each(split(40, 3).collect::<Vec<_>>().into_iter(), |rows| {
                for row in rows {
                    target.write(row * 20, &[row as f32; 20]);
                    let mut read = [0.0; 3];
                    target.from(row * 20).read(17, &mut read);
                    assert_eq!(read, [row as f32; 3]);
                }
            });
        });
        for (index, value) in values.iter().enumerate() {
            assert_eq!(*value, (index / 20) as f32, "index {index}");
        }
    }
}
