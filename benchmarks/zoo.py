"""How long each patient of the bug zoo takes to show its symptoms: seconds, alone on one thread. Printed, never asserted.

PYTHONPATH=. python benchmarks/zoo.py
"""

from __future__ import annotations

import time

import torch

from vae.data import load_dataset
from vae.study.zoo import ZOO, Outcome, measure, train_case
from vae.training.step import advance, initial_state


def main() -> None:
    torch.set_num_threads(1)
    data = load_dataset("digits")
    warm = next(iter(ZOO.values())).control
    advance(initial_state(warm.config), warm.config, data, 2, warm.program)  # imports and torch's first steps
    controls: dict[object, Outcome] = {}
    print(f"{'seconds':>7}  {'cause':38} {'symptom':58} {'patient':>11} {'control':>9} {'threshold':>11}")
    for bug in ZOO.values():
        started = time.perf_counter()
        patient = train_case(bug.patient, data)
        shown = time.perf_counter()  # the measuring of the control is not the patient's time
        if bug.control not in controls:
            controls[bug.control] = train_case(bug.control, data)
        again = time.perf_counter()
        found = measure(bug, patient, controls[bug.control], data)
        seconds = shown - started + time.perf_counter() - again
        for symptom, sick, healthy in zip(bug.symptoms, found.patient, found.control):
            sign = ">" if symptom.above else "<"
            mark = "" if symptom.shown_by(sick) and not symptom.shown_by(healthy) else "  NOT SHOWN"
            print(f"{seconds:7.2f}  {bug.name:38} {symptom.name:58} {sick:11.4g} {healthy:9.4g} "
                  f"{sign} {symptom.threshold:9.4g}{mark}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
