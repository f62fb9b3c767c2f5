"""The bank's books and its desk for cards."""
