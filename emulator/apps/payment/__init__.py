"""The payment application of JR/T 0025 (PBOC 3.0), on contacts and contactless."""
