"""Detectors for tests: they see only pixels, and were taught on a few drawn people."""
