//! Processor cycles of the calling thread, where the machine lets them be read.

/// Counts cycles; `None` where that is impossible: another system than Linux, a virtual machine without counters, a kernel that
/// does not let everybody count.
#[cfg(target_os = "linux")]
pub fn counter() -> Option<Counter> {
    use perf_event::Builder;
    use perf_event::events::Hardware;
    Builder::new(Hardware::CPU_CYCLES).exclude_kernel(true).build().ok().map(Counter)
}

#[cfg(not(target_os = "linux"))]
pub fn counter() -> Option<Counter> {
    None
}

/// A counter of the thread that made it.
#[cfg(target_os = "linux")]
pub struct Counter(perf_event::Counter);

#[cfg(not(target_os = "linux"))]
pub struct Counter;

impl Counter {
    /// The cycles of `work`, if they were counted all the time.
    #[cfg(target_os = "linux")]
    pub fn count<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u64>) {
        let begun = self.0.reset().and_then(|()| self.0.enable());
        let result = work();
        let ended = begun.and_then(|()| self.0.disable());
        (result, ended.and_then(|()| self.0.read()).ok().filter(|cycles| *cycles > 0))
    }

    #[cfg(not(target_os = "linux"))]
    pub fn count<R>(&mut self, work: impl FnOnce() -> R) -> (R, Option<u64>) {
        (work(), None)
    }
}
