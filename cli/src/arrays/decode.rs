//! The values behind a header, in blocks: memory is taken for what has come, not for what is claimed.

use std::io::{ErrorKind, Read};

use anyhow::{Context, Result, anyhow, ensure};

use super::header::Header;
use super::tensor::{Tensor, Values};

/// A multiple of every element's width.
const BLOCK: usize = 1 << 16;

/// Hands `bytes` bytes of `file` to `take`, some at a time.
pub fn in_blocks(file: &mut dyn Read, bytes: u64, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut block = [0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        let count = BLOCK.min(usize::try_from(left).unwrap_or(BLOCK));
        let part = &mut block[..count];
        file.read_exact(part).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => anyhow!("the file ends before the array, {left} bytes too soon"),
            _ => anyhow!(error),
        })?;
        take(part)?;
        left -= count as u64;
    }
    Ok(())
}

/// Reads all values of an array and goes over the end, where an archive compares the checksum.
pub fn whole(file: &mut dyn Read, header: &Header) -> Result<Tensor> {
    let mut values = Values::of(header.encoding.element);
    in_blocks(file, header.data_bytes()?, |bytes| header.encoding.decode(bytes, &mut values))?;
    end(file)?;
    let shape = header.shape.clone();
    let values = if header.fortran { values.into_c_order(&shape) } else { values };
    Ok(Tensor { shape, values })
}

/// Refuses more bytes.
pub fn end(file: &mut dyn Read) -> Result<()> {
    let more = file.read(&mut [0]).context("its end cannot be read")?;
    ensure!(more == 0, "its header speaks of fewer bytes than the file holds");
    Ok(())
}
