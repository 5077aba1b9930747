"""Reads what a run left with other people's libraries, and tells it as JSON.

usage: read.py FOLDER
"""
import csv
import datetime
import io
import json
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl

folder = Path(sys.argv[1])


def told(value):
    if isinstance(value, datetime.datetime):
        at_midnight = value.time() == datetime.time()
        return value.date().isoformat() if at_midnight else value.isoformat()
    return value


def cell(c):
    return {"value": told(c.value), "type": c.data_type}


def widths(sheet):
    """The width of each column; neighbours of one width are told once."""
    told = {}
    for group in sheet.column_dimensions.values():
        told.update(dict.fromkeys(range(group.min, group.max + 1), group.width))
    return [told.get(column) for column in range(1, sheet.max_column + 1)]


book = openpyxl.load_workbook(folder / "report.xlsx")
tabs = []
for sheet in book.worksheets:
    rows = list(sheet.iter_rows())
    tabs.append(
        {
            "name": sheet.title,
            "frozen": sheet.freeze_panes,
            "filter": sheet.auto_filter.ref,
            "size": sheet.dimensions,
            "header": [told(c.value) for c in rows[0]] if rows else [],
            "rows": [[cell(c) for c in row] for row in rows[1:]],
            "wrapped": [[bool(c.alignment.wrap_text) for c in row] for row in rows[1:]],
            "widths": widths(sheet),
        }
    )


def same(text, value):
    """Whether a cell of the CSV and one of the tab say the same."""
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, (int, float)):
        return Decimal(text) == Decimal(str(value))
    return text == told(value)


differences = []
names = []
with zipfile.ZipFile(folder / "sql-output.zip") as archive:
    for entry in archive.namelist():
        names.append(entry)
        tab = "SQL Output " + entry.removesuffix(".csv")
        if tab not in book:
            continue  # its name was cut
        sheet = book[tab]
        lines = list(csv.reader(io.TextIOWrapper(archive.open(entry), "utf-8", newline="")))
        rows = list(sheet.iter_rows(values_only=True))
        if len(lines) != len(rows):
            differences.append(f"{entry}: {len(lines)} lines, {len(rows)} rows")
        for number, (line, row) in enumerate(zip(lines, rows), 1):
            # The tab has the source of each row as its last column.
            for text, value in zip(line, row[: len(line)], strict=True):
                if not same(text, value):
                    differences.append(f"{entry}:{number}: {text!r} is not {value!r}")

decisions = duckdb.connect()
path = str(folder / "decisions.parquet").replace("'", "''")
table = f"read_parquet('{path}')"


def ask(sql):
    return [list(row) for row in decisions.execute(sql).fetchall()]


json.dump(
    {
        "tabs": tabs,
        "csvs": names,
        "differences": differences,
        "actions": ask(f"SELECT step, action, count(*) FROM {table} GROUP BY ALL ORDER BY ALL"),
        "with_id": ask(f"SELECT step, action, count(record_id) FROM {table} GROUP BY ALL ORDER BY ALL"),
        "ids": ask(f"SELECT step, row, record_id FROM {table} ORDER BY step, row"),
        "columns": ask(f"DESCRIBE SELECT * FROM {table}"),
    },
    sys.stdout,
)
