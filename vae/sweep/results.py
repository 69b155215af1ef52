"""The file that keeps a sweep's results: CSV, a line for each finished cell, appended and never changed.

pandas.read_csv(path) reads it. Each line has the settings and the measures in columns of their own, and the whole
config, the trajectory, a few pictures and the sweep's specification as text: the file alone is enough to go on from.
A line is written at once and forced to the disk. What a crash leaves behind the last whole line is cut off.
"""

from __future__ import annotations

import base64
import csv
import errno
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

from filelock import FileLock, Timeout

from vae.config import TrainConfig
from vae.errors import VaeError
from vae.sweep.cell import Measures, Point, Result
from vae.sweep.grid import AXES, MOST_CELLS, USUAL, SweepSpec, cell_id, in_order

VERSION = 1
LARGEST = 64 << 20  # bytes
_MEASURES = ("negative_elbo", *(f.name for f in fields(Measures)))
_REST = ("seconds", "threads", "versions", "failure", "config", "trajectory", "pictures", "spec")
_BEGINS = b"version,cell,"
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SweepError(VaeError):
    """A results file that cannot be read, written or gone on with."""


# ---- A line of the file ------------------------------------------------------------------------------------------


def columns(spec: SweepSpec) -> tuple[str, ...]:
    """The names of a file's columns: the usual settings, and whatever else the sweep varies."""
    settings = [name for name in AXES if name in USUAL or name in spec.varied]
    clash = {name: f"{name}_set" for name in settings if name in _MEASURES}  # a sigma that is set, and one reached
    return ("version", "cell", "dataset", *(clash.get(name, name) for name in settings), *_MEASURES, *_REST)


