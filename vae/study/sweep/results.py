"""The file that keeps a sweep's results: CSV, a line for each finished cell, appended and never changed.

pandas.read_csv(path) reads it. Each line has the settings and the measures in columns of their own, and the whole
config, the trajectory, a few pictures and the sweep's specification as text: the file alone is enough to go on from.
A line is written at once and forced to the disk. What a crash leaves behind the last whole line is cut off.
"""

from __future__ import annotations

import base64
import codecs
import csv
import errno
import io
import itertools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vae.data import find_source
from vae.errors import SettingError, VaeError
from vae.study.sweep.cell import Measures, Point, Result
from vae.study.sweep.grid import MOST_CELLS, USUAL, SweepSpec, cell_id, in_order
from vae.training import schema
from vae.training.axes import AXES
from vae.training.config import TrainConfig
from vae.training.schema import LEAST_KL, decoded, record, written_number, written_whole

VERSION = 1
LARGEST = 64 << 20  # bytes
_MEASURES = ("negative_elbo", *(f.name for f in fields(Measures)))
_OF_FACTORS = ("mig", "sap")  # columns only where the data set's factors are known
_REST = ("seconds", "threads", "versions", "failure", "config", "trajectory", "pictures", "spec")
_NEEDED = ("version", "cell", "dataset", *USUAL, *(name for name in _MEASURES if name not in _OF_FACTORS), *_REST)
_BEGINS = b"version,cell,"
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
MOST_POINTS = 1000  # of a trajectory
MOST_TEXT = 500  # characters of a text that is shown
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SweepError(VaeError):
    """A results file that cannot be read, written or gone on with."""


# ---- A line of the file ------------------------------------------------------------------------------------------


def columns(spec: SweepSpec) -> tuple[str, ...]:
    """The names of a file's columns: the usual settings, and whatever else the sweep varies."""
    settings = [name for name in AXES if name in USUAL or name in spec.varied]
    clash = {name: f"{name}_set" for name in settings if name in _MEASURES}  # a sigma that is set, and one reached
    return (
        "version",
        "cell",
        "dataset",
        *(clash.get(name, name) for name in settings),
        *_measured(spec.base.dataset),
        *_REST,
    )


def _measured(dataset: str) -> tuple[str, ...]:
    """The measures of cells that are trained on that data set."""
    return tuple(name for name in _MEASURES if name not in _OF_FACTORS or find_source(dataset).factors)


