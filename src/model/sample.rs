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
    /// Its tables: for each input that the connector declares the one that it reads; where it declares none, each
    /// sheet and file.
    Given {
        /// By the names under which SQL reads them, `input.NAME`.
        tables: Vec<(String, Result<SampleTable, NoTable>)>,
    },
}

/// A table of the sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleTable {
    /// Where it comes from, in words: `sheet "Prices"`, `prices.csv`.
    pub part: String,
    /// Its columns: the name in SQL, and the header as it stands in the file.
    pub headers: Vec<(String, String)>,
    /// The later line in which the declared headers stand, where the line that was read does not have them.
    pub header: Option<u32>,
    /// SQL names of columns where day and month could be either in every value.
    pub ambiguous_dates: Vec<String>,
}

impl SampleTable {
    /// Whether it has a column with this header.
    pub fn has(&self, header: &str) -> bool {
        let same = |(name, original): &(String, String)| {
            original.trim() == header.trim() || *name == crate::value::sql_name(header)
        };
        self.headers.iter().any(same)
    }
}

/// Why the sample has nothing for an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTable {
    /// One sentence.
    pub cause: String,
    /// What to do.
    pub mend: Option<String>,
}

impl SampleFacts {
    /// What it has for an input; none where nobody looked.
    pub(super) fn table(&self, name: &str) -> Option<&Result<SampleTable, NoTable>> {
        let SampleFacts::Given { tables } = self else { return None };
        tables.iter().find(|(n, _)| n == name).map(|(_, table)| table)
    }

    /// The tables that it has, with their names.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &SampleTable)> {
        let tables = match self {
            SampleFacts::Given { tables } => tables.as_slice(),
            SampleFacts::NotGiven | SampleFacts::Unreadable { .. } => &[],
        };
        tables.iter().filter_map(|(name, table)| Some((name.as_str(), table.as_ref().ok()?)))
    }
}
