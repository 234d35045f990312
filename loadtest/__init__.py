"""Load: benchmarks (`./dev bench NAME`), long tests (`./dev soak NAME`), virtual users."""
