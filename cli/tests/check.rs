//! `gatewise check` as a process: sheets in, verdicts, explanations and exit codes out.

#[path = "check/bad_sheets.rs"]
mod bad_sheets;
#[path = "check/gru_slips.rs"]
mod gru_slips;
#[path = "check/lstm_slips.rs"]
mod lstm_slips;
#[path = "check/sheets.rs"]
mod sheets;
#[path = "check/unit_slips.rs"]
mod unit_slips;
#[path = "check/verdicts.rs"]
mod verdicts;
