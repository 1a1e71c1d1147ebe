//! What the demo says: short lines, flushed, and never a panic because nobody reads them any more.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// Between two progress lines where there is no terminal to overwrite.
const PLAIN_EVERY: Duration = Duration::from_secs(15);

/// Prints steps, lines and progress.
pub struct Output {
    started: Instant,
    terminal: bool,
    pending: bool,
    last_progress: Option<Instant>,
    step: u32,
}

impl Output {
    /// Times count from now.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            terminal: std::io::stdout().is_terminal(),
            pending: false,
            last_progress: None,
            step: 0,
        }
    }

    /// A numbered heading.
    pub fn step(&mut self, title: &str) {
        self.step += 1;
        let at = self.started.elapsed().as_secs();
        let text = format!("\n[{:>4} s] {}. {title}", at, self.step);
        self.print(&text);
    }

    /// A line under the heading.
    pub fn line(&mut self, text: &str) {
        let text = format!("         {text}");
        self.print(&text);
    }

    /// Lines as they are.
    pub fn block(&mut self, text: &str) {
        self.print(text.trim_end());
    }

    /// What is waited for, overwritten on a terminal, every 15 s elsewhere.
    pub fn progress(&mut self, text: &str) {
        let mut out = std::io::stdout();
        if self.terminal {
            let _ = write!(out, "\r\x1b[K         {text}");
            let _ = out.flush();
            self.pending = true;
        } else if self.last_progress.is_none_or(|last| last.elapsed() >= PLAIN_EVERY) {
            self.last_progress = Some(Instant::now());
            let _ = writeln!(out, "         {text}");
            let _ = out.flush();
        }
    }

    /// Since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn print(&mut self, text: &str) {
        let mut out = std::io::stdout();
        if std::mem::take(&mut self.pending) {
            let _ = write!(out, "\r\x1b[K");
        }
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
        self.last_progress = None;
    }
}
