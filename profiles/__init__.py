"""Card products as data, and the dictionary of names behind them."""
