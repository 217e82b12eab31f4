//! WAV files.

use gatewise_cli::sound::Sound;

use crate::on_disk::on_disk;

/// Frames of a block; odd, so that the last one is shorter.
const BLOCK: usize = 333;

/// Reads a file to its end, in blocks.
pub fn sound(bytes: &[u8]) {
    on_disk(bytes, |path| {
        let Ok(mut sound) = Sound::open(path) else { return };
        let (frames, channels) = (sound.frames(), sound.channels());
        let mut values = 0;
        while let Ok(block) = sound.read(BLOCK) {
            let Some(block) = block else {
                assert_eq!(values, frames * channels, "values of a sound that was read whole");
                return;
            };
            values += block.len();
        }
    });
}
