//! The `sconn` command.

/// A load allocates for each value of each row, and the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sconn::cli::main()
}
