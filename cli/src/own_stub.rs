use gatewise::load::safetensors::SafetensorsFile;
use gatewise::network::blueprint::Blueprint;
use gatewise::Result;
pub fn is_own(_: &SafetensorsFile) -> bool { false }
pub fn from_file(_: &SafetensorsFile) -> Result<Blueprint> { todo!() }
pub fn write(_: &Blueprint, _: &std::path::Path) -> Result<()> { todo!() }
pub fn read(_: &std::path::Path) -> Result<Blueprint> { todo!() }
