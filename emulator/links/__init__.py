"""How the world reaches a card: a real PC/SC reader through vpcd, and vsmartcard's vicc as a host."""
