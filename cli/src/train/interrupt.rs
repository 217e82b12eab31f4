//! Ctrl-C: the first one asks the run to stop behind the batch that it is in, a second one ends it there and then.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit status of what Ctrl-C ended, as shells count it: 128 and the signal's number.
pub const STATUS: u8 = 130;

/// Begins to listen.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            // What is on the disk is whole: files take their places when they are written.
            std::process::exit(i32::from(STATUS));
        }
    })
    .context("cannot listen to Ctrl-C")
}

/// Whether somebody pressed it.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