def _line(values: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return " ".join(text.getvalue().splitlines()).encode() + b"\n"


def line_of(result: Result, spec: SweepSpec) -> bytes:
    """The result as one line, its end included."""
    config, m = result.config, result.measures
    settings = [AXES[name].get(config) for name in AXES if name in USUAL or name in spec.varied]
    measured = [None] * len(_MEASURES) if m is None else [m.negative_elbo, *astuple(m)]
    steps = list(zip(*(astuple(point) for point in result.trajectory))) or [()] * 4
    trajectory = {f.name: column for f, column in zip(fields(Point), steps)}
    rest = (
        round(result.seconds, 3), result.threads, result.versions, result.failure, config.to_json(),
        json.dumps(trajectory, separators=(",", ":")), base64.b64encode(result.pictures).decode(), spec.to_json(),
    )  # fmt: skip
    return _line([VERSION, cell_id(config), config.dataset, *settings, *measured, *rest])


def _result_of(row: Mapping[str, str]) -> Result:
    """ValueError and its kin, or KeyError, for a line that is not one of ours."""
    failure = row["failure"]
    measured = {f.name: _number(row[f.name]) for f in fields(Measures)}
    m = None
    if not failure:
        m = Measures(**measured | {"active_units": int(measured["active_units"])})
    steps = json.loads(row["trajectory"])
    points = zip(*(steps[f.name] for f in fields(Point)), strict=True)
    trajectory = tuple(Point(int(step), *map(float, rest)) for step, *rest in points)
    return Result(
        TrainConfig.from_json(row["config"]),
        m,
        trajectory,
        base64.b64decode(row["pictures"], validate=True),
        float(row["seconds"]),
        int(row["threads"]),
        row["versions"],
        failure,
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


# ---- Reading -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sheet:
    """A results file as read. spec: None before the first result. notice: what was odd about it, a sentence or ""."""

    name: str
    spec: SweepSpec | None
    results: tuple[Result, ...]
    notice: str = ""

    @property
    def missing(self) -> tuple[TrainConfig, ...]:
        """The cells that have no result yet, in their order."""
        done = {result.config for result in self.results}
        return tuple(config for config in self.spec.cells() if config not in done) if self.spec else ()


def is_results(path: Path) -> bool:
    """Whether a file begins as results files of this app do, of whatever version."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINS)) == _BEGINS
    except OSError:
        return False


def read_results(path: str | os.PathLike) -> Sheet:
    """Read a results file; SweepError says in one sentence why it cannot be used."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise SweepError(f"{path.name} is larger than {LARGEST >> 20} MiB, more than any sweep of this app.")
        return parse_results(path.name, path.read_bytes())
    except OSError as reason:
        raise SweepError(f"{path.name} cannot be read: {reason.strerror or reason}.") from None


def parse_results(name: str, content: bytes) -> Sheet:
    """The content of a results file. A torn last line is left out, with a notice; a cell counts once."""
    if len(content) > LARGEST:
        raise SweepError(f"{name} is larger than {LARGEST >> 20} MiB, more than any sweep of this app.")
    whole, torn = _whole_lines(content)
    try:
        rows = list(csv.DictReader(io.StringIO(whole.decode("utf-8"))))
    except (UnicodeDecodeError, csv.Error):
        raise SweepError(f"{name} is not a results file of this app: it is not a table as text.") from None
    if whole and not whole.startswith(_BEGINS):
        raise SweepError(f"{name} is not a results file of this app: its columns do not begin with version, cell.")
    if len(rows) > 10 * MOST_CELLS:
        raise SweepError(f"{name} has {len(rows):,} lines, more than any sweep of this app.")
    results, spec = {}, None
    for number, row in enumerate(rows, start=2):
        try:
            result = _result_of(row)
            spec = spec or SweepSpec.from_json(row["spec"])
        except (VaeError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as reason:
            raise SweepError(_why_not(name, number, row, reason)) from None
        results.setdefault(result.config, result)
    if spec and (foreign := [c for c in results if c not in set(spec.cells())]):
        raise SweepError(f"{name} mixes two sweeps: the cell {cell_id(foreign[0])} is not part of the first line's.")
    ordered = in_order(results.values(), spec) if spec else ()
    return Sheet(name, spec, ordered, _torn_notice(name) if torn else "")


def _why_not(name: str, number: int, row: Mapping[str, str], reason: Exception) -> str:
    version = str(row.get("version"))[:20]
    said = str(reason).rstrip(".") if isinstance(reason, VaeError) else f"{type(reason).__name__} at {str(reason)[:80]}"
    if version != str(VERSION):
        return (
            f"{name} was written by another version ({version}; this app writes {VERSION}) and cannot be used: {said}."
        )
    return f"{name} is damaged in line {number}: {said}."


def _whole_lines(content: bytes) -> tuple[bytes, bool]:
    """The content up to its last line end, and whether there was more: no field of ours has a line end within it."""
    end = content.rfind(b"\n") + 1
    return content[:end], end < len(content)


def _torn_notice(name: str) -> str:
    return (
        f"The last line of {name} was torn when its writer was stopped; it is left out, and its cell counts as missing."
    )


# ---- Writing -----------------------------------------------------------------------------------------------------


class ResultsFile:
    """A results file open for appending. One writer at a time: another one gets a SweepError at once.

    Opening makes the file if need be, cuts a torn last line off (see notice), and reads what is there. SweepError where
    the file holds another sweep, is no results file, or cannot be written: then it stays as it is.
    """

    def __init__(self, path: str | os.PathLike, spec: SweepSpec):
        self.path, self.spec = Path(path), spec
        self._lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise SweepError(f"{self.path.name} is being written by another sweep: wait for it, or stop it.") from None
        except OSError as reason:
            raise self._refused(reason) from None
        self._handle = -1
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            self._handle = os.open(self.path, FLAGS, 0o644)
            sheet = read_results(self.path)
            header = _line(columns(self.spec))
            whole, torn = _whole_lines(self.path.read_bytes())
            if torn and not whole and not header.startswith(self.path.read_bytes()):
                raise SweepError(f"{self.path.name} is not a results file of this app; it is left as it is.")
            if sheet.spec not in (None, self.spec) or (whole and not whole.startswith(header)):
                raise SweepError(
                    f"{self.path.name} holds another sweep: ask for the same grid and settings to go on with it, "
                    "or choose another file."
                )
            self._size = len(whole)
            self.notice = sheet.notice
            self.results = sheet.results
            self._done = {result.config for result in sheet.results}
            if torn:
                os.ftruncate(self._handle, self._size)
        except OSError as reason:
            raise self._refused(reason) from None
        if not whole:
            self._write(header)

    @property
    def missing(self) -> tuple[TrainConfig, ...]:
        """The cells that have no result yet, in their order."""
        return tuple(config for config in self.spec.cells() if config not in self._done)

    def append(self, result: Result) -> bool:
        """Write a result and force it to the disk; False, and nothing is written, if its cell has one already.

        SweepError where it could not be written, as on a full disk: the file then ends with its last whole line.
        """
        if result.config in self._done:
            return False
        self._write(line_of(result, self.spec))
        self._done.add(result.config)
        return True

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:  # one write as a rule; a disk that fills up takes a part, and refuses the next
                rest = rest[os.write(self._handle, rest) :]
            os.fsync(self._handle)
        except OSError as reason:
            os.ftruncate(self._handle, self._size)
            raise self._refused(reason) from None
        self._size += len(line)

    def _refused(self, reason: OSError) -> SweepError:
        if reason.errno in _FULL:
            return SweepError(
                f"{self.path.name} cannot grow, as the disk is full: free some space and resume; "
                "every finished cell is kept, and only the missing ones run."
            )
        return SweepError(f"{self.path.name} cannot be written: {reason.strerror or reason}.")

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        self._lock.release()


def to_table(results: Sequence[Result], varied: Sequence[str]) -> list[dict]:
    """The results as rows of plain values, for a table on a page: what varies, and the measures."""
    rows = []
    for result in results:
        settings = {name: AXES[name].get(result.config) for name in AXES if name in varied or name == "seed"}
        m = result.measures
        measured = dict.fromkeys(_MEASURES) if m is None else {"negative_elbo": m.negative_elbo} | asdict(m)
        rows.append(settings | measured | {"seconds": result.seconds, "failure": result.failure})
    return rows
