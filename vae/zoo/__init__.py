"""The bug zoo: real mistakes of real VAE programs, each with what it minimises (programs.py), what can be measured of it
(symptoms.py), and a healthy control that differs in nothing but the mistake (entries.py)."""

from vae.zoo.entries import ZOO, Bug, Report, find_bug
from vae.zoo.examination import Case, Examination, Outcome, examine, measure, train_case
from vae.zoo.symptoms import Symptom

__all__ = [
    "ZOO",
    "Bug",
    "Case",
    "Examination",
    "Outcome",
    "Report",
    "Symptom",
    "examine",
    "find_bug",
    "measure",
    "train_case",
]
