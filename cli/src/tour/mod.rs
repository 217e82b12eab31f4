//! `gatewise tour`: the worked example by hand and by the kernel, the two stories, and a timed batch.

mod example;
mod timing;

use anyhow::Result;

use crate::text;

pub fn run() -> Result<()> {
    text::print(&example::worked_example()?)?;
    text::print(&example::stories()?)?;
    timing::print()
}
