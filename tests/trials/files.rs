//! What stands in the two files that people download, without what differs from run to run.

use calamine::{Data, DataType, Reader, Xlsx, open_workbook};
use std::io::Read;
use std::path::Path;

/// Every cell of every sheet of a report, `sheet!row:column value`. Ids are numbered; times, the execution's own
/// id and how long stages took are left out, and the folder that it lies in.
pub fn report(file: &Path, home: &Path) -> Vec<String> {
    let mut book: Xlsx<_> = open_workbook(file).unwrap();
    let mut all = Vec::new();
    for sheet in book.sheet_names() {
        let range = book.worksheet_range(&sheet).unwrap();
        let (top, left) = range.start().unwrap_or_default();
        let mut times = false;
        for (row, cells) in range.rows().enumerate() {
            let text = |at: usize| cells.get(at).and_then(Data::as_string).unwrap_or_default();
            let own = sheet == "Summary" && ["Started", "Ended", "Execution"].contains(&&*text(0));
            times = times || sheet == "Summary" && text(0) == "Time";
            for (column, cell) in cells.iter().enumerate() {
                let varies = column > 0 && (own || times && !text(0).is_empty());
                if *cell == Data::Empty || varies {
                    continue;
                }
                let cell = format!("{cell:?}").replace(&home.display().to_string(), "<home>");
                all.push(format!("{sheet}!{}:{} {cell}", top as usize + row, left as usize + column));
            }
        }
        // A sheet without a cell is one too.
        all.push(format!("{sheet} ends"));
    }
    super::number_ids(&mut all);
    all
}

/// How many rows of a load step's tab have each status, and how many rows there are.
pub fn statuses(file: &Path, step: &str) -> Option<Vec<String>> {
    let mut book: Xlsx<_> = open_workbook(file).unwrap();
    let tab = book.worksheet_range(&format!("Load {step}")).ok()?;
    let mut rows = tab.rows();
    let at = rows.next()?.iter().position(|head| *head == "Status").unwrap();
    Some(rows.map(|row| row[at].to_string()).collect())
}

/// The files of a ZIP, in its order, byte for byte.
pub fn unzipped(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut all = Vec::new();
    for number in 0..zip.len() {
        let mut part = zip.by_index(number).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        all.push((part.name().unwrap().into_owned(), bytes));
    }
    all
}
