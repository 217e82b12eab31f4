//! What `gatewise check --help` says about sheets.

pub const HELP: &str = r#"A sheet is a TOML file: a cell, its weights, and for every step the input and your own numbers.

  title = "Worked example"        # optional
  cell = "lstm"                   # lstm, gru or rnn

  [weights.forget]                # one table a gate
  h = 2.70                        # weight of the previous hidden state
  x = 1.63                        # weight of the input
  b = 1.62                        # bias; 0 if left out
  [weights.input]
  h = 2.00
  x = 1.65
  b = 0.62
  [weights.candidate]
  h = 1.41
  x = 0.94
  b = -0.32
  [weights.output]
  h = 4.38
  x = -0.19
  b = 0.59

  [start]                         # the state before step 0; zeros if left out
  h = 1
  c = 2

  [[step]]                        # one for every time step
  x = 1
  [step.values]                   # your numbers, as many or as few as you like
  f = 1.00
  "f·c⁻" = 1.99                   # or fc, or "f*c-"
  c = 2.95
  h = 0.99

Write as many decimals as you calculated with: they are what is checked. 1.00 and 1 are not the same, since 1 says only
"between 0.5 and 1.5". A number may stand in quotes; "?" is a gap.

Sizes: with one unit and one feature every weight is a number. With H units and I features, h is H lists of H numbers and x is
H lists of I numbers, a row for the unit that listens; b and p are lists of H, x of a step is a list of I, and every value
of yours is a list of H: f = [0.52, "?", 0.91]. Units, features and steps count from 0.

Gates and options of each cell:
  lstm  [weights.forget] [weights.input] [weights.candidate] [weights.output], each with h, x, b; all but the candidate may
        have a peephole p (the output gate's sees the new cell state)
        coupling = "forget-is-one-minus-input" or "input-is-one-minus-forget"; that gate has no weights then
  gru   [weights.reset] [weights.update] [weights.candidate]; bh in the candidate is a second bias beside h
        reset = "after" (default: r·(R h⁻ + bh)) or "before" (R (r·h⁻))
        update = "keeps-old" (default: h = z·h⁻ + (1−z)·n) or "writes-new" (h = (1−z)·h⁻ + z·n)
  rnn   [weights] itself has h, x, b
        nonlinearity = "tanh" (default) or "relu"

Names of the quantities:
  lstm  z_f f f·c⁻ z_g g z_i i i·g c tanh(c) z_o o h      (z_… is the sum before σ or tanh; g may be called c~ or c_tilde)
  gru   z_r r z_z z z_n n 1−z h, and between them
        r·h⁻ (reset before), R_n·h⁻ and r·(R_n·h⁻) (reset after; with bh: R_n·h⁻+b_rn and r·(R_n·h⁻+b_rn)),
        z·h⁻ and (1−z)·n (keeps-old), (1−z)·h⁻ and z·n (writes-new); n may be called h~ or h_tilde
  rnn   z h                                               (h may be called s)
A name with signs stands in quotes. The signs · * ( ) ⁻ − and blanks may be left out: fc, tanhc, 1z. So may underscores, and
the words of the table work too: "forget gate", cell_state.

Verdicts:
  ✓  right: what the exact value rounds to (halfway, both neighbours are right). A number that was cut instead of rounded
     counts as right, with a note.
  ~  rounded early: not what the exact value rounds to, but what comes of the rounded numbers above it. This counts as no
     mistake.
  ✗  wrong. For the first wrong line the usual mistakes are tried, and those that give your number are named.
  ↳  follows: correctly computed from a wrong number above, or wrong by the same mistake.

Exit status: 0 nothing is wrong, 1 something is, 2 the sheet cannot be read."#;
