//! What a run leaves for people: the workbook, the SQL output, `decisions.parquet`, the summary.

mod decisions;
mod error;
mod part_file;
mod sql_output;
mod summary;
mod tally;
mod terminal;
mod words;
mod workbook;

#[cfg(test)]
mod tests;

pub use decisions::{
    DecisionEncoder, DecisionLog, DecisionPage, DecisionReader, DecisionWriter, LoggedDecisions, Named,
    ShownDecision, StepDecisions, StepRows, Wanted, decode,
};
pub use error::ReportError;
pub use sql_output::{SqlOutputOptions, write_sql_output};
pub use summary::{
    Example, InputSummary, Reason, ReasonKind, Rejected, RejectedLine, RunMode, RunState, SUMMARY_VERSION,
    ScopeSummary, StageTime, StatusCounts, StepSummary, Summary, TargetSummary, reasons,
};
pub use tally::StepTally;
pub use terminal::terminal;
pub use words::{columns_of, grouped, log_line, problem_words, source_words, visible};
pub use workbook::{ReportInput, ScopeTables, StepTable, VariablesTable, write_workbook};
