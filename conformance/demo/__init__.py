"""The promises of the same-number upgrade, shown with chips and hosts: ``sscard upgrade --demo``."""
