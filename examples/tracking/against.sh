#!/usr/bin/env bash
# Is this commit slower than another one? Builds both and times them in turn: against.sh COMMIT [CASES.toml]
# Ends with status 1 if a case takes longer by more than LIMIT per cent (3).
set -euo pipefail
base=${1:?"usage: against.sh COMMIT [CASES.toml]"}
cases=${2:-examples/tracking/cases.toml}
work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT

git worktree add --quiet --detach "$work/base" "$base"
cargo build --release --package gatewise-cli
# A target folder of its own: two checkouts that share one overwrite each other's programs.
(cd "$work/base" && CARGO_TARGET_DIR=$work/target cargo build --release --package gatewise-cli)

target/release/gatewise bench --cases "$cases" --against "$work/target/release/gatewise" \
    --limit "${LIMIT:-3}" --html "${REPORT:-report.html}"
