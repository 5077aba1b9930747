// Makes the workbooks of this folder: `npm install xlsx@0.18.5`, then `node make.mjs`.
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";

const XLSX = createRequire(import.meta.url)("xlsx");

const text = (v) => ({ t: "s", v });
const number = (v) => ({ t: "n", v });
const dated = (v, z) => ({ t: "n", v, z });
// `1+1`, with its parsed form for the old format.
const sum = (v) => ({ t: "n", v, f: "1+1", bf: [7, 0, 0x1e, 1, 0, 0x1e, 1, 0, 3] });
const notAvailable = { t: "e", v: 0x2a, w: "#N/A" };

const DAY = "m/d/yy";
const AT = "yyyy-mm-dd hh:mm:ss";
const TIME = "h:mm:ss";

// Days between the two epochs.
const shift = (date1904) => (date1904 ? 1462 : 0);

function prices(date1904) {
  const day = (serial) => dated(serial - shift(date1904), DAY);
  const at = (serial) => dated(serial - shift(date1904), AT);
  return [
    ["Code", "Name", "Price", "Card", "Ok", "Day", "At", "Time", "Sum"].map(text),
    [text("0870"), text("Café Zoë"), number(12.5), number(12345678901234567), { t: "b", v: true },
      day(45355), at(45355.4309027777778), dated(0.75, TIME), sum(2)],
    [],
    [text("SEPT2"), text("漢字 🙂 Łódź"), number(-3), number(7), { t: "b", v: false },
      day(45657), at(45657), dated(0.25, TIME), sum(2)],
    [text("1E2"), text("=1+1"), number(0.1), null, null, null, null, null, null],
    [text("bad"), text("an error"), notAvailable, null, null, null, null, null, null],
    [text("00012"), text("line\nbreak"), number(1234567.891), null, null, day(36526), null, null, null],
    [],
    [text("both"), null, number(1), null, null, null, null, null, null],
  ];
}

const stock = [
  [text("Code"), text("Hidden"), text("Pieces")],
  [text("0870"), text("seen"), number(1000)],
  [text("SEPT2"), null, number(0)],
];

const uncached = [
  [text("Code"), text("Sum")],
  [text("a"), { t: "n", f: "1+1", bf: sum(0).bf }],
  [text("b"), number(3)],
];

function sheet(rows) {
  const made = {};
  let width = 0;
  rows.forEach((row, r) =>
    row.forEach((cell, c) => {
      width = Math.max(width, c);
      if (cell) made[XLSX.utils.encode_cell({ r, c })] = { ...cell };
    }),
  );
  made["!ref"] = XLSX.utils.encode_range({ s: { r: 0, c: 0 }, e: { r: rows.length - 1, c: width } });
  return made;
}

function write(name, bookType, date1904, bookSST) {
  const book = XLSX.utils.book_new();
  const first = sheet(prices(date1904));
  first["!merges"] = [XLSX.utils.decode_range("A9:B9")];
  const second = sheet(stock);
  second["!cols"] = [{ wch: 10 }, { wch: 10, hidden: true }, { wch: 10 }];
  XLSX.utils.book_append_sheet(book, first, "Prices");
  XLSX.utils.book_append_sheet(book, second, "Stock");
  XLSX.utils.book_append_sheet(book, sheet(uncached), "Uncached");
  book.Workbook = { Sheets: [{ Hidden: 0 }, { Hidden: 1 }, { Hidden: 0 }], WBProps: { date1904 } };
  const bytes = XLSX.write(book, { type: "buffer", bookType, bookSST, compression: true });
  writeFileSync(name, bookType === "xlsb" && date1904 ? with1904(bytes) : bytes);
}

// The library does not write this flag into the binary form: bit 0 of the record 0x99 of the workbook.
function with1904(bytes) {
  const zip = XLSX.CFB.read(bytes, { type: "buffer" });
  const part = XLSX.CFB.find(zip, "/xl/workbook.bin");
  const at = Buffer.from(part.content).indexOf(Buffer.from([0x99, 0x01]));
  part.content[at + 3] |= 1;
  return XLSX.CFB.write(zip, { type: "buffer", fileType: "zip", compression: true });
}

for (const [bookType, ending] of [["xlsx", "xlsx"], ["xlsm", "xlsm"], ["xlsb", "xlsb"], ["biff8", "xls"]]) {
  write(`prices.${ending}`, bookType, false, true);
  write(`prices-1904.${ending}`, bookType, true, false);
}
