"""The front door of the command line: joins the commands of each wing."""


def main() -> None:
    """Run the command line."""
