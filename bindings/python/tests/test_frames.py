"""Frames of every library: the same findings as for a file, nothing lost, nothing guessed."""

from __future__ import annotations

import json
import random
import subprocess
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import kesspay
import pandas
import polars
import pyarrow
import pytest
from payroll import command, row, rows, total, write

Frame = Callable[[list[dict[str, Any]]], Any]
FRAMES: list[Frame] = [pandas.DataFrame, polars.DataFrame, pyarrow.Table.from_pylist]

WRONG = [
    row(1),
    row(2, bank_account_number="000-120-504"),
    row(3, email="dara.example.com"),
    row(4, amount=Decimal("10.005")),
    row(5, currency="KHR", amount=Decimal("1000.50")),
    row(1),
    row(7, first_name=""),
    row(8, bic="abaakhpp", phone_number="12345678"),
]


SCHEMAS = "http://schemas.openxmlformats.org"
PACKAGE = f"{SCHEMAS}/package/2006"
OFFICE = f"{SCHEMAS}/officeDocument/2006/relationships"
SHEET = f"{SCHEMAS}/spreadsheetml/2006/main"


class Own:
    """Somebody's own class, which speaks Arrow and nothing else."""

    def __init__(self, table: pyarrow.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def workbook(path: Path, people: list[dict[str, Any]]) -> Path:
    """A workbook with one sheet, every cell text."""
    lines = [list(people[0]), *([str(value) for value in person.values()] for person in people)]
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{it}</t></is></c>' for it in line) + "</row>"
        for line in lines
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", f"<Types xmlns='{PACKAGE}/content-types'/>")
        book.writestr(
            "_rels/.rels",
            f"<Relationships xmlns='{PACKAGE}/relationships'><Relationship Id='r1' "
            f"Type='{OFFICE}/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        )
        book.writestr(
            "xl/workbook.xml",
            f"<workbook xmlns='{SHEET}' xmlns:r='{OFFICE}'>"
            "<sheets><sheet name='June' sheetId='1' r:id='r1'/></sheets></workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f"<Relationships xmlns='{PACKAGE}/relationships'><Relationship Id='r1' "
            f"Type='{OFFICE}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>",
        )
        book.writestr(
            "xl/worksheets/sheet1.xml",
            f"<worksheet xmlns='{SHEET}'><sheetData>{cells}</sheetData></worksheet>",
        )
    return path


def found(findings: list[kesspay.Finding]) -> list[dict[str, Any]]:
    names = ("line", "row", "column", "code", "value", "message", "hint")
    return [{name: getattr(finding, name) for name in names} for finding in findings]


def codes(frame: Any) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.column) for finding in kesspay.check(frame).problems]


def test_a_path_is_checked_as_the_command_checks_it(tmp_path: Path) -> None:
    path = write(tmp_path / "june.csv", WRONG)
    told = json.loads(command("check", path, "--json", cwd=tmp_path).stdout)
    for source in (path, str(path)):
        check = kesspay.check(source)
        assert found(check.problems) == told["problems"] and check.problems
        assert found(check.warnings) == told["warnings"]
        assert (check.rows, check.valid) == (told["rows"], told["valid"]) == (8, 0)
        assert {name: str(total) for name, total in check.totals.items()} == told["totals"]
        assert not check.ok and not check


@pytest.mark.parametrize("frame", [*FRAMES, lambda them: Own(pyarrow.Table.from_pylist(them))])
def test_a_frame_is_checked_as_the_file_would_be(frame: Frame, tmp_path: Path) -> None:
    # As text, because a frame has one scale for all of its decimals.
    wrong = [{**person, "amount": str(person["amount"])} for person in WRONG]
    path = write(tmp_path / "june.csv", wrong)
    told = json.loads(command("check", path, "--json", cwd=tmp_path).stdout)
    check = kesspay.check(frame(wrong))
    assert found(check.problems) == told["problems"]
    assert found(check.warnings) == told["warnings"]
    assert (check.rows, check.valid) == (told["rows"], told["valid"])


def test_a_workbook_is_checked(tmp_path: Path) -> None:
    book = workbook(tmp_path / "june.xlsx", WRONG)
    told = json.loads(command("check", book, "--json", cwd=tmp_path).stdout)
    check = kesspay.check(book)
    assert found(check.problems) == told["problems"] and check.rows == len(WRONG)
    right = kesspay.check(workbook(tmp_path / "right.xlsx", rows(3)))
    assert right.ok and right.totals == {"USD": total(rows(3))}


