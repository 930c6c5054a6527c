"""The dataset doctor: looks at every file of a dataset and says what is wrong with which, and what to do; writes nothing."""

from vton.doctor.examine import examine
from vton.doctor.report import Finding, Report

__all__ = ["Finding", "Report", "examine"]
