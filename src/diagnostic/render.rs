//! Renderings of diagnostics: for a terminal, one line each, JSON.
