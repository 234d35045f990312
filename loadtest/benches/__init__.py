"""One module per benchmark, each with `main(arguments) -> exit code`."""
