//! How much of a state is still felt some steps later.

use gatewise::network::blueprint::{Blueprint, Layer, Operation, Recurrent};
use gatewise::train::{Batch, Learner, Options, Upstream};
use gatewise::{Layout, Result, Weights};

/// `log₁₀ (‖∂h_T/∂h_{T−k}‖ / √H)` for every lag k from 0 to T: Frobenius' norm, divided by the identity's, so that it
/// begins at 0. `x` is T steps of one sequence, which begins at zeros; c_{T−k} is held, what follows it is not.
///
/// All rows of the Jacobian go back side by side, as a batch of H sequences with the same inputs: row i begins with the
/// gradient of h_T[i]. It is scaled to 1 after each step, and the scale kept as a logarithm: products of that many factors
/// leave the range of f32.
pub fn log_norms(weights: &Weights, x: &[f32]) -> Result<Vec<f64>> {
    let (input, hidden) = (weights.input_size(), weights.output_size());
    let layers = vec![Layer::new("cell", Operation::Recurrent(Box::new(Recurrent::forward(weights.clone()))))];
    let mut learner = Learner::new(Blueprint { layers, ..Blueprint::default() }, Options::default())?;

    let mut state = (vec![0.0; hidden], vec![0.0; weights.cell_size()]);
    let mut moments = Vec::new();
    for x in x.chunks_exact(input) {
        let (h, c) = &state;
        let after =
            learner.forward(&Batch { hidden: Some(h), cell: Some(c), ..Batch::new(x, Layout::TimeMajor, 1) })?;
        let after = (after.hidden.clone(), after.cell.clone());
        moments.push((x, std::mem::replace(&mut state, after)));
    }

    let mut d_hidden: Vec<f32> = (0..hidden * hidden).map(|at| f32::from(at % (hidden + 1) == 0)).collect();
    let mut d_cell = vec![0.0; hidden * weights.cell_size()];
    let (mut scale, mut logs) = (0.0, vec![0.0]);
    for (x, (h, c)) in moments.iter().rev() {
        let (x, h, c) = (x.repeat(hidden), h.repeat(hidden), c.repeat(hidden));
        let rows = Batch::new(&x[..], Layout::TimeMajor, hidden);
        learner.forward(&Batch { hidden: Some(&h), cell: Some(&c), ..rows })?;
        let down = learner.backward(Upstream { hidden: &d_hidden, cell: &d_cell, y: &[] })?;
        let felt = norm(&down.hidden, &[]) / (hidden as f64).sqrt();
        logs.push(scale + felt.log10());
        let whole = norm(&down.hidden, &down.cell);
        scale += whole.log10();
        d_hidden = down.hidden.iter().map(|d| (f64::from(*d) / whole) as f32).collect();
        d_cell = down.cell.iter().map(|d| (f64::from(*d) / whole) as f32).collect();
    }
    Ok(logs)
}

fn norm(h: &[f32], c: &[f32]) -> f64 {
    h.iter().chain(c).map(|d| f64::from(*d).powi(2)).sum::<f64>().sqrt()
}
