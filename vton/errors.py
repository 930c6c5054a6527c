"""What can go wrong, in sentences meant for the person at the screen.

VtonError
|- DataError         a file is missing or malformed: which one, and what to do
|- PreprocessError   a photo cannot be used: no person in it, no shoulders to hang a garment on
|- CheckpointError   weights that do not fit what they are asked to do
|- WeightsMissing    published weights that are not here: what to fetch, and where it goes
"""


class VtonError(Exception):
    """Base of all errors that a person can do something about; `str(error)` is one sentence."""


class DataError(VtonError):
    """A file or folder is missing or malformed."""


class PreprocessError(VtonError):
    """A photo from which the conditions cannot be made."""


class CheckpointError(VtonError):
    """A checkpoint that does not fit."""


class WeightsMissing(VtonError):
    """Published weights that are not on this machine."""
