"""A small city of processes that die at any moment, for minutes; judged by the eight rules whenever it is quiet."""
