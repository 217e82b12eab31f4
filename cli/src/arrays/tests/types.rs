//! Every element type and order beside what others write, and what others read of ours.

#[path = "../../../../tests/common/npz.rs"]
mod npz;

use std::fs;

use half::f16;
use npz::NpzArchive;
use zip::CompressionMethod;

use super::{Place, npy, npy_of, npz, read_any};
use crate::arrays::{Arrays, Tensor, Values, write_tensors};

#[test]
fn every_element_type_is_read_in_both_byte_orders() {
    let values = [0i32, 1, 5, 127];
    let little =
        |width: usize| values.iter().flat_map(|v| v.to_le_bytes()[..width.min(4)].to_vec()).collect::<Vec<u8>>();
    let wide = values.iter().flat_map(|v| i64::from(*v).to_le_bytes()).collect::<Vec<u8>>();
    let half = values.iter().flat_map(|v| f16::from_f32(*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    let single = values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    let double = values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect::<Vec<u8>>();
    let whole = Values::I64(vec![0, 1, 5, 127]);
    let float = Values::F32(vec![0.0, 1.0, 5.0, 127.0]);
    for (kind, width, little, expected) in [
        ("i1", 1, little(1), &whole),
        ("i2", 2, little(2), &whole),
        ("i4", 4, little(4), &whole),
        ("i8", 8, wide.clone(), &whole),
        ("u1", 1, little(1), &whole),
        ("u2", 2, little(2), &whole),
        ("u4", 4, little(4), &whole),
        ("u8", 8, wide, &whole),
        ("f2", 2, half, &float),
        ("f4", 4, single, &float),
        ("f8", 8, double, &Values::F64(vec![0.0, 1.0, 5.0, 127.0])),
        ("b1", 1, little(1), &Values::Bool(vec![false, true, true, true])),
    ] {
        let big: Vec<u8> = little.chunks(width).flat_map(|bytes| bytes.iter().rev().copied()).collect();
        for (order, bytes) in [("<", &little), (">", &big)] {
            let file = npy([&format!("'{order}{kind}'"), "False", "(2, 2)"], bytes);
            let tensor = read_any(&npz(CompressionMethod::Deflated, &[("x", &file)])).unwrap();
            assert_eq!(tensor, Tensor { shape: vec![2, 2], values: expected.clone() }, "{order}{kind}");
        }
    }
    let negative = npy(["'>i2'", "False", "(2,)"], &[0xff, 0xfe, 0x80, 0x00]);
    let tensor = read_any(&npz(CompressionMethod::Stored, &[("x", &negative)])).unwrap();
    assert_eq!(tensor.values, Values::I64(vec![-2, -32768]));
}

#[test]
fn fortran_order_and_headers_of_other_writers_are_read() {
    let bytes: Vec<u8> = [1f32, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let expected = Tensor { shape: vec![2, 3], values: Values::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) };
    for header in [
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n",
        "{'shape': (2, 3), 'fortran_order': True, 'descr': '<f4'}",
        "  {\"shape\":(2,3,),\"descr\":\"<f4\",\t\"fortran_order\":True}  ",
    ] {
        let tensor = read_any(&npz(CompressionMethod::Stored, &[("x", &npy_of(header, &bytes))])).unwrap();
        assert_eq!(tensor, expected, "{header}");
    }
}

#[test]
fn what_is_written_is_read_by_others_and_by_us() {
    let place = Place::with(b"old");
    let tensors = [
        (
            "single".to_owned(),
            Tensor { shape: vec![2, 3], values: Values::F32((0..6).map(|n| n as f32 / 3.0).collect()) },
        ),
        ("double".to_owned(), Tensor { shape: vec![3], values: Values::F64(vec![0.1, -0.0, f64::INFINITY]) }),
        ("whole".to_owned(), Tensor { shape: vec![], values: Values::I64(vec![i64::MIN]) }),
        ("truth".to_owned(), Tensor { shape: vec![1, 0], values: Values::Bool(vec![]) }),
    ];
    write_tensors(&place.path(), &tensors).unwrap();
    assert_eq!(place.names(), ["file"]);
    let mut others = NpzArchive::open(place.path()).unwrap();
    let single = others.by_name("single").unwrap().unwrap();
    assert_eq!(single.shape(), [2, 3]);
    assert_eq!(single.into_vec::<f32>().unwrap(), (0..6).map(|n| n as f32 / 3.0).collect::<Vec<_>>());
    assert_eq!(others.by_name("double").unwrap().unwrap().into_vec::<f64>().unwrap(), [0.1, 0.0, f64::INFINITY]);
    assert_eq!(others.by_name("whole").unwrap().unwrap().into_vec::<i64>().unwrap(), [i64::MIN]);
    assert_eq!(others.by_name("truth").unwrap().unwrap().shape(), [1, 0]);
    let mut ours = Arrays::open(&place.path()).unwrap();
    for (name, tensor) in &tensors {
        assert_eq!(ours.read_any(name).unwrap().as_ref(), Some(tensor), "{name}");
    }
    let wrong = [("x".to_owned(), Tensor { shape: vec![2], values: Values::F32(vec![0.0]) })];
    let before = fs::read(place.path()).unwrap();
    assert!(format!("{:#}", write_tensors(&place.path(), &wrong).unwrap_err()).contains("shape [2], but 1 values"));
    assert_eq!((place.names(), fs::read(place.path()).unwrap()), (vec!["file".to_owned()], before));
}
