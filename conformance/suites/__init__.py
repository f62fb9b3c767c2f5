"""The test cases, a module per area."""