def _line(values: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return " ".join(text.getvalue().splitlines()).encode() + b"\n"


def line_of(result: Result, spec: SweepSpec) -> bytes:
    """The result as one line, its end included."""
    config, m = result.config, result.measures
    settings = [AXES[name].get(config) for name in AXES if name in USUAL or name in spec.varied]
    measured = [None if m is None else getattr(m, name) for name in _measured(config.dataset)]
    steps = list(zip(*(astuple(point) for point in result.trajectory))) or [()] * 4
    trajectory = {f.name: column for f, column in zip(fields(Point), steps)}
    rest = (
        round(result.seconds, 3), result.threads, result.versions, result.failure, config.to_json(),
        json.dumps(trajectory, separators=(",", ":")), base64.b64encode(result.pictures).decode(), spec.to_json(),
    )  # fmt: skip
    return _line([VERSION, cell_id(config), config.dataset, *settings, *measured, *rest])


def _result_of(row: Mapping[str, str]) -> Result:
    """The result that a line holds; SettingError names what in it cannot be."""
    config = TrainConfig.from_json(row["config"])
    _check_settings(row, config)
    return Result(
        config,
        None if row["failure"] else _measures_of(row, config),
        _trajectory_of(decoded("trajectory", row["trajectory"]), config, bool(row["failure"])),
        _pictures_of(row["pictures"]),
        written_number("seconds", row["seconds"], 0),
        written_whole("threads", row["threads"], 1, 4096),
        row["versions"][:MOST_TEXT],
        row["failure"][:MOST_TEXT],
    )


def _check_settings(row: Mapping[str, str], config: TrainConfig) -> None:
    """The columns that tell the settings again say the same."""
    same = {"dataset": config.dataset} | {name: AXES[name].get(config) for name in USUAL}
    for name, value in same.items():
        text = row[name]
        if text != str(value) and (isinstance(value, str) or written_number(name, text) != value):
            raise SettingError(name, text, f"{value}, as in this line's config, is accepted")


def _measures_of(row: Mapping[str, str], config: TrainConfig) -> Measures:
    figures: dict[str, Any] = {name: written_number(name, row[name]) for name in ("reconstruction", "negative_elbo")}
    low = {"kl": (LEAST_KL,), "squared_error": (0,), "sharpness": (0,), "middle": (0, 1), "sigma": (0,)}
    for name, bounds in low.items():
        figures[name] = written_number(name, row[name], *bounds) if row[name] or name != "sigma" else None
    for name in _OF_FACTORS:
        figures[name] = written_number(name, row[name], 0, 1) if row.get(name) else None
    if (figures["sigma"] is None) != (config.loss_record().origin("sigma") is None):
        raise SettingError(
            "sigma", figures["sigma"], "a number is accepted where the loss has a sigma, and nothing else"
        )
    found = Measures(active_units=_active_units(row["active_units"], config), **{
        f.name: figures[f.name] for f in fields(Measures) if f.name != "active_units"
    })  # fmt: skip
    if not math.isclose(found.negative_elbo, figures["negative_elbo"], rel_tol=1e-6, abs_tol=1e-6):
        raise SettingError("negative_elbo", figures["negative_elbo"], "the sum of reconstruction and kl is accepted")
    return found


def _active_units(text: str, config: TrainConfig) -> int:
    """Spreadsheets write a whole number as 8.0, too."""
    return written_whole("active_units", text.removesuffix(".0"), 0, config.latent_dim)


def _trajectory_of(value: object, config: TrainConfig, failed: bool) -> tuple[Point, ...]:
    """The points; of a training that failed, those before its figures were no numbers any more."""
    held = record("trajectory", value, (f.name for f in fields(Point)))
    columns = [held[f.name] for f in fields(Point)]
    if not all(isinstance(column, list) and len(column) == len(columns[0]) <= MOST_POINTS for column in columns):
        raise SettingError("trajectory", value, f"lists of one length, of at most {MOST_POINTS} numbers, are accepted")
    rows = list(zip(*columns))
    if failed:
        rows = list(itertools.takewhile(lambda row: all(map(_is_finite, row)), rows))
    return tuple(
        Point(
            schema.whole("trajectory.step", step, 0, config.total_steps),
            schema.number("trajectory.reconstruction", reconstruction),
            schema.number("trajectory.kl", kl, LEAST_KL),
            schema.number("trajectory.squared_error", squared_error, 0),
        )
        for step, reconstruction, kl, squared_error in rows
    )


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) < 1e300  # which a NaN is not


