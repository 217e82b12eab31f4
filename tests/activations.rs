//! Sigmoid and tanh against f64: within 2 ulp of the correctly rounded result on every level.

use std::ops::Range;

use gatewise::{Level, Result, activation};

/// What is tested: a name, the vectorised function, and the same in f64.
struct Function {
    name: &'static str,
    vector: fn(Level, &mut [f32]) -> Result<()>,
    exact: fn(f64) -> f64,
}

const SIGMOID: Function =
    Function { name: "sigmoid", vector: activation::sigmoid, exact: |x| 1.0 / (1.0 + (-x).exp()) };
const TANH: Function = Function { name: "tanh", vector: activation::tanh, exact: f64::tanh };

#[test]
fn sigmoid_is_within_two_ulp_on_a_dense_sample_of_all_floats() {
    sample(&SIGMOID);
}

#[test]
fn tanh_is_within_two_ulp_on_a_dense_sample_of_all_floats() {
    sample(&TANH);
}

/// All 2³² inputs: about a minute on two cores in a release build (`cargo test --release -- --ignored`).
#[test]
#[ignore = "all 2^32 inputs: about a minute in a release build; the landing gate runs it"]
fn sigmoid_is_within_two_ulp_for_every_float() {
    every(&SIGMOID);
}

/// All 2³² inputs, as above.
#[test]
#[ignore = "all 2^32 inputs: about a minute in a release build; the landing gate runs it"]
fn tanh_is_within_two_ulp_for_every_float() {
    every(&TANH);
}

#[test]
fn special_values_are_right_on_every_level() {
    let (nan, infinity, tiny) = (f32::NAN, f32::INFINITY, f32::from_bits(1));
    for level in levels() {
        let mut x = [infinity, -infinity, nan, 0.0, -0.0, tiny, -tiny, -100.0, 1e30, -1e30];
        activation::sigmoid(level, &mut x).unwrap();
        assert_eq!(x[0], 1.0, "{level}: σ(∞)");
        assert_eq!(x[1].to_bits(), 0, "{level}: σ(−∞)");
        assert!(x[2].is_nan(), "{level}: σ(NaN) = {}", x[2]);
        assert_eq!(x[3..7], [0.5; 4], "{level}: σ(±0), σ(±tiny)");
        assert!(x[7] > 0.0 && x[7] < f32::MIN_POSITIVE, "{level}: σ(−100) is subnormal, got {:e}", x[7]);
        assert_eq!(x[8..], [1.0, 0.0], "{level}: σ(±1e30)");

        let mut x = [infinity, -infinity, nan, 0.0, -0.0, tiny, -tiny, 1e30, -1e30];
        activation::tanh(level, &mut x).unwrap();
        assert_eq!(x[..2], [1.0, -1.0], "{level}: tanh(±∞)");
        assert!(x[2].is_nan(), "{level}: tanh(NaN) = {}", x[2]);
        let bits = [0.0, -0.0, tiny, -tiny].map(f32::to_bits);
        assert_eq!(x[3..7].iter().map(|v| v.to_bits()).collect::<Vec<_>>(), bits, "{level}: tanh(±0), tanh(±tiny)");
        assert_eq!(x[7..], [1.0, -1.0], "{level}: tanh(±1e30)");
    }
}

#[test]
fn tanh_is_odd_to_the_bit() {
    for level in levels() {
        let mut positive: Vec<f32> = (0..40_000).map(|n| n as f32 * 3e-4).collect();
        let mut negative: Vec<f32> = positive.iter().map(|x| -x).collect();
        activation::tanh(level, &mut positive).unwrap();
        activation::tanh(level, &mut negative).unwrap();
        for (p, n) in positive.iter().zip(&negative) {
            assert_eq!(p.to_bits(), (-n).to_bits(), "{level}: {p} and {n}");
        }
    }
}

