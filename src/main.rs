//! The command line's entry.

fn main() -> std::process::ExitCode {
    lianxian::cli::run()
}
