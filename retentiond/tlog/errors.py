"""What can be wrong with a log, a proof or a note. Classes carry no logic."""


class TlogError(ValueError):
    """Anything that this package refuses."""


class FormatError(TlogError):
    """A text or a value is not in the one form that its specification allows."""


class ProofError(TlogError):
    """A proof does not show what it claims, or cannot be made from the hashes at hand."""


class SignatureError(TlogError):
    """A known key's signature does not verify, or no known key has signed."""
