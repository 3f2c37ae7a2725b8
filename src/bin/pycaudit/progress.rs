//! The bar on stderr: files, bytes, rate and time left. There is none when stderr is no terminal.

use std::io;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::HumanBytes;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use pycaudit::scan::Progress;

/// How often the bar is drawn.
const INTERVAL: Duration = Duration::from_millis(100);

/// A bar that follows a scan until it is dropped.
pub(crate) struct Bar {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts a bar for this scan, if anybody would see it.
    pub(crate) fn start(progress: &Arc<Progress>, wanted: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        if !wanted || !io::stderr().is_terminal() {
            return Self { stop, thread: None };
        }
        let progress = Arc::clone(progress);
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || draw(&progress, &stopped));
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A bar that failed is no reason to fail.
            let _ = thread.join();
        }
    }
}

fn draw(progress: &Progress, stopped: &AtomicBool) {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {human_pos}/{human_len} files, {msg}, {eta} left") {
        bar.set_style(style);
    }
    while !stopped.load(Ordering::Relaxed) {
        bar.set_length(progress.found());
        bar.set_position(progress.done());
        let rate = u128::from(progress.done()) * 1000 / bar.elapsed().as_millis().max(1);
        bar.set_message(format!("{}, {rate} files/s", HumanBytes(progress.bytes())));
        thread::park_timeout(INTERVAL);
    }
    bar.finish_and_clear();
}
