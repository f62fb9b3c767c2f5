"""The harness that certifies a card through nothing but its answers."""
