//! Why a file was refused: what, where, and the mend.

use std::fmt;
use std::path::Path;

/// Where in a file: any part of it may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputPlace {
    /// The sheet, or the file in a ZIP.
    pub inner: Option<String>,
    /// The line, or the row of a sheet, from 1.
    pub line: Option<u64>,
    /// The column in characters, from 1.
    pub column: Option<u64>,
    /// The cell of a sheet: `C7`.
    pub cell: Option<String>,
}

impl fmt::Display for InputPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(inner) = &self.inner {
            write!(f, ", {inner}")?;
        }
        if let Some(cell) = &self.cell {
            return write!(f, ", cell {cell}");
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        Ok(())
    }
}

/// What is wrong with a file, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The file as it was given.
    pub file: String,
    /// Where in it.
    pub place: InputPlace,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.file, self.place, self.cause)
    }
}

/// Why the input could not be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file's content or form is wrong.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The file goes beyond a limit, which the text names.
    #[error("{0}")]
    Limit(Box<Refusal>),
    /// The file system said no.
    #[error("{0}")]
    Io(Box<Refusal>),
    /// The run was asked to stop.
    #[error("reading was stopped")]
    Stopped,
}

impl InputError {
    pub(super) fn refused(file: &str, cause: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal { file: file.to_owned(), cause: cause.into(), ..Refusal::default() }))
    }

    pub(super) fn limit(file: &str, cause: impl Into<String>) -> Self {
        Self::Limit(Box::new(Refusal { file: file.to_owned(), cause: cause.into(), ..Refusal::default() }))
    }

    pub(super) fn io(file: &Path, cause: impl fmt::Display) -> Self {
        Self::Io(Box::new(Refusal {
            file: file.display().to_string(),
            cause: cause.to_string(),
            ..Refusal::default()
        }))
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(refusal) = self.refusal_mut() {
            refusal.hint = Some(hint.into());
        }
        self
    }

    pub(super) fn at_line(mut self, line: u64) -> Self {
        if let Some(refusal) = self.refusal_mut() {
            refusal.place.line = Some(line);
        }
        self
    }

    pub(super) fn at_cell(mut self, cell: String) -> Self {
        if let Some(refusal) = self.refusal_mut() {
            refusal.place.cell = Some(cell);
        }
        self
    }

    pub(super) fn at_column(mut self, column: u64) -> Self {
        if let Some(refusal) = self.refusal_mut() {
            refusal.place.column = Some(column);
        }
        self
    }

    pub(super) fn inside(mut self, inner: Option<&str>) -> Self {
        if let Some(refusal) = self.refusal_mut() {
            refusal.place.inner = inner.map(str::to_owned);
        }
        self
    }

    fn refusal_mut(&mut self) -> Option<&mut Refusal> {
        match self {
            Self::Refused(r) | Self::Limit(r) | Self::Io(r) => Some(r),
            Self::Stopped => None,
        }
    }

    /// The file, the place and the cause; none where reading was stopped.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(r) | Self::Limit(r) | Self::Io(r) => Some(r),
            Self::Stopped => None,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.refusal().and_then(|r| r.hint.as_deref())
    }
}
