"""The one kind of trouble that this package reports itself."""


class DatabaseFault(Exception):
    """A database that cannot be opened, upgraded, backed up or restored; str() is one clear sentence."""
