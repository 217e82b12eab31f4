//! "I stay in India … I speak Hindi": sentences whose last word depends on one that was said long before.

use gatewise::Result;
use gatewise::activation::{Activation, Finish};
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Output, Recurrent};
use gatewise::train::{Dataset, Initial, Random, Steps, Wanted};

use super::cells::Cell;

/// Countries, each with its language.
pub const COUNTRIES: [(&str, &str); 8] = [
    ("India", "Hindi"),
    ("France", "French"),
    ("Japan", "Japanese"),
    ("Greece", "Greek"),
    ("Finland", "Finnish"),
    ("Poland", "Polish"),
    ("Turkey", "Turkish"),
    ("Iran", "Persian"),
];

/// What stands between, drawn word by word.
pub const FILLERS: [&str; 16] = [
    "and", "my", "sister", "often", "reads", "about", "rivers", "while", "we", "cook", "rice", "near", "the", "old",
    "station", "today",
];

/// The other words.
const FRAME: [&str; 4] = ["I", "stay", "in", "speak"];

/// Different words; their ids are in the order countries, fillers, frame.
pub const WORDS: usize = COUNTRIES.len() + FILLERS.len() + FRAME.len();

/// Sentences `I stay in COUNTRY … I speak`, with as many words between as `gaps` says, one of its numbers at random, and
/// the number of the language that comes next.
pub fn sentences(count: usize, gaps: std::ops::RangeInclusive<usize>, random: &mut Random) -> Dataset {
    let steps = gaps.end() + 6;
    let (mut ids, mut languages, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let country = random.below(COUNTRIES.len() as u64) as usize;
        let gap = gaps.start() + random.below((gaps.end() - gaps.start() + 1) as u64) as usize;
        let frame = |word: usize| COUNTRIES.len() + FILLERS.len() + word;
        let mut sentence = vec![frame(0), frame(1), frame(2), country];
        sentence.extend((0..gap).map(|_| COUNTRIES.len() + random.below(FILLERS.len() as u64) as usize));
        sentence.extend([frame(0), frame(3)]);
        lengths.push(sentence.len());
        sentence.resize(steps, 0);
        ids.extend(sentence.into_iter().map(|id| id as i64));
        languages.push(country as i64);
    }
    Dataset { x: Steps::Ids(ids), wanted: Wanted::Classes(languages), lengths, steps }
}

/// Words as vectors, a cell, and a softmax over the languages (left to the loss).
pub fn model(cell: Cell, initial: Initial, hidden: usize, random: &mut Random) -> Result<Blueprint> {
    let width = 16;
    let words = Initial::Torch.embedding(WORDS, width, random)?;
    let mut recurrent = Recurrent::forward(cell.draw(initial, width, hidden, random)?);
    recurrent.output = Output::Last;
    let head = initial.dense(hidden, COUNTRIES.len(), Finish::Each(Activation::Identity), random)?;
    let layers = vec![
        Layer::new("words", Operation::Embedding(words)),
        Layer::new("cell", Operation::Recurrent(Box::new(recurrent))),
        Layer::new("language", Operation::Dense(head)),
    ];
    Ok(Blueprint { layers, ..Blueprint::default() })
}