def test_findings_are_a_frame_themselves() -> None:
    check = kesspay.check(pandas.DataFrame(WRONG))
    frames = check.to_polars(), polars.from_pandas(check.to_pandas())
    for frame in frames:
        assert frame["kind"].to_list() == ["problem"] * len(check.problems) + ["warning"] * len(
            check.warnings
        )
        assert frame["code"].to_list()[: len(check.problems)] == [it.code for it in check.problems]
        assert frame["line"].to_list()[: len(check.problems)] == [it.line for it in check.problems]
    clean = kesspay.check(pandas.DataFrame(rows(2)))
    assert clean.ok and clean.to_polars().height == 0 and pyarrow.table(clean).num_rows == 0


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    "column", ["bank_account_number", "phone_number", "postcode", "Account No."]
)
def test_numbers_under_digits_are_refused(frame: Frame, column: str) -> None:
    people = [{**person, column: 120101} for person in rows(2)]
    if column == "Account No.":
        for person in people:
            del person["bank_account_number"]
    with pytest.raises(TypeError, match="leading zeros") as raised:
        kesspay.check(frame(people))
    assert column in str(raised.value) and "120101" not in str(raised.value)


@pytest.mark.parametrize("frame", FRAMES)
def test_binary_amounts_are_refused(frame: Frame) -> None:
    with pytest.raises(TypeError, match="`amount` holds binary floats: .*exact"):
        kesspay.check(frame([{**person, "amount": 10.5} for person in rows(2)]))


@pytest.mark.parametrize(
    ("column", "value"),
    [("email", 5), ("currency", True), ("first_name", b"Dara"), ("amount", True), ("amount", b"1"),
     ("reference", 1.5), ("reference", True), ("bank_account_number", 1.0)],
)
def test_other_types_are_refused_too(column: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"`{column}`"):
        kesspay.check(pyarrow.Table.from_pylist([{**row(1), column: value}]))


def test_what_is_no_source_is_said() -> None:
    for wrong in (5, None, [row(1)], {"amount": [1]}, polars.DataFrame(rows(1)).lazy(), object()):
        with pytest.raises(TypeError, match="__arrow_c_stream__"):
            kesspay.check(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="named columns"):
        kesspay.check(polars.Series("amount", [1, 2]))
    with pytest.raises(kesspay.Error) as raised:
        kesspay.check("/nowhere/june.csv")
    assert "/nowhere/june.csv" in str(raised.value)


def test_amounts_of_every_width_and_scale_are_the_same_money() -> None:
    types = [
        pyarrow.decimal32(9, 2),
        pyarrow.decimal64(18, 2),
        pyarrow.decimal128(38, 2),
        pyarrow.decimal128(20, 6),
        pyarrow.decimal256(76, 10),
    ]
    people = rows(3)
    for of in types:
        table = pyarrow.Table.from_pylist(people)
        amounts = pyarrow.array([person["amount"] for person in people]).cast(of)
        at = table.column_names.index("amount")
        check = kesspay.check(table.set_column(at, "amount", amounts))
        assert check.ok and check.totals == {"USD": total(people)}, of
    for of in (pyarrow.int8(), pyarrow.uint64(), pyarrow.int64()):
        whole = pyarrow.array([1, 2, 3], of)
        check = kesspay.check(pyarrow.Table.from_pylist(people).set_column(7, "amount", whole))
        assert check.ok and check.totals == {"USD": Decimal(6)}, of
    negative = pyarrow.array([Decimal("-1.00"), Decimal(0), Decimal("1.00")])
    check = kesspay.check(pyarrow.Table.from_pylist(people).set_column(7, "amount", negative))
    assert [finding.row for finding in check.problems] == [1, 2]


@pytest.mark.parametrize("frame", FRAMES)
def test_riel_in_a_column_with_two_places_are_riel(frame: Frame) -> None:
    people = [row(1, amount=Decimal("10.50")), row(2, amount=Decimal("40000.00"), currency="KHR")]
    check = kesspay.check(frame(people))
    assert check.ok, check.problems
    assert check.totals == {"USD": Decimal("10.50"), "KHR": Decimal(40000)}
    people[1]["amount"] = Decimal("40000.50")
    assert codes(frame(people)) == [("amount_decimals", "amount")]


