#![no_main]
#![allow(missing_docs, reason = "the function says what it does")]

use gatewise_fuzz_readers::{let_readers_catch_panics, sound};

libfuzzer_sys::fuzz_target!(init: let_readers_catch_panics(), |bytes: &[u8]| sound(bytes));
