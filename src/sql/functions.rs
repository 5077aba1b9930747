//! Which of the engine's functions SQL may call: each one by intention, and each other one with the
//! reason why not. A test holds the two lists against the engine, so that a new version of it makes
//! somebody decide.
//!
//! Names are the engine's own; another name of an allowed function (`len` for `length`) is allowed
//! with it.

/// What a function makes its value from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The values of one row.
    Scalar,
    /// The rows of a group.
    Aggregate,
    /// A row's neighbours.
    Window,
    /// Nothing: it makes rows.
    Table,
    /// A list and an expression over its elements.
    HigherOrder,
}

/// Whether a function, by the engine's own name for it, may be called.
pub(super) fn allowed(kind: Kind, name: &str) -> bool {
    ALLOWED.iter().any(|(k, _, names)| *k == kind && names.contains(&name))
}

/// Why a function of the engine may not be called.
pub(super) fn reason(name: &str) -> &'static str {
    REFUSED.iter().find(|(names, _)| names.contains(&name)).map_or(UNDECIDED, |(_, why)| why)
}

/// Whether a call can fail because of the values that it is given.
pub(super) fn may_fail(name: &str) -> bool {
    MAY_FAIL.contains(&name)
}

const UNDECIDED: &str = "nobody has looked yet whether it gives the same in every run";

/// (kind, what they are for, names).
#[rustfmt::skip]
pub(super) const ALLOWED: &[(Kind, &str, &[&str])] = &[
    (Kind::Scalar, "choosing a value", &[
        "coalesce", "greatest", "least", "nanvl", "nullif", "nvl", "nvl2",
    ]),
    (Kind::Scalar, "text", &[
        "ascii", "bit_length", "btrim", "character_length", "chr", "concat", "concat_ws", "contains", "ends_with",
        "find_in_set", "initcap", "left", "levenshtein", "lower", "lpad", "ltrim", "octet_length", "overlay", "repeat",
        "replace", "reverse", "right", "rpad", "rtrim", "split_part", "starts_with", "strpos", "substr",
        "substr_index", "to_hex", "translate", "upper",
    ]),
    (Kind::Scalar, "regular expressions", &[
        "regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_replace",
    ]),
    (Kind::Scalar, "hashes and encodings", &[
        "decode", "digest", "encode", "md5", "sha224", "sha256", "sha384", "sha512",
    ]),
    (Kind::Scalar, "numbers", &[
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "cot",
        "degrees", "exp", "factorial", "floor", "gcd", "isnan", "iszero", "lcm", "ln", "log", "log10", "log2", "pi",
        "power", "radians", "round", "signum", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    ]),
    (Kind::Scalar, "dates and times; the present is the execution's start", &[
        "current_date", "current_time", "date_bin", "date_part", "date_trunc", "from_unixtime", "make_date",
        "make_time", "now", "to_char", "to_date", "to_local_time", "to_time", "to_timestamp", "to_timestamp_micros",
        "to_timestamp_millis", "to_timestamp_nanos", "to_timestamp_seconds", "to_unixtime",
    ]),
    (Kind::Scalar, "lists", &[
        "array_any_value", "array_append", "array_avg", "array_compact", "array_concat", "array_dims",
        "array_distinct", "array_element", "array_except", "array_has", "array_has_all", "array_has_any",
        "array_intersect", "array_length", "array_max", "array_min", "array_ndims", "array_pop_back",
        "array_pop_front", "array_position", "array_positions", "array_prepend", "array_product", "array_remove",
        "array_remove_all", "array_remove_n", "array_repeat", "array_replace", "array_replace_all",
        "array_replace_n", "array_resize", "array_reverse", "array_slice", "array_sort", "array_sum",
        "array_to_string", "array_union", "arrays_zip", "cardinality", "empty", "flatten", "generate_series",
        "make_array", "range", "string_to_array",
    ]),
    (Kind::Scalar, "structs and maps", &[
        "get_field", "map", "map_entries", "map_extract", "map_keys", "map_values", "named_struct", "struct",
    ]),
    (Kind::Aggregate, "groups", &[
        "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "count", "first_value", "grouping",
        "last_value", "max", "median", "min", "nth_value", "percentile_cont", "string_agg", "sum",
    ]),
    (Kind::Aggregate, "statistics", &[
        "corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2",
        "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "stddev", "stddev_pop", "var", "var_pop",
    ]),
    (Kind::Window, "ranks and neighbours", &[
        "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank",
        "rank", "row_number",
    ]),
    (Kind::Table, "rows out of nothing", &["generate_series", "range"]),
];

/// (names, why not and what instead).
#[rustfmt::skip]
pub(super) const REFUSED: &[(&[&str], &str)] = &[
    (&["random", "uuid"],
     "it gives something else in each run, so a dry run could not tell what a live run does"),
    (&["array_any_match", "array_filter", "array_first", "array_transform"],
     "it takes an expression for each value of a list, and there is no way to write one: `UNNEST` the list into rows"),
    (&["version"], "it tells of the engine, not of the data"),
    (&["any_value"], "which value it takes is left to chance: use `first_value`"),
    (&["approx_distinct"], "it is an estimate: use `count(DISTINCT x)`"),
    (&["approx_median"], "it is an estimate: use `median`"),
    (&["approx_percentile_cont", "approx_percentile_cont_with_weight"],
     "it is an estimate: use `percentile_cont`"),
    (&["arrow_cast", "cast_to_type"], "it names the engine's own types: use `CAST(x AS …)`"),
    (&["arrow_try_cast", "try_cast_to_type"], "it names the engine's own types: use `TRY_CAST(x AS …)`"),
    (&["arrow_field", "arrow_metadata", "arrow_typeof", "with_metadata"], "it is about the engine's own types"),
    (&["union_extract", "union_tag"], "no table has a column of such a type"),
    (&["file_row_index", "input_file_name"],
     "tables are read from scratch: the report and `meta.inputs` tell the file"),
    (&["array_add", "array_distance", "array_normalize", "array_scale", "array_subtract", "cosine_distance",
       "inner_product"],
     "it is for vectors of floating-point numbers"),
];

/// Functions that refuse some values of the right type.
#[rustfmt::skip]
const MAY_FAIL: &[&str] = &[
    "array_repeat", "array_resize", "chr", "date_bin", "date_part", "date_trunc", "decode", "digest", "encode",
    "factorial", "from_unixtime", "gcd", "generate_series", "lcm", "lpad", "make_date", "make_time", "power", "range",
    "regexp_count", "regexp_instr", "regexp_like", "regexp_match", "regexp_replace", "repeat", "rpad", "split_part",
    "substr", "to_char", "to_date", "to_local_time", "to_time", "to_timestamp", "to_timestamp_micros",
    "to_timestamp_millis", "to_timestamp_nanos", "to_timestamp_seconds", "to_unixtime",
];
