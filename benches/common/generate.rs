//! Rows for the benchmarks: a price list with the dirt of real ones, the same for the same seed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The header line; 13 columns.
pub const HEADER: &str = "Vendor Code,Vendor Name,Vendor Email,Vendor City,SKU,Title,Description,Unit Price,\
                          Stock,Active,Listed On,Updated At,Tags";

/// Writes a CSV file of `rows` data rows, about 170 bytes each.
///
/// Of the rows about 2 % repeat an earlier SKU, 1 % have a bad e-mail and 1 % a price that is no number.
/// One in twenty has a quoted cell with quotes, one in fifty a line break; a fifth of the vendors have
/// names outside ASCII; prices from 1,000 on have thousands separators; dates come in two formats.
pub fn write_rows(path: &Path, rows: u64, seed: u64) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut random = Random::new(seed);
    write!(out, "{HEADER}\r\n")?;
    for row in 0..rows {
        write_row(&mut out, row, &mut random)?;
    }
    out.flush()
}

fn write_row(out: &mut impl Write, row: u64, random: &mut Random) -> io::Result<()> {
    let vendor = random.below(2_000);
    let (name, city, domain) = VENDORS[(vendor % VENDORS.len() as u64) as usize];
    // Codes are padded and in small letters now and then.
    match random.below(10) {
        0 => write!(out, "  v{vendor:04} ,")?,
        1 => write!(out, "v{vendor:04},")?,
        _ => write!(out, "V{vendor:04},")?,
    }
    write!(out, "{name} {vendor},")?;
    match random.below(300) {
        0 => write!(out, "sales at {domain}")?,
        1 => write!(out, "sales{vendor}@")?,
        2 => write!(out, "no e-mail")?,
        _ => write!(out, "sales{vendor}@{domain}")?,
    }
    let repeats = row > 0 && random.below(50) == 0;
    let sku = if repeats { random.below(row) } else { row };
    // A third of the SKUs are digits with zeros in front, some look like a month or a power.
    match sku % 3 {
        0 => write!(out, ",{city},{sku:09},")?,
        1 => write!(out, ",{city},SEPT{sku:06},")?,
        _ => write!(out, ",{city},{}E{sku:06},", sku % 9 + 1)?,
    }
    let (thing, colour) = (random.pick(THINGS), random.pick(COLOURS));
    match random.below(100) {
        0..5 => write!(out, "\"{thing} \"\"{colour}\"\", {}\"\"\",", random.below(40) + 2)?,
        5..7 => write!(out, "\"{thing}\n{colour}\",")?,
        _ => write!(out, "{thing} {colour},")?,
    }
    write!(out, "{thing} in {colour} for {} years,", random.below(20) + 1)?;
    write_price(out, random)?;
    write!(out, ",{},{},", random.below(5_000), random.pick(&["yes", "no", "Yes", "NO"]))?;
    let (year, month, day) = (2015 + random.below(10), random.below(12) + 1, random.below(28) + 1);
    if random.below(3) == 0 {
        write!(out, "{day:02}/{month:02}/{year}")?;
    } else {
        write!(out, "{year}-{month:02}-{day:02}")?;
    }
    let (second, minute, hour) = (random.below(60), random.below(60), random.below(24));
    let (day, month) = (random.below(28) + 1, random.below(12) + 1);
    write!(out, ",2024-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},")?;
    write!(out, "{}\r\n", random.pick(&["", "new", "sale", "new;sale", "eco", "eco;sale"]))
}

fn write_price(out: &mut impl Write, random: &mut Random) -> io::Result<()> {
    let (whole, cents) = (random.below(25_000), random.below(100));
    match random.below(300) {
        0 => write!(out, "n/a"),
        1 => write!(out, "\"{}.{:03},{cents:02}\"", whole % 90 + 1, whole % 1_000),
        2 => write!(out, "{whole}.{cents:02}.00"),
        _ if whole >= 1_000 => write!(out, "\"{},{:03}.{cents:02}\"", whole / 1_000, whole % 1_000),
        _ => write!(out, "{whole}.{cents:02}"),
    }
}

/// Name, city, domain.
const VENDORS: &[(&str, &str, &str)] = &[
    ("Acme Hardware Ltd", "Leeds", "acme.example"),
    ("Barnes and Dale", "Boston", "barnes-dale.example"),
    ("Northern Supply Co.", "Toronto", "northern.example"),
    ("Müller & Söhne GmbH", "Köln", "mueller.example"),
    ("Harbour Traders", "Sydney", "harbour.example"),
    ("Pacific Office", "Seattle", "pacific-office.example"),
    ("Łódź Tekstylia", "Łódź", "lodz.example"),
    ("Green Fields", "Dublin", "greenfields.example"),
    ("Delta Parts", "Atlanta", "deltaparts.example"),
    ("First Quality", "Denver", "firstquality.example"),
];

const THINGS: &[&str] = &["Bolt", "Paper A4", "Desk lamp", "Café table", "Cable", "Shelf", "Chair", "Hinge"];
const COLOURS: &[&str] = &["black", "white", "red", "blue", "green", "grey", "türkis", "oak"];

/// Xorshift, so that no crate is needed and every machine gets the same file.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // The state must not be zero, and near seeds must not give near rows.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 up to, not including, `end`.
    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}
