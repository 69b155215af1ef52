"""python -m tests.load SCENARIO: what the app does under load, one JSON line and one row of a table for each run.

Scenarios: trainers, class, greedy, churn; headless is the reference; all is every scenario at every size. VAE_DATA names
where MNIST lies, as it does for the app.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from .scenarios import SCENARIOS, Scenario, Setting, Town, reference, warm
from .server import WORKERS, Server, running_server

COLUMNS = "scenario  n  data | actions p50 p95 worst | refreshes p50 p95 worst | steps/s of headless jain | memory | web workers"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__.splitlines()[0])
    parser.add_argument("scenario", choices=[*SCENARIOS, "headless", "all"])
    parser.add_argument("--sessions", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--dataset", choices=["digits", "mnist"])
    parser.add_argument("--arrive", type=float, default=0.0, help="seconds within which they come")
    parser.add_argument("--after", type=float, help="seconds that are measured on after all have left")
    parser.add_argument("--port", type=int, help="of the server; default: a free one")
    parser.add_argument(
        "--profile", type=int, default=0, metavar="SECONDS", help="py-spy on the web process (install it)"
    )
    parser.add_argument("--no-reference", action="store_true", help="do not measure the headless throughput")
    given = parser.parse_args()
    if given.scenario == "headless":
        print(reference(Setting(given.sessions or WORKERS, given.seconds or 20, given.dataset or "digits")))
        return
    print(COLUMNS)
    for name in SCENARIOS if given.scenario == "all" else [given.scenario]:
        scenario = SCENARIOS[name]
        for sessions in [given.sessions] if given.sessions else scenario.sizes:
            for dataset in [given.dataset] if given.dataset else scenario.datasets:
                setting = Setting(
                    sessions,
                    given.seconds or scenario.seconds,
                    dataset,
                    given.arrive,
                    scenario.after if given.after is None else given.after,
                    given.profile,
                    not given.no_reference,
                )
                tell(name, setting, *run(scenario, setting, given.port))


def run(scenario: Scenario, setting: Setting, port: int | None = None) -> tuple[dict, list[str]]:
    """What the scenario comes to, against a server of its own, and what a profiler told. The headless throughput is taken
    before and after, as a machine's speed drifts."""
    measured = [reference(setting)] if setting.reference else []
    with running_server(port) as server:
        told, town = asyncio.run(_run(scenario, setting, server))
    if setting.reference:
        measured.append(reference(setting))
        told["headless steps/s"], told["of it"] = round(sum(measured) / 2, 1), [round(rate, 1) for rate in measured]
    return told, town.told


async def _run(scenario: Scenario, setting: Setting, server: Server) -> tuple[dict, Town]:
    await warm(server)
    town = Town(server)
    return await scenario.run(town, setting), town


def tell(name: str, setting: Setting, told: dict, profiled: list[str]) -> None:
    share = told.get("steps/s", 0) / told["headless steps/s"] if told.get("headless steps/s") else None
    told = {
        "scenario": name,
        "sessions": setting.sessions,
        "seconds": setting.seconds,
        "dataset": setting.dataset,
    } | told
    if share is not None and "steps/s" in told:
        told["of headless"] = round(share, 3)
    print(json.dumps(told))
    print(
        f"{name:9} {setting.sessions:4} {setting.dataset} | {_reaction(told['actions'])} | {_reaction(told['refreshes'])} | "
        f"{told.get('steps/s', '-')} {told.get('of headless', '-')} {told.get('jain', '-')} | {told['memory MB']} | "
        f"{told['cores']['web']} {told['cores']['workers'] + told['cores']['other']:.2f}",
        flush=True,
    )
    for text in profiled:
        print(text)


def _reaction(told: dict) -> str:
    return f"{told['p50']:.3f} {told['p95']:.3f} {told['worst']:.2f}" if told["n"] else "-"


if __name__ == "__main__":
    main()
