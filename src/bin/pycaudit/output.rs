//! Where reports go: a file that appears only when it is complete, or stdout, whose reader may leave.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;

/// A report file being written under a temporary name beside its own; removed unless it is kept. What is there and no regular file (a
/// device, a pipe) is written to as it is: a new file must never take its place.
pub(crate) struct Pending {
    temporary: Option<PathBuf>,
    path: PathBuf,
}

impl Pending {
    /// Creates the temporary file, so that a report that cannot be written is known before any work.
    pub(crate) fn create(path: &Path) -> anyhow::Result<(Self, Box<dyn Write + Send>)> {
        let shown = path.display();
        anyhow::ensure!(!path.is_dir(), "cannot write the report `{shown}`: it is a directory");
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let file =
                File::options().write(true).open(path).with_context(|| format!("cannot write the report `{shown}`"))?;
            let pending = Self { temporary: None, path: path.to_owned() };
            return Ok((pending, Box::new(BufWriter::with_capacity(1 << 16, file))));
        }
        let name =
            path.file_name().with_context(|| format!("cannot write the report `{shown}`: it has no file name"))?;
        let mut temporary_name = std::ffi::OsString::from(".");
        temporary_name.push(name);
        temporary_name.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(temporary_name);
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .with_context(|| format!("cannot write the report `{shown}`"))?;
        let pending = Self { temporary: Some(temporary), path: path.to_owned() };
        Ok((pending, Box::new(BufWriter::with_capacity(1 << 16, file))))
    }

    /// Gives the complete report its name.
    pub(crate) fn keep(mut self) -> anyhow::Result<()> {
        if let Some(temporary) = &self.temporary {
            fs::rename(temporary, &self.path)
                .with_context(|| format!("cannot write the report `{}`", self.path.display()))?;
        }
        self.temporary = None;
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nothing can be done about a temporary file that cannot be removed.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// Standard output whose reader may close it at any time: that is no error, and the rest is not written.
pub(crate) struct Stdout {
    out: BufWriter<io::Stdout>,
    closed: bool,
}

impl Stdout {
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, io::stdout()), closed: false }
    }

    fn tolerate(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result,
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.closed {
            let result = self.out.write_all(bytes);
            self.tolerate(result)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.out.flush();
        self.tolerate(result)
    }
}

impl Drop for Stdout {
    fn drop(&mut self) {
        // `BufWriter` would try once more and cannot say so; what could be written is.
        let _ = self.flush();
    }
}
