//! Greedy decoding: a network that is fed its own most likely symbol, as a translator or a speller is used.

use std::borrow::Borrow;

use super::flow::Rows;
use super::packed::Network;
use super::session::NetworkSession;
use crate::error::{Error, Result};

/// How a sequence of symbols begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greedy {
    /// The symbol that is fed first.
    pub start: i64,
    /// The symbol that ends a sequence; it is not part of the result.
    pub stop: i64,
    /// The most symbols of a sequence.
    pub most: usize,
}

impl Greedy {
    /// Feeds each sequence of `session` its start symbol, then always the most likely symbol of the step before (the first of
    /// equals), until the stop symbol or `most` symbols; returns what was said between, a list for each sequence.
    ///
    /// The network takes ids and gives a score for each symbol; its states are where the session stands, such as an
    /// encoder's last ones.
    ///
    /// # Errors
    /// [`Error::Model`] if the network does not take ids, gives fewer symbols than it takes, or does not
    /// [stream](Network::streams); for a start symbol out of range.
    pub fn decode<N: Borrow<Network>>(self, session: &mut NetworkSession<N>) -> Result<Vec<Vec<i64>>> {
        let (input, output) = (session.network().input(), session.network().output());
        let (Rows::Ids(count), Rows::Features(scores)) = (input.rows, output.rows) else {
            let message =
                format!("decoding feeds symbols back: expected a network from ids to scores, found one from {input}");
            return Err(Error::Model { message });
        };
        if scores > count {
            let message = format!("decoding feeds symbols back: {scores} scores, but ids below {count} are taken");
            return Err(Error::Model { message });
        }
        let mut said = vec![Vec::new(); session.batch()];
        let (mut symbols, mut running) = (vec![self.start; session.batch()], vec![true; session.batch()]);
        for _ in 0..self.most {
            let rows = session.step(&symbols)?.chunks_exact(scores);
            for (sequence, row) in rows.enumerate() {
                if !running[sequence] {
                    continue;
                }
                symbols[sequence] = most_likely(row);
                running[sequence] = symbols[sequence] != self.stop;
                if running[sequence] {
                    said[sequence].push(symbols[sequence]);
                }
            }
            if !running.contains(&true) {
                break;
            }
        }
        Ok(said)
    }
}

/// The place of the largest score, the first of equals.
fn most_likely(scores: &[f32]) -> i64 {
    let first_larger = |best: usize, (place, score): (usize, &f32)| if *score > scores[best] { place } else { best };
    scores.iter().enumerate().fold(0, first_larger) as i64
}
