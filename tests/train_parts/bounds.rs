//! Gradients within bounds, early stopping, several starts.

use gatewise::train::clip;
use gatewise::train::early::{EarlyStopping, Verdict, best_of};
use gatewise::{Error, Result};

use crate::{assert_close, message};

#[test]
fn a_norm_is_over_all_tensors() {
    let (mut first, mut second) = (vec![0.0; 20], vec![4.0, 0.0, 0.0]);
    first[17] = 3.0;
    assert_eq!(clip::norm(&[&first, &second]).unwrap(), 5.0);
    let before = clip::by_norm(&mut [&mut first, &mut second], 5.5).unwrap();
    assert_eq!((before, first[17], second[0]), (5.0, 3.0, 4.0));
    let before = clip::by_norm(&mut [&mut first, &mut second], 0.5).unwrap();
    assert_eq!(before, 5.0);
    assert_close("scaled", &[first[17], second[0]], &[0.3, 0.4], 1e-7);
    assert_eq!(clip::norm::<&[f32]>(&[]).unwrap(), 0.0);
}

#[test]
fn a_norm_takes_what_squares_to_more_than_an_f32() {
    let values = [f32::MAX; 4];
    assert_eq!(clip::norm(&[&values]).unwrap(), 2.0 * f64::from(f32::MAX));
}

#[test]
fn values_are_brought_between_their_bounds() {
    let mut values = [-3.0, -0.5, 0.0, 0.25, 7.0];
    clip::by_value(&mut [&mut values], 0.5).unwrap();
    assert_eq!(values, [-0.5, -0.5, 0.0, 0.25, 0.5]);
}

#[test]
fn a_gradient_that_is_no_number_is_told_and_left_alone() {
    for (odd, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let (mut first, mut second) = ([9.0; 3], [9.0, 9.0, odd]);
        let expected = format!("the gradient of tensor 1 is {name} at index 2: learning has diverged");
        assert_eq!(message(clip::by_norm(&mut [&mut first, &mut second], 1.0)), expected);
        assert_eq!(message(clip::by_value(&mut [&mut first, &mut second], 1.0)), expected);
        assert_eq!((first, &second[..2]), ([9.0; 3], &[9.0; 2][..]));
    }
    for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(clip::by_norm(&mut [], limit)).contains("expected a positive number"));
        assert!(message(clip::by_value(&mut [], limit as f32)).contains("expected a positive number"));
    }
}

#[test]
fn a_run_stops_when_its_patience_is_at_an_end() {
    let mut early = EarlyStopping::new(2, 0.1);
    let losses = [3.0, 2.0, 1.95, 1.85, 1.8, 1.76, 1.75];
    let verdicts: Vec<Verdict> =
        losses.iter().zip(0..).map(|(loss, epoch)| early.observe(epoch, *loss).unwrap()).collect();
    use Verdict::{Better, Stop, Wait};
    assert_eq!(verdicts, [Better, Better, Wait, Better, Wait, Stop, Stop]);
    let best = early.best().unwrap();
    assert_eq!((best.epoch, best.loss), (3, 1.85));
    assert_eq!(message(early.observe(7, f64::NAN)), "the loss of epoch 7 is NaN: learning has diverged");
    assert_eq!(early.best(), Some(best));
}

#[test]
fn the_best_start_is_kept() {
    let losses = [2.0, f64::NAN, 1.0, 1.0, f64::NEG_INFINITY, 3.0];
    let attempt = |seed: u64| -> Result<(f64, String)> { Ok((losses[seed as usize], format!("weights of {seed}"))) };
    let best = best_of(0..6, attempt).unwrap();
    assert_eq!((best.seed, best.loss, &best.outcome[..]), (2, 1.0, "weights of 2"));
    assert_eq!(message(best_of([1, 4], attempt)), "none of 2 seeds came to a finite loss");
    let broken = |_| -> Result<(f64, ())> { Err(Error::Io { reason: "gone".to_owned() }) };
    assert_eq!(message(best_of(0..2, broken)), "gone");
}
