"""The benchmark: a program, `python -m tests.bench`, not a test."""
