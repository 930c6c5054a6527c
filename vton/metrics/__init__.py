"""Metrics against a true photo: images in, a number out, and which way is better; all of them in one table."""

from vton.metrics.table import METRICS, Metric, summarise

__all__ = ["METRICS", "Metric", "summarise"]
