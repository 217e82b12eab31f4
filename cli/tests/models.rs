//! Models of every format as processes: run, converted, inspected, refused.

#[path = "models/alone.rs"]
mod alone;
#[path = "models/cases.rs"]
mod cases;
mod common;
#[path = "models/convert.rs"]
mod convert;
#[path = "models/decode.rs"]
mod decode;
#[path = "models/fixtures.rs"]
mod fixtures;
#[path = "models/made.rs"]
mod made;
#[path = "models/npy.rs"]
mod npy;
#[path = "models/outlines.rs"]
mod outlines;
#[path = "models/pages.rs"]
mod pages;
#[path = "models/refused.rs"]
mod refused;
#[path = "models/sound.rs"]
mod sound;
#[path = "models/trained.rs"]
mod trained;
