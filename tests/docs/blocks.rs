//! The fenced blocks of a Markdown page.

/// One block.
pub(super) struct Block {
    /// What stands after the backticks.
    pub(super) info: String,
    /// What is in it.
    pub(super) text: String,
    /// The line it starts on, from 1.
    pub(super) line: usize,
}

/// The blocks of a page, in order; also those inside lists.
pub(super) fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(Block, usize)> = None;
    for (number, line) in page.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        match (open.take(), line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                let block = Block { info: info.trim().to_owned(), text: String::new(), line: number + 1 };
                open = Some((block, indent));
            }
            (None, None) => {}
            (Some((block, _)), Some(_)) => found.push(block),
            (Some((mut block, indent)), None) => {
                block.text.push_str(line.get(indent..).unwrap_or_default());
                block.text.push('\n');
                open = Some((block, indent));
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}
