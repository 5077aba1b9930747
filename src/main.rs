//! The `sconn` command.

fn main() -> std::process::ExitCode {
    sconn::cli::main()
}
