"""The texts in the source that a user may see, as the catalogue of another language has them: sentences, labels, and
f-strings with {0}, {1} for their fields, {#0} where one is a number. Run as a program, it prints those that the catalogue lacks, as JSON to be filled in.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vae.language.translate import APART, ATTRIBUTE, FIELD, LANGUAGES, core
from vae.ui.shared.assets import IN_WORDS

ROOT = Path(__file__).parents[1]

# What users of the pages do not read: where it is, and why.
ELSEWHERE = {
    "vae/__init__.py": "names of the package",
    "vae/__main__.py": "the command line is English",
    "vae/serving.py": "the command line is English",
    "vae/engine/headless.py": "the command line is English",
    "vae/training/shipped.py:main": "the command line is English",
    "vae/export/script": "scripts are English",
    "vae/events.py": "lines of the log are English",
    "vae/launch.py": "lines of the log are English",
    "vae/language": "the languages name themselves",
    "vae/ui/shared/answers.py": "a mend of Streamlit, silent",
}
CODE = (  # texts that are none: what they are, by a sign of it
    r"</?style|\{[^{}]*:[^{}]*[;}]|^[\w-]+: [^{}]*; \}$|px$|^@media|^/\*|^:is\(|^border: |var\(--|light-dark\(|^(?:top|middle|bottom) (?:left|center|right)$",  # styles
    r"\\(?:frac|mathcal|mathrm|quad|text|log|sigma|cdot|lVert|tfrac|sum|le|ge|begin)\b",  # LaTeX
    r"^https?://|^[\w./-]+\.(?:py|js|csv|html|json|css)$|Path=|default-src",  # addresses, headers
    r"^(?:import|from|def|class|return|python|pip|export default|const)\b.*[=(.:]|^--|%s",  # code, commands, lines of the log
    r"^[\w, ]+ = (?:F|model|mu)\b|\) -> Tensor$",
    r"^(?:title|class)='|^[\w-]*[a-z][A-Z]\w*$|^(?![A-Z][a-z]+[.:]$)[\w.:{}-]*[_.:][\w.:{}-]*$",  # names
)
NEVER_READ = {  # and these, one by one
    "VAE Loss Lab: receipt of an exercise": "a line of a file", "python -m vae train": "the command line", "Bearer": "a header", "Secure": "a header", "public, max-age=31536000, immutable": "a header",
    "<!doctype html>": "markup", "term {0} {1}": "a class of styles", "{0} domain": "an axis in Plotly's words",
    "Viridis": "a scale in Plotly's words", "Nats": "a type", "Frame": "a type", "Parameter": "a type", "Html": "a type",
    "latent:lasso revision": "a key", "too many codes": "the log", "wrong code": "the log",
    "Looking after jobs failed; it is tried again.": "the log", "A job's turn went wrong; the others go on.": "the log",
    "A local cluster that ends when its standard input does.": "the command line", "how many": "the command line",
    "print the settings for a cluster of your own, as YAML": "the command line",
    "the number of workers, or --settings": "the command line", "allocate memory": "what torch says",
    "CUDA error": "what torch says", "CUDA driver error": "what torch says", "cuDNN error": "what torch says",
    "MPS backend out of memory": "what torch says", "this project": "a word in the log",
    "python {0}, torch {1}, numpy {2}": "a line of a file",
    "| file | trained | test −ELBO | reconstruction | KL | active units | last training epoch | compare with |": "a document",
}  # fmt: skip
IS_CODE = re.compile("|".join(CODE))


def places() -> list[Path]:
    found = sorted([*ROOT.glob("vae/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "streamlit_app.py"])
    return [p for p in found if not str(p.relative_to(ROOT)).startswith(tuple(ELSEWHERE))]


def literals(source: str) -> Iterator[str]:
    """Every string of a module and every f-string, its fields numbered; no docstrings, no names that it exports."""
    tree = ast.parse(source)
    left_out: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(node.value)
        elif isinstance(node, ast.Assign) and "__all__" in {getattr(name, "id", "") for name in node.targets}:
            left_out |= set(ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            left_out |= {part for part in node.values if isinstance(part, ast.Constant)}
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and part.format_spec is not None:
                    left_out |= set(ast.walk(part.format_spec))
    for node in ast.walk(tree):
        if node in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            count = iter(range(len(node.values)))
            yield "".join(
                part.value if isinstance(part, ast.Constant) else f"{{{'#' * is_number(part)}{next(count)}}}"
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def is_number(field: ast.FormattedValue) -> bool:
    """Whether its format is one of numbers."""
    form = ast.unparse(field.format_spec) if field.format_spec else ""
    return bool(re.search(r"[\d.,][fgde%,]*[fgde%,]'$|^f'[,gdf%]'$", form))


def pieces(text: str) -> Iterator[str]:
    """What is looked up of a text, the fields of each piece numbered from 0."""
    for part in [*APART.split(text)[::2], *(found[2] for found in ATTRIBUTE.finditer(text))]:
        numbers = {
            number: str(i) for i, number in enumerate(dict.fromkeys(number for _, number in FIELD.findall(part)))
        }
        if inner := core(FIELD.sub(lambda field, n=numbers: f"{{{field[1]}{n[field[2]]}}}", part))[1]:
            yield inner


def is_text(piece: str) -> bool:
    """Whether it is certainly to be read: several words, one beside a field, or one that begins with a capital."""
    bare = re.sub(r"\$[^$]*\$|`[^`]*`|:material/\w+:|:[\w-]+\[", " ", piece)
    if piece in NEVER_READ or IS_CODE.search(piece) or not re.search(r"[a-z]{2}", bare):
        return False
    return bool(
        re.search(r"\b(?:[A-Za-z]{2,}|A)[.,:;?!)]* +[(“]?[A-Za-z]|^\W*[A-Z][a-z]{2,}\b", FIELD.sub(" ", bare).strip())
        or re.search(r"\b[a-z]{3,},? \{#?\d|\d\} [a-z]{3,}\b", bare)
    )


@cache
def texts() -> tuple[dict[str, str], set[str]]:
    """Every certain text with the file that has it, and every piece that may be one."""
    certain: dict[str, str] = {}
    possible: set[str] = set()
    for path in places():
        for piece in (p for text in literals(path.read_text(encoding="utf-8")) for p in pieces(text)):
            possible |= {piece, *piece.split(", ")}
            if is_text(piece):
                certain.setdefault(piece, str(path.relative_to(ROOT)))
    for path in sorted(ROOT.glob("vae/ui/**/*.js")):
        for text in IN_WORDS.findall(path.read_text(encoding="utf-8")):
            possible.add(text)
            certain.setdefault(text, str(path.relative_to(ROOT)))
    return certain, possible


def catalogue(language: str) -> dict[str, str]:
    return json.loads((ROOT / "vae" / "language" / f"{language}.json").read_text(encoding="utf-8"))


def missing(language: str) -> dict[str, str]:
    """Texts without an entry, and where they are."""
    return {text: place for text, place in texts()[0].items() if text not in catalogue(language)}


if __name__ == "__main__":
    for language in set(LANGUAGES) - {"en"}:
        print(json.dumps(dict.fromkeys(missing(language), ""), ensure_ascii=False, indent=1))
