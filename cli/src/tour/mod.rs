//! `gatewise tour`: the worked example by hand and by the kernel, the two stories, a timed batch, and spoken sentences.

mod example;
mod speech;
mod timing;

use anyhow::Result;

use crate::text;

pub fn run() -> Result<()> {
    text::print(&example::worked_example()?)?;
    text::print(&example::stories()?)?;
    timing::print()?;
    speech::print()
}