def _pictures_of(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise SettingError("pictures", text, "base64 is accepted") from None


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
            return file.read(len(codecs.BOM_UTF8 + _BEGINS)).removeprefix(codecs.BOM_UTF8).startswith(_BEGINS)
    except OSError:
        return False


def read_results(path: str | os.PathLike[str]) -> Sheet:
    """Read a results file; SweepError says in one sentence why it cannot be used."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise SweepError(f"{path.name} is larger than {LARGEST >> 20} MiB, more than any sweep of this app.")
        return parse_results(path.name, path.read_bytes())
    except OSError as reason:
        raise SweepError(f"{path.name} cannot be read: {reason.strerror or reason}.") from None


def parse_results(name: str, content: bytes) -> Sheet:
    """The content of a results file. A torn last line is left out, with a notice; a cell counts once, and so does the
    header, where files of one sweep were joined."""
    if len(content) > LARGEST:
        raise SweepError(f"{name} is larger than {LARGEST >> 20} MiB, more than any sweep of this app.")
    whole, torn = _whole_lines(content.removeprefix(codecs.BOM_UTF8))
    if whole and not whole.startswith(_BEGINS):
        raise SweepError(f"{name} is not a results file of this app: its columns do not begin with version, cell.")
    results: dict[TrainConfig, Result] = {}
    specs: dict[str, SweepSpec] = {}
    for number, row in _rows(name, whole):
        try:
            result = _result_of(row)
            if row["spec"] not in specs:
                specs[row["spec"]] = SweepSpec.from_json(row["spec"])
        except VaeError as reason:
            raise SweepError(_why_not(name, number, row["version"], reason)) from None
        results.setdefault(result.config, result)
    spec = next(iter(specs.values()), None)
    if spec and (foreign := [c for c in results if c not in set(spec.cells())]):
        raise SweepError(f"{name} mixes two sweeps: the cell {cell_id(foreign[0])} is not part of the first line's.")
    ordered = in_order(results.values(), spec) if spec else ()
    return Sheet(name, spec, ordered, _torn_notice(name) if torn else "")


def _rows(name: str, whole: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines below the header, each with its number, as a value for every column. SweepError for other lines."""
    try:
        reader = csv.reader(io.StringIO(whole.decode("utf-8"), newline=""), strict=True)
        header = next(reader, [])
        if header and (missing := [column for column in _NEEDED if header.count(column) != 1]):
            raise SweepError(f"{name} is not a results file of this app: it needs one column {missing[0]}.")
        read, number = 0, 2
        for row in reader:
            read += bool(row)
            if read > 10 * MOST_CELLS:
                raise SweepError(f"{name} has more than {10 * MOST_CELLS:,} lines, more than any sweep of this app.")
            if row and row != header:
                yield number, dict(zip(header, _fitting(name, number, row, header)))
            number = reader.line_num + 1
    except UnicodeDecodeError:
        raise SweepError(f"{name} is not a results file of this app: it is not a table as text.") from None
    except csv.Error:
        raise SweepError(f"{name} is damaged in line {number}: it is no line of a table from there on.") from None


def _fitting(name: str, number: int, row: list[str], header: list[str]) -> list[str]:
    if row[0].startswith(_CONFLICT):
        raise SweepError(
            f"{name} has a conflict mark of git in line {number}: keep the lines of one side or of both, without the marks."
        )
    if row[:2] == header[:2]:
        raise SweepError(
            f"{name} holds the header of another sweep in line {number}: open each of the two files alone."
        )
    if len(row) != len(header):
        raise SweepError(f"{name} is damaged in line {number}: it has {len(row)} values for {len(header)} columns.")
    return row


def _why_not(name: str, number: int, version: str, reason: VaeError) -> str:
    if version != str(VERSION) and re.fullmatch("[0-9]{1,4}", version):
        return (
            f"{name} was written by another version ({version}; this app writes {VERSION}) and cannot be used: {reason}"
        )
    return f"{name} is damaged in line {number}: {reason}"


def _whole_lines(content: bytes) -> tuple[bytes, bool]:
    """The content up to the end of its last whole line, and whether there was more. No field of ours has a line end within
    it; an editor may have left out the very last one."""
    end = content.rfind(b"\n") + 1
    if _is_whole(content[end:]):
        return content + b"\n", False
    return content[:end], end < len(content)


def _is_whole(line: bytes) -> bool:
    """Whether a line without its end holds a whole record: the last of its fields is an object, which ends with itself."""
    try:
        row = next(csv.reader([line.decode("utf-8")], strict=True), [])
        return bool(row) and isinstance(decoded("spec", row[-1]), dict)
    except (UnicodeDecodeError, csv.Error, SettingError):
        return False


def _header_of(whole: bytes) -> bytes:
    return whole.removeprefix(codecs.BOM_UTF8).partition(b"\n")[0].rstrip(b"\r")


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

    def __init__(self, path: str | os.PathLike[str], spec: SweepSpec):
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
            header, content = _line(columns(self.spec)), self.path.read_bytes()
            whole, torn = _whole_lines(content)
            if torn and not whole and not header.startswith(content):
                raise SweepError(f"{self.path.name} is not a results file of this app; it is left as it is.")
            if sheet.spec not in (None, self.spec) or (whole and _header_of(whole) != _header_of(header)):
                raise SweepError(
                    f"{self.path.name} holds another sweep: ask for the same grid and settings to go on with it, "
                    "or choose another file."
                )
            self._size = len(whole) if torn else len(content)
            self.notice = sheet.notice
            self.results = sheet.results
            self._done = {result.config for result in sheet.results}
            if torn:
                os.ftruncate(self._handle, self._size)
        except OSError as reason:
            raise self._refused(reason) from None
        if not whole:
            self._write(header)
        elif not torn and len(whole) > len(content):
            self._write(b"\n")

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


def to_table(results: Sequence[Result], varied: Sequence[str]) -> list[dict[str, object]]:
    """The results as rows of plain values, for a table on a page: what varies, and the measures."""
    rows = []
    for result in results:
        settings = {name: AXES[name].get(result.config) for name in AXES if name in varied or name == "seed"}
        m = result.measures
        measured = {name: None if m is None else getattr(m, name) for name in _measured(result.config.dataset)}
        rows.append(settings | measured | {"seconds": result.seconds, "failure": result.failure})
    return rows