def test_text_of_every_kind_is_text() -> None:
    people = rows(3)
    plain = pyarrow.Table.from_pylist([{**it, "amount": str(it["amount"])} for it in people])
    dictionary = pyarrow.dictionary(pyarrow.int16(), pyarrow.string())
    for of in (pyarrow.large_string(), pyarrow.string_view(), dictionary):
        schema = pyarrow.schema([(name, of) for name in plain.column_names])
        check = kesspay.check(plain.cast(schema))
        assert check.ok and check.totals == {"USD": total(people)}, of
    frame = pandas.DataFrame(people)
    for name in ("currency", "bic", "bank_account_number"):
        frame[name] = frame[name].astype("category")
    assert kesspay.check(frame).ok
    enum = polars.DataFrame(people).with_columns(
        polars.col("currency").cast(polars.Categorical),
        polars.col("bic").cast(polars.Enum(["ABAAKHPP", "WING"])),
    )
    assert kesspay.check(enum).ok


@pytest.mark.parametrize("frame", FRAMES)
def test_what_is_not_there_is_missing(frame: Frame) -> None:
    people = [*rows(2), row(3, email=None), row(4, amount=None)]
    assert codes(frame(people)) == [("missing", "email"), ("missing", "amount")]
    nobody = [{**person, "holder_name": None, "email": None} for person in rows(2)]
    assert codes(frame(nobody)) == [("missing", "email")] * 2


def test_missing_values_of_pandas_are_missing() -> None:
    for nothing in (None, float("nan"), pandas.NA):
        frame = pandas.DataFrame([*rows(2), row(3, email=nothing)])
        assert codes(frame) == [("missing", "email")], nothing


def test_a_filtered_frame_has_the_rows_that_are_left() -> None:
    people = pandas.DataFrame(rows(6))
    left = people[people["amount"] > 4]
    check = kesspay.check(left)
    assert check.ok and check.rows == 3 and check.totals == {"USD": total(rows(6)[3:])}
    named = people.set_index("reference", drop=False).iloc[::2]
    named.index.name = None
    assert kesspay.check(named).ok
    # A name of the index is a column like any other: here the reference itself.
    assert kesspay.check(people.set_index("reference")).ok
    assert kesspay.check(people.sample(frac=1, random_state=3)).ok
    assert kesspay.check(polars.DataFrame(rows(6)).filter(polars.col("amount") > 4)).rows == 3


def test_several_chunks_are_one_frame() -> None:
    tables = [pyarrow.Table.from_pylist([person]) for person in rows(5)]
    for whole in (
        pyarrow.concat_tables(tables),
        polars.concat([polars.DataFrame(table) for table in tables], rechunk=False),
    ):
        check = kesspay.check(whole)
        assert check.rows == 5 and check.ok
    assert kesspay.check(pyarrow.RecordBatchReader.from_batches(
        tables[0].schema, [batch for table in tables for batch in table.to_batches()]
    )).rows == 5


KHMER = {
    "reference": "លេខយោង",
    "first_name": "នាមខ្លួន",
    "last_name": "នាមត្រកូល",
    "phone_number": "លេខទូរស័ព្ទ",
    "email": "អ៊ីមែល",
    "bank_account_number": "លេខគណនី",
    "bic": "កូដធនាគារ",
    "amount": "ចំនួនទឹកប្រាក់",
    "currency": "រូបិយប័ណ្ណ",
}


@pytest.mark.parametrize("frame", FRAMES)
def test_headings_in_khmer_and_in_other_spellings(frame: Frame) -> None:
    khmer = [{KHMER[name]: value for name, value in person.items()} for person in rows(2)]
    assert kesspay.check(frame(khmer)).ok
    numbers = [{**person, KHMER["bank_account_number"]: 12} for person in khmer]
    with pytest.raises(TypeError, match="leading zeros"):
        kesspay.check(frame(numbers))
    floats = [{**person, KHMER["amount"]: 1.5} for person in khmer]
    with pytest.raises(TypeError, match="exact"):
        kesspay.check(frame(floats))


def test_a_column_twice() -> None:
    frame = pandas.DataFrame(rows(2))
    frame.insert(0, "Amount ", "1")
    problem, *rest = kesspay.check(frame).problems
    assert problem.code == "duplicate_column" and problem.column == "amount" and not rest
    assert problem.row is None


