"""What chips and books show to somebody who shares no code with those who made them."""
