//! What is known of the connector's sample. The checker reads no data: it is told.

/// What the sample file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SampleFacts {
    /// Nobody looked, or there is none.
    #[default]
    NotGiven,
    /// It cannot be read.
    Unreadable {
        /// One sentence: why.
        message: String,
    },
    /// Its tables.
    Given {
        /// One a sheet or file.
        tables: Vec<SampleTable>,
    },
}

/// A table of the sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleTable {
    /// The table is `input.NAME`.
    pub name: String,
    /// Where it comes from, in words: `sheet "Prices"`, `prices.csv`.
    pub part: String,
    /// Its columns: the name in SQL, and the header as it stands in the file.
    pub headers: Vec<(String, String)>,
    /// SQL names of columns where day and month could be either in every value.
    pub ambiguous_dates: Vec<String>,
}

impl SampleFacts {
    /// The tables, where the sample could be read.
    pub fn tables(&self) -> Option<&[SampleTable]> {
        match self {
            SampleFacts::Given { tables } => Some(tables),
            _ => None,
        }
    }

    /// The table that an input item reads: by its name, or the only one there is.
    pub(super) fn table(&self, name: &str) -> Option<&SampleTable> {
        let tables = self.tables()?;
        tables.iter().find(|t| t.name == name).or(match tables {
            [only] => Some(only),
            _ => None,
        })
    }
}
