//! Files to tables: CSV and its kin, workbooks, ZIPs; encodings, headers, rows that cannot be read.
