//! The corpus of every fuzz target, with all files that once broke a reader: none does now, each within its time and memory.
//! A counting allocator watches.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gatewise_fuzz_readers::{TARGETS, Target};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// A second on a machine that has nothing else to do.
const TIME: Duration = Duration::from_secs(5);

/// Of all that is allocated for a file, freed or not: no less than is held at any time.
const BYTES: usize = 200_000_000;

/// The only test of this file: another one's allocations, on another thread, would be counted too.
#[test]
fn every_file_of_the_corpus_is_read_or_refused_within_its_time_and_memory() {
    for (name, target) in TARGETS.iter().copied() {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name}: no corpus");
        let begun = Instant::now();
        files.iter().for_each(|file| replay(target, file));
        println!("{name}: {} files in {:?}", files.len(), begun.elapsed());
    }
    // The counter counts: otherwise the test above could not fail by it.
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(vec![0u8; 100]));
    assert!(region.change().bytes_allocated >= 100, "the counting allocator is not in place");
}

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[track_caller]
fn replay(target: Target, file: &Path) {
    let shown = file.display();
    let bytes = std::fs::read(file).unwrap();
    let (region, begun) = (Region::new(ALLOCATOR), Instant::now());
    let survived = catch_unwind(|| target(&bytes)).is_ok();
    let (time, allocated) = (begun.elapsed(), region.change().bytes_allocated);
    assert!(survived, "{shown}: a panic");
    assert!(time < TIME, "{shown}: {time:?}");
    assert!(allocated < BYTES, "{shown}: {allocated} bytes");
}
