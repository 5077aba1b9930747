//! Errors that are told once.

use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a ZIP is written into. Its first error is told; from then on all that comes is taken and goes
/// nowhere. A ZIP that is dropped unfinished is ended by its library, which writes a line of its own on
/// standard error where that fails too: after an error that was told there is nothing more to say.
#[derive(Debug)]
pub struct Once<W> {
    inner: W,
    failed: Arc<AtomicBool>,
    /// Where it is, and where its end would be, also once it has failed.
    at: u64,
    end: u64,
}

/// Whether a [`Once`] has failed, for whoever keeps what was written.
#[derive(Clone, Debug)]
pub struct Failed(Arc<AtomicBool>);

impl Failed {
    /// Whether something of it is missing.
    pub fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<W> Once<W> {
    /// Around what is to be written into.
    pub fn new(inner: W) -> Self {
        Self { inner, failed: Arc::default(), at: 0, end: 0 }
    }

    /// What tells whether it failed, also when it is gone.
    pub fn failed(&self) -> Failed {
        Failed(self.failed.clone())
    }

    /// What was written into.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// Does it where nothing has failed yet; `otherwise` is what it would give.
    fn tell<T>(&mut self, otherwise: T, act: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.failed.load(Ordering::Relaxed) {
            return Ok(otherwise);
        }
        let done = act(&mut self.inner);
        // An interrupted call is made again; nothing is lost by it.
        if done.as_ref().is_err_and(|e| e.kind() != io::ErrorKind::Interrupted) {
            self.failed.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl<W: Write> Write for Once<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.tell(bytes.len(), |inner| inner.write(bytes))?;
        self.at += written as u64;
        self.end = self.end.max(self.at);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tell((), Write::flush)
    }
}

impl<W: Seek> Seek for Once<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Asked where it is, the library wants to be behind what it began.
        let otherwise = if let SeekFrom::Start(at) = to { at } else { self.end };
        self.at = self.tell(otherwise, |inner| inner.seek(to))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Room for so many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Full {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }

    #[test]
    fn the_first_error_is_told_and_remembered_and_no_other() {
        let mut once = Once::new(Full(10));
        let failed = once.failed();
        once.write_all(b"12345678").unwrap();
        assert!(!failed.is_so());
        assert_eq!(once.write_all(b"12345678").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(failed.is_so());
        once.write_all(b"12345678").unwrap();
        once.flush().unwrap();
        assert_eq!(once.seek(SeekFrom::Start(7)).unwrap(), 7);
        drop(once);
        assert!(failed.is_so());
    }

    #[test]
    fn a_zip_tells_its_own_error_and_can_be_dropped() {
        let mut zip = zip::ZipWriter::new(Once::new(Full(100)));
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("a.csv", options).unwrap();
        zip.write_all(&[b'x'; 20]).unwrap();
        assert_eq!(zip.write_all(&[b'x'; 200]).unwrap_err().kind(), io::ErrorKind::StorageFull);
        // It goes back to where its file begins, and forward again, as if all were there.
        zip.start_file("b.csv", options).unwrap();
    }
}
