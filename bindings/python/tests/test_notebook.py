"""`examples/payroll.ipynb`, executed from start to end against its sandbox."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from conftest import path_of_tests

NOTEBOOK = Path(__file__).parents[3] / "examples" / "payroll.ipynb"

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    kernel = {
        "PYTHONPATH": path_of_tests(),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kernel.items():
            patch.setenv(name, value)
        for name in [name for name in os.environ if name.startswith("KESS_")]:
            patch.delenv(name)
        client = nbclient.NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute()
    left = {path.name for path in folder.iterdir()} - {"ipython", "runtime"}
    assert not left, f"it leaves {left} behind"
    return notebook


def outputs(notebook: Any) -> list[tuple[str, Any]]:
    return [
        (cell.source, output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def test_it_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


def test_it_runs_from_start_to_end_and_asserts_what_it_says(executed: Any) -> None:
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert len(code) > 20 and all(cell.execution_count for cell in code)
    asserts = sum(cell.source.count("assert ") for cell in code)
    assert asserts > 15
    complaints = [output.text for _, output in outputs(executed)
                  if output.output_type == "stream" and output.name == "stderr"]
    assert not complaints, complaints


def test_it_shows_tables_and_a_bar(executed: Any) -> None:
    shown = [output for _, output in outputs(executed)
             if output.output_type in ("display_data", "execute_result")]
    pages = [output.data.get("text/html", "") for output in shown]
    tables = [html for html in pages if "<table" in html]
    charts = [html for html in tables if "<svg" in html]
    assert len(tables) >= 8 and len(charts) >= 4
    bars = [output for output in shown
            if "application/vnd.jupyter.widget-view+json" in output.data
            or "rows/s" in output.data.get("text/html", "") + output.data.get("text/plain", "")]
    assert bars, "a run in a notebook shows its progress"


def test_it_shows_nobody(executed: Any) -> None:
    """A notebook is saved with all that it shows."""
    personal = ("bopha@example.com", "kosal@example.com", "012000", "/otp/", "000120101",
                "000120504", "000120777")
    for source, output in outputs(executed):
        text = str(output)
        for marker in personal:
            assert marker not in text, f"{marker} is shown by: {source}"
