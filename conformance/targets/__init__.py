"""The card under test."""
