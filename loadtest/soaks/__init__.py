"""One module per long test, each with `main(arguments) -> exit code`."""
