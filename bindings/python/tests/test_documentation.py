"""The code of the manual and of the README: it compiles, and what can run on its own runs."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import kesspay
import pytest
from payroll import rows, write

HERE = Path(__file__).parents[1]
MANUAL = HERE.parents[1] / "docs" / "python.md"
README = HERE / "README.md"

Python = Callable[..., "subprocess.CompletedProcess[str]"]


def blocks(path: Path) -> list[tuple[int, str]]:
    """Every block of Python: the line on which it begins, and its text."""
    text = path.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, match.start()) + 2, match[1]) for match in found]


CODE = [
    pytest.param(path, text, id=f"{path.name}:{line}")
    for path in (MANUAL, README)
    for line, text in blocks(path)
]


def meant(text: str) -> str:
    """The code, without the dots that stand for what a reader knows, and inside of what it goes on
    from."""
    text = text.replace(", ...)", ")")
    if text.startswith("    "):
        text = "if True:\n" + text
    if re.search(r"^\s*(async with|async for)|await ", text, re.MULTILINE):
        text = "async def main():\n" + re.sub("^", "    ", text, flags=re.MULTILINE)
    return text


@pytest.mark.parametrize(("path", "text"), CODE)
def test_it_compiles(path: Path, text: str) -> None:
    ast.parse(meant(text))


@pytest.mark.parametrize(("path", "text"), CODE)
def test_it_names_only_what_there_is(path: Path, text: str) -> None:
    """Attributes of the package, and keywords of what is called on `client` or `engine`."""
    owners = {"client": kesspay.Client, "engine": kesspay.PayoutEngine}
    for node in ast.walk(ast.parse(meant(text))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "kesspay":
                assert hasattr(kesspay, node.attr), node.attr
            if node.value.id in owners:
                assert hasattr(owners[node.value.id], node.attr), node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if isinstance(node.func.value, ast.Name) and node.func.value.id in owners:
                method = getattr(owners[node.func.value.id], node.func.attr)
                known = inspect.signature(method).parameters
                for keyword in node.keywords:
                    assert keyword.arg in known, (node.func.attr, keyword.arg)


def test_the_first_steps_run(python: Python, tmp_path: Path) -> None:
    first, goes_on = (text for _, text in blocks(MANUAL)[:2])
    write(tmp_path / "june.csv", rows(3))
    ran = python(f"import os; os.chdir({str(tmp_path)!r})\n" + first + goes_on)
    assert ran.returncode == 0, ran.stderr
    assert "USD" in ran.stdout and "3 paid" in ran.stdout, ran.stdout


def test_the_readme_runs(python: Python) -> None:
    ((_, text), *_) = blocks(README)
    ran = python(text)
    assert ran.returncode == 0 and ran.stdout.endswith("USD\n"), ran.stderr


SHOWN = [
    "order.reply.request_id",
    "for problem in check.problems",
    "polars.DataFrame(report)",
    "match event",
    "async with kesspay",
    "logging.basicConfig",
]

RUN = """
import asyncio, decimal, logging, os, polars, sys, kesspay
from decimal import Decimal
from pathlib import Path
from payroll import rows, write
def tell_somebody(*about):
    pass
for at, text in enumerate({texts!r}):
    os.mkdir(str(at))
    os.chdir(str(at))
    with kesspay.Sandbox() as sandbox:
        os.environ.update(sandbox.environment)
        write(Path("june.csv"), rows(12))
        client = sandbox.client()
        for number in ("PAY-2026-06-0001", "PAY-7"):
            client.create_order(out_trade_no=number, body="b", total_amount=1, currency="USD")
        engine = kesspay.PayoutEngine(client=client)
        report = engine.run("june.csv", batch="rehearsal", dry_run=True)
        exec(compile(text, f"block {{at}}", "exec"), dict(globals()))
    os.chdir("..")
print("all of them")
"""


def test_what_the_manual_shows_runs(python: Python, tmp_path: Path) -> None:
    texts = []
    for about in SHOWN:
        (text,) = [text for _, text in blocks(MANUAL) if about in text]
        # The manual pays another file than the one that is here.
        text = meant(text).replace("expect_rows=1200, ", "expect_rows=12, ")
        text = re.sub(r'expect_total=\{"USD": "[\d.]+"\}', 'expect_total={"USD": "78.78"}', text)
        is_awaited = text.startswith("async def main")
        texts.append(text + ("\nasyncio.run(main())\n" if is_awaited else ""))
    ran = python(f"import os; os.chdir({str(tmp_path)!r})" + RUN.format(texts=texts))
    assert ran.returncode == 0 and ran.stdout.endswith("all of them\n"), ran.stderr


def test_every_option_and_every_error_stands_in_the_manual() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    for option in kesspay.RunOptions.__annotations__:
        assert f"`{option}" in text, option
    for name in kesspay.errors.__all__:
        if name not in ("Error", "Interrupted"):
            assert f"`{name}`" in text, name
    for name in vars(kesspay.PayoutEngine):
        if not name.startswith("_") and name not in ("start_resume",):
            assert re.search(rf"engine\.{name}\(|PayoutEngine\.{name}|`{name}`", text), name
