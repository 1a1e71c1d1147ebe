//! Figures for `/metrics`, and the end of a wait.

use super::Epochs;
use super::report::State;

impl Epochs {
    /// How many projects' epochs stand where; states without one are there too.
    pub fn states(&self) -> Vec<(&'static str, usize)> {
        let reports = self.reports.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let count = |state: State| reports.values().filter(|report| report.state == state).count();
        State::ALL.map(|state| (state.name(), count(state))).into()
    }

    /// Steps that failed and wait to be tried again.
    pub fn steps_waiting(&self) -> u64 {
        self.backoff().len() as u64
    }

    /// Whatever waits is tried at once.
    pub fn try_again(&self) {
        self.backoff().clear();
    }
}
