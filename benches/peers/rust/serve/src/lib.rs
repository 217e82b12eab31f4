//! What every Rust peer does alike: reads a case, answers the requests on standard input, times the calls.

mod case;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

pub use case::{Case, Feeding, INFERENCE_ONLY, Layer, NOT_MEASURED, Pass};

/// Whatever went wrong, as a line for the asker.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A library that runs cases.
pub trait Peer: Sized {
    /// Makes ready: everything that a program does once.
    ///
    /// # Errors
    /// What the library cannot run, and why.
    fn load(case: &Case) -> Result<Self>;

    /// Runs the case once from zero states; y, and behind it the gradients of a case that learns.
    ///
    /// # Errors
    /// What the library says.
    fn outputs(&mut self) -> Result<Vec<f32>>;

    /// Runs the case once and leaves the result where the library has it: this is what is timed.
    ///
    /// # Errors
    /// What the library says.
    fn call(&mut self) -> Result<()>;
}

/// Answers the requests on standard input until there are no more: `load FOLDER Y_FILE`, `time SECONDS`, `quit`.
pub fn serve<P: Peer>() {
    let mut peer: Option<P> = None;
    for line in std::io::stdin().lock().lines() {
        let answer = match line {
            Ok(line) if line == "quit" => return,
            Ok(line) => answer(&mut peer, &line),
            Err(error) => Err(error.into()),
        };
        match answer {
            Ok(text) => println!("{text}"),
            Err(error) => println!("error: {}", error.to_string().replace('\n', " ")),
        }
        // Nobody reads any more: the next line will not come either.
        let _ = std::io::stdout().flush();
    }
}

fn answer<P: Peer>(peer: &mut Option<P>, line: &str) -> Result<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["load", folder, y_file] => {
            // The old one's memory is free before the new one takes its own.
            *peer = None;
            let mut loaded = P::load(&Case::read(Path::new(folder))?)?;
            let bytes: Vec<u8> = loaded.outputs()?.iter().flat_map(|value| value.to_le_bytes()).collect();
            std::fs::write(y_file, bytes)?;
            let took = timed(&mut loaded)?;
            *peer = Some(loaded);
            Ok(format!("ok {took:.0}"))
        }
        ["time", seconds] => {
            let peer = peer.as_mut().ok_or("no case is loaded")?;
            let (median, calls) = time(peer, seconds.parse::<f64>()? * 1e9)?;
            Ok(format!("ok {median:.0} {calls}"))
        }
        _ => Err(format!("{line}: expected load FOLDER Y_FILE, time SECONDS or quit").into()),
    }
}

/// The median time of calls that fill `least` nanoseconds together, and how many. The first fills the caches and does
/// not count, unless it takes as long alone.
fn time(peer: &mut impl Peer, least: f64) -> Result<(f64, usize)> {
    let first = timed(peer)?;
    if first >= least {
        return Ok((first, 1));
    }
    let (mut times, mut total) = (Vec::new(), 0.0);
    while total < least {
        let took = timed(peer)?;
        total += took;
        times.push(took);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], times.len()))
}

fn timed(peer: &mut impl Peer) -> Result<f64> {
    let start = Instant::now();
    peer.call()?;
    // A clock may be coarser than a call.
    Ok((start.elapsed().as_nanos() as f64).max(1.0))
}
