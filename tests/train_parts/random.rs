//! Numbers of chance: those of an independent ChaCha, from any place on.

use gatewise::train::random::Random;
use proptest::prelude::*;

use crate::message;

#[test]
fn the_words_are_those_of_chacha8() {
    let mut random = Random::new(42);
    let words = [(); 4].map(|()| random.bits32());
    assert_eq!(words, [0x198f_a887, 0x5927_3471, 0x169d_f72b, 0x4923_8aa4]);
}

#[test]
fn a_key_has_four_words_and_a_place_goes_past_a_buffer() {
    let mut random: Random = "chacha8 1 2 3 fedcba9876543210 62".parse().unwrap();
    assert_eq!([(); 2].map(|()| random.bits64()), [0x7304_f049_5ff3_c502, 0x9e7a_16a2_76fe_7f74]);
}

#[test]
fn units_and_normals_are_those_of_the_formulas() {
    let mut random = Random::new(42);
    let units = [(); 3].map(|()| random.unit());
    assert_eq!(units, [0.3482544685480763, 0.28569857126296205, 0.4934724642416646]);
    let mut random = Random::new(42);
    let expected: [f64; 3] = [-0.20581220180265158, -0.787086554992876, 1.7046563129953871];
    for expected in expected {
        let normal = random.normal();
        assert!((normal - expected).abs() < 1e-15, "{normal}, expected {expected}");
    }
}

#[test]
fn whole_numbers_and_orders_are_those_of_the_formulas() {
    let mut random = Random::new(42);
    let expected = [4818120790374071909, 3952656319734249824, 6827220191466581176, 5089811192136546601];
    assert_eq!([(); 4].map(|()| random.below(3 << 62)), expected);
    let mut values: Vec<u32> = (0..10).collect();
    Random::new(42).shuffle(&mut values);
    assert_eq!(values, [7, 6, 5, 1, 0, 4, 8, 9, 2, 3]);
}

#[test]
fn numbers_are_spread_as_they_should_be() {
    let mut random = Random::new(1);
    let count = 100_000;
    let normals: Vec<f64> = (0..count).map(|_| random.normal()).collect();
    let moment = |power: i32| normals.iter().map(|x| x.powi(power)).sum::<f64>() / f64::from(count);
    // Five deviations of the mean of 100 000: √(1, 2, 15, 96)/316.
    for (power, expected, tolerance) in [(1, 0.0, 0.016), (2, 1.0, 0.023), (3, 0.0, 0.062), (4, 3.0, 0.155)] {
        let found = moment(power);
        assert!((found - expected).abs() < tolerance, "moment {power}: {found}, expected {expected}");
    }
    let mean = (0..count).map(|_| f64::from(random.unit_f32())).sum::<f64>() / f64::from(count);
    assert!((mean - 0.5).abs() < 0.005, "{mean}");
    let dice: Vec<usize> = (0..60_000).map(|_| random.below(6) as usize).collect();
    for face in 0..6 {
        let thrown = dice.iter().filter(|thrown| **thrown == face).count();
        assert!((9_500..10_500).contains(&thrown), "{face}: {thrown} of 60 000");
    }
    let happened = (0..count).filter(|_| random.chance(0.25)).count();
    assert!((24_300..25_700).contains(&happened), "{happened}");
    assert_eq!(random.below(0), 0);
}

#[test]
fn a_state_that_is_none_is_refused() {
    for text in ["", "chacha8", "chacha20 1 0 0 0 0", "chacha8 1 0 0 0", "chacha8 1 0 0 0 0 0", "chacha8 g 0 0 0 0"] {
        assert!(message(text.parse::<Random>()).contains("expected \"chacha8\""), "{text:?}");
    }
    assert!("chacha8 0 0 0 0 295147905179352825856".parse::<Random>().is_err(), "2^68 is behind the last place");
    assert!("chacha8 0 0 0 0 295147905179352825855".parse::<Random>().is_ok());
}

proptest! {
    #[test]
    fn a_generator_goes_on_where_it_was(key: [u64; 4], draws in prop::collection::vec(any::<bool>(), 0..200)) {
        let mut random = Random::keyed(key);
        for wide in draws {
            if wide { random.bits64(); } else { random.bits32(); }
        }
        let mut again: Random = random.to_string().parse().unwrap();
        prop_assert_eq!(&again, &random);
        let mut copy = random.clone();
        for _ in 0..70 {
            let next = random.bits64();
            prop_assert_eq!(again.bits64(), next);
            prop_assert_eq!(copy.bits64(), next);
        }
    }

    #[test]
    fn seeds_and_keys_differ(seed: u64, place in 0usize..4) {
        let mut key = [seed, 0, 0, 0];
        key[place] ^= 1;
        prop_assert_ne!(Random::new(seed).bits64(), Random::keyed(key).bits64());
    }
}
