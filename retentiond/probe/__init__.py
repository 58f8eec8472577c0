"""Looks into media files within hard limits. The readers see bytes only; the worker alone opens files."""
