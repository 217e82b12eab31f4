#![no_main]
#![allow(missing_docs, reason = "the function says what it does")]

use gatewise_fuzz_readers::{outline, let_readers_catch_panics};

libfuzzer_sys::fuzz_target!(init: let_readers_catch_panics(), |bytes: &[u8]| outline(bytes));
