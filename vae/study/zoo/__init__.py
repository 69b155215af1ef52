"""The bug zoo: real mistakes of real VAE programs, each with what it minimises (programs.py), what can be measured of it
(symptoms.py), and a healthy control that differs in nothing but the mistake (bugs.py)."""

from vae.study.zoo.bugs import ZOO, Bug, Report, find_bug
from vae.study.zoo.case import Case, Outcome, train_case
from vae.study.zoo.examination import Examination, examine, measure
from vae.study.zoo.symptoms import Symptom

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
