//! One call under valgrind's callgrind.

use std::env;
use std::process::Command;

use gatewise::Level;

/// The argument of a process that is counted, before the kernel and the level.
pub const CHILD: &str = "--call";

/// What valgrind calls itself; `None` where it is not installed.
pub fn version() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The only function whose instructions count, with all that it calls.
#[inline(never)]
pub fn counted_call(call: &mut dyn FnMut()) {
    call();
}

/// The instructions of one call.
pub fn count(kernel: &str, level: Level) -> Result<u64, String> {
    let told = |error: &dyn std::fmt::Display| format!("{kernel} {level}: {error}");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--toggle-collect=*counted_call*", "--callgrind-out-file=/dev/null"]);
    // Variables lie at the top of the stack: more of them would move what lies below.
    command.env_clear().envs(env::vars_os().filter(|(name, _)| name == "PATH"));
    let program = env::current_exe().map_err(|error| told(&error))?;
    let output = command.arg(program).args([CHILD, kernel, level.name()]).output().map_err(|error| told(&error))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // `==123== Collected : 4567`
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match collected {
        Some(instructions) if output.status.success() && instructions > 0 => Ok(instructions),
        _ => Err(told(&format!("valgrind ended with {} and no count:\n{said}", output.status))),
    }
}
