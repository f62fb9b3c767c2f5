"""The chip operating system: memory, files, access, session, dispatch."""
