//! Threads: two sessions at once, calls from inside a pool, a pool of one, more threads than cores, a panic next door. Never
//! a deadlock (a watchdog says so), always the same bits.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use gatewise::{Layout, Level, Merge, Model};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::common::jobs::{Found, Job, Lengths};
use crate::common::networks::{Kind, Plan, Twin, Ways};

/// Fails after a minute instead of hanging for ever; what hangs goes down with the process.
fn watched(what: &'static str, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: no end after a minute, a deadlock"),
        // Done, or it panicked: then the panic goes on here.
        _ => worker.join().unwrap_or_else(|panic| resume_unwind(panic)),
    }
}

/// Work large enough for threads, and what one thread makes of it.
struct Work {
    name: &'static str,
    model: Model,
    job: Job,
    expected: Found<f32>,
}

impl Work {
    fn new(name: &'static str, plan: &Plan, steps: usize, batch: usize, lengths: Lengths) -> Self {
        let twin = Twin::new(plan, 7);
        let model = twin.model(Level::best());
        let job = Job::random(&twin, steps, batch, lengths, 8);
        let expected = job.run(&model, 1);
        Work { name, model, job, expected }
    }

    fn check(&self, threads: usize, what: &str) {
        for layout in [Layout::TimeMajor, Layout::BatchFirst] {
            let found = self.job.run_in(&self.model, threads, layout);
            found.assert_same_bits(&self.expected, || format!("{}, {threads} threads, {layout:?}, {what}", self.name));
        }
    }
}

/// Every way in which threads share work: rows, hidden units, directions, layers.
fn all_work() -> Vec<Work> {
    let both = |merge| Ways::Both(merge);
    let one = |kind, hidden| Plan::one(kind, 20, hidden);
    vec![
        Work::new("rows", &one(Kind::Lstm, 64), 20, 33, Lengths::Equal),
        Work::new("ragged rows", &one(Kind::GruBefore, 64), 30, 33, Lengths::Ragged),
        Work::new(
            "rows of a projected stack",
            &Plan::stack(Kind::Projected, 9, 40, 3, Ways::Forward),
            90,
            9,
            Lengths::Ragged,
        ),
        Work::new("hidden units, H 256", &one(Kind::Lstm, 256), 40, 1, Lengths::Equal),
        Work::new("hidden units, H 301", &one(Kind::GruAfter, 301), 40, 1, Lengths::Equal),
        Work::new(
            "hidden units, two layers",
            &Plan::stack(Kind::Peephole, 9, 270, 2, Ways::Forward),
            70,
            1,
            Lengths::Equal,
        ),
        Work::new("hidden units, ragged rows", &one(Kind::RnnTanh, 700), 12, 5, Lengths::Ragged),
        Work::new(
            "hidden units of both directions",
            &Plan::stack(Kind::Lstm, 9, 260, 1, both(Merge::Sum)),
            30,
            1,
            Lengths::Equal,
        ),
        Work::new("directions", &Plan::stack(Kind::Lstm, 60, 256, 2, both(Merge::Concat)), 20, 8, Lengths::Equal),
        Work::new(
            "directions, merged and ragged",
            &Plan::stack(Kind::GruAfter, 9, 50, 2, both(Merge::Mul)),
            300,
            1,
            Lengths::Equal,
        ),
        Work::new("layers", &Plan::stack(Kind::Lstm, 30, 64, 3, Ways::Forward), 500, 1, Lengths::Equal),
        Work::new("layers, not of one kind", &mixed(), 321, 1, Lengths::Equal),
    ]
}

fn mixed() -> Plan {
    let layers = [(Kind::GruBefore, 60), (Kind::Projected, 71), (Kind::RnnRelu, 50), (Kind::Lstm, 33)];
    Plan { input: 9, layers: layers.map(|(kind, hidden)| (kind, hidden, Ways::Forward)).to_vec(), scale: 1.0 }
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn every_number_of_threads_gives_the_bits_of_one() {
    watched("threads in pools of 1 to 8", || {
        let all = all_work();
        for size in [1, 2, 3, 8] {
            pool(size).install(|| {
                for work in &all {
                    for threads in [2, 3, 4, 8] {
                        work.check(threads, &format!("in a pool of {size}"));
                    }
                }
            });
        }
    });
}

#[test]
fn two_sessions_at_once_give_the_bits_of_one() {
    watched("two sessions at once", || {
        let all = all_work();
        // Each beside itself and beside its neighbour, on the global pool.
        thread::scope(|scope| {
            for offset in [0, 1] {
                let all = &all;
                scope.spawn(move || {
                    for index in 0..2 * all.len() {
                        all[(index + index / all.len() * offset) % all.len()].check(2, "beside another session");
                    }
                });
            }
        });
    });
}

#[test]
fn calls_from_inside_a_pool_give_the_bits_of_one() {
    watched("calls from inside a pool", || {
        let all = Arc::new(all_work());
        for size in [1, 2, 4] {
            let pool = pool(size);
            let what = format!("inside a pool of {size}");
            for (work, next) in all.iter().zip(all.iter().cycle().skip(1)) {
                pool.install(|| work.check(4, &what));
                pool.join(|| work.check(2, &what), || next.check(4, &what));
                pool.scope(|scope| {
                    for _ in 0..3 {
                        scope.spawn(|_| work.check(2, &what));
                    }
                });
            }
        }
    });
}

#[test]
fn a_panic_in_somebody_elses_task_harms_nobody() {
    watched("panics next door", || {
        let all = Arc::new(all_work());
        let pool = Arc::new(pool(3));
        for work in all.iter() {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                pool.join(|| work.check(3, "beside a panic"), || resume_unwind(Box::new("the caller's own")))
            }));
            assert!(caught.is_err(), "{}: the caller's panic was lost", work.name);
            // A panic in the work itself would have come first: the work again, on its own.
            pool.install(|| work.check(3, "after a panic"));
        }
        // From another thread, all the time.
        let (stop, stopped) = mpsc::channel::<()>();
        let neighbour = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                let mut panics = 0;
                while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                    let task = || pool.scope(|scope| scope.spawn(|_| resume_unwind(Box::new("the neighbour's"))));
                    panics += usize::from(catch_unwind(AssertUnwindSafe(task)).is_err());
                }
                panics
            })
        };
        for work in all.iter() {
            pool.install(|| work.check(3, "beside a neighbour that panics"));
        }
        drop(stop);
        assert!(neighbour.join().unwrap() > 0, "the neighbour never panicked");
    });
}

#[test]
fn sessions_are_made_and_run_on_different_threads() {
    watched("sessions that move", || {
        let work = Arc::new(Work::new("a session that moves", &Plan::one(Kind::Lstm, 20, 256), 40, 1, Lengths::Equal));
        let model = Arc::new(work.model.clone());
        let mut session = gatewise::Session::new(model, 1).unwrap().with_threads(2);
        for _ in 0..3 {
            let work = Arc::clone(&work);
            session = thread::spawn(move || {
                session.set_state(&work.job.h0, &work.job.c0).unwrap();
                let mut y = vec![f32::NAN; work.expected.y.len()];
                session.run(&work.job.x, Layout::TimeMajor, &mut y).unwrap();
                crate::common::assert_same_bits(&y, &work.expected.y, || "a session that moves".to_owned());
                session
            })
            .join()
            .unwrap();
        }
    });
}