#[test]
fn any_length_is_computed_whole_and_nothing_beside_it() {
    for level in levels() {
        for length in 0..50 {
            let mut x = vec![0.3f32; length + 1];
            activation::tanh(level, &mut x[..length]).unwrap();
            assert!(x[..length].iter().all(|v| (v - 0.291_312_6).abs() < 1e-6), "{level}, {length}: {x:?}");
            assert_eq!(x[length], 0.3, "{level}: wrote past {length}");
        }
    }
}

#[test]
fn avx2_and_avx512_give_the_same_bits() {
    if !Level::Avx512.is_available() {
        eprintln!("SKIPPED: this machine has no AVX-512");
        return;
    }
    for function in [&SIGMOID, &TANH] {
        let x: Vec<f32> = (0..u32::MAX).step_by(7_919).map(f32::from_bits).collect();
        let [mut narrow, mut wide] = [x.clone(), x.clone()];
        (function.vector)(Level::Avx2, &mut narrow).unwrap();
        (function.vector)(Level::Avx512, &mut wide).unwrap();
        for ((a, b), x) in narrow.iter().zip(&wide).zip(&x) {
            assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{}({x:e}): {a:e}, {b:e}", function.name);
        }
    }
}

fn levels() -> Vec<Level> {
    for level in Level::ALL.into_iter().filter(|level| !level.is_available()) {
        eprintln!("SKIPPED: this machine has no {level}");
    }
    Level::available().collect()
}

/// Every 997th float, and every float of a stretch around 1.
fn sample(function: &Function) {
    let mut room = Room::default();
    room.check(function, (0..u32::MAX / 997).map(|n| n * 997));
    let from = 0.9f32.to_bits();
    room.check(function, from..from + 200_000);
}

fn every(function: &Function) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    // What is checked at once stays in the caches.
    const CHUNK: u64 = 1 << 14;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut room = Room::default();
                for start in (thread * CHUNK..1 << 32).step_by((threads * CHUNK) as usize) {
                    let range: Range<u64> = start..start + CHUNK;
                    room.check(function, range.map(|bits| bits as u32));
                }
            });
        }
    });
}

/// Inputs, what is right for them, and what came out.
#[derive(Default)]
struct Room {
    x: Vec<f32>,
    expected: Vec<f32>,
    got: Vec<f32>,
}

impl Room {
    fn check(&mut self, function: &Function, inputs: impl Iterator<Item = u32>) {
        let Room { x, expected, got } = self;
        x.clear();
        x.extend(inputs.map(f32::from_bits));
        expected.clear();
        expected.extend(x.iter().map(|x| (function.exact)(f64::from(*x)) as f32));
        for level in Level::available() {
            got.clone_from(x);
            (function.vector)(level, got).unwrap();
            // One number for all of them, which the compiler makes of many at once; where it is too large, they are told apart.
            let far = got.iter().zip(&*expected).map(|(got, expected)| ulp(*got, *expected)).fold(0, u32::max);
            if far > 2 {
                told_apart(function, level, x, expected, got);
            }
        }
    }
}

/// Fails with the worst of some results of which one is too far off.
fn told_apart(function: &Function, level: Level, x: &[f32], expected: &[f32], got: &[f32]) {
    let worst = (0..x.len()).max_by_key(|&index| ulp(got[index], expected[index])).unwrap();
    let (name, x, got, expected) = (function.name, x[worst], got[worst], expected[worst]);
    panic!("{level}: {name}({x:e} = {:#x}) = {got:e} is {} ulp off {expected:e}", x.to_bits(), ulp(got, expected));
}

/// Steps between two floats: none between NaNs, and very many between a NaN and a number.
fn ulp(a: f32, b: f32) -> u32 {
    // Negative ones count down from −0.
    let ordered = |x: f32| {
        let (bits, sign) = (x.to_bits() as i32, (x.to_bits() as i32) >> 31);
        (bits & 0x7fff_ffff ^ sign) - sign
    };
    let steps = ordered(a).abs_diff(ordered(b));
    match (a.is_nan(), b.is_nan()) {
        (false, false) => steps,
        (true, true) => 0,
        _ => u32::MAX,
    }
}