@pytest.mark.parametrize(
    "nobody",
    [
        pandas.DataFrame(),
        polars.DataFrame(),
        pyarrow.table({}),
        pandas.DataFrame(rows(2)).iloc[:0],
        polars.DataFrame(rows(2)).clear(),
        pandas.DataFrame(index=range(3)),
    ],
    ids=["pandas", "polars", "pyarrow", "no row", "no row of polars", "no column"],
)
def test_nothing_is_refused_and_does_no_harm(nobody: Any) -> None:
    check = kesspay.check(nobody)
    assert not check.ok and check.rows == check.valid == 0 and check.totals == {}
    assert all(problem.row is None for problem in check.problems)


def test_mixed_types_in_a_column_of_objects_say_so() -> None:
    people = rows(2)
    people[1]["bank_account_number"] = 120101
    with pytest.raises((TypeError, pyarrow.ArrowInvalid, pyarrow.ArrowTypeError)):
        kesspay.check(pandas.DataFrame(people))
    people = rows(2)
    people[1]["amount"] = 1.5
    with pytest.raises((TypeError, pyarrow.ArrowInvalid, pyarrow.ArrowTypeError)):
        kesspay.check(pandas.DataFrame(people))


AWKWARD = ['a "quoted" word', "two\nlines", "=1+1", "a,b;c\td", "'", "", " ", "-5", "\\",
           "សុខ ដារ៉ា"]


def test_no_value_can_become_another_cell(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> None:
    people = [row(n, note=text) for n, text in enumerate(AWKWARD, 1)]
    engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), kess_sandbox.client())
    for at, frame in enumerate(FRAMES):
        report = engine.run(frame(people), batch=f"b{at}", dry_run=True)
        notes = [row.extra.get("note", "") for row in report]
        assert [note.strip() for note in notes] == [text.strip() for text in AWKWARD]
        assert report.to_polars()["note"].len() == len(AWKWARD)


def test_unknown_columns_come_back(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> None:
    more = {"department": "Sewing", "grade": 7, "weight": 1.5, "since": None, "status": "old"}
    frame = polars.DataFrame([{**person, **more} for person in rows(2)]).with_columns(
        since=polars.date(2024, 2, 29), at=polars.datetime(2024, 2, 29, 12), full=polars.lit(True)
    )
    engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), kess_sandbox.client())
    report = engine.run(frame, dry_run=True)
    for person in report:
        assert person.extra["department"] == "Sewing" and person.extra["grade"] == "7"
        assert person.extra["weight"] == "1.5" and person.extra["since"] == "2024-02-29"
        assert person.extra["full"] == "true" and person.extra["status"] == "old"
        assert person.extra["at"].startswith("2024-02-29T12:00:00")
    back = report.to_polars()
    assert back["status"].to_list() == ["pending"] * 2
    assert back["status_in_file"].to_list() == ["old"] * 2
    nested = polars.DataFrame([{**row(1), "tags": ["a", "b"]}])
    with pytest.raises(TypeError, match="`tags`.*single values"):
        kesspay.check(nested)


def test_any_text_at_all_is_the_same_in_a_frame_and_in_a_file(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    letters = "0123456789.,-+ aA\"'\n\t;=$@ក៛\u200b\u00a0"
    people = rows(60)
    for person in people:
        name = dice.choice([*person])
        text = "".join(dice.choice(letters) for _ in range(dice.randrange(8)))
        person["amount"] = str(person["amount"])
        person[name] = text
    # Whole rows of blanks would end a file differently; there are none.
    path = write(tmp_path / "june.csv", people)
    of_file, of_frame = kesspay.check(path), kesspay.check(polars.DataFrame(people))
    assert found(of_frame.problems) == found(of_file.problems)
    assert found(of_frame.warnings) == found(of_file.warnings)
    assert of_frame.totals == of_file.totals


def test_a_file_is_read_without_any_of_the_libraries(
    python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    path = write(tmp_path / "june.csv", rows(2))
    ran = python(
        """
        import sys
        for name in ("pandas", "polars", "pyarrow", "numpy", "tqdm"):
            sys.modules[name] = None
        import kesspay
        check = kesspay.check(sys.argv[1])
        print(check.ok, check._repr_html_()[:1])
        for convert in (check.to_pandas, check.to_polars):
            try:
                convert()
            except ImportError as error:
                print(error)
        """,
        str(path),
    )
    assert ran.stdout.splitlines() == [
        "True <",
        "pandas is not installed: pip install pandas",
        "polars is not installed: pip install polars",
    ], ran.stderr
