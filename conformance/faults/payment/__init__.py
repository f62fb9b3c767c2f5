"""Faults of payment applications (JR/T 0025), a module per area."""
