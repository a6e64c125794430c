from __future__ import annotations

import csv
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpe_research.evaluation.methods import TruePictures, UneditedSource
from dpe_research.evaluation.metrics import MetricInfo
from dpe_research.evaluation.report import (
    BadFrame,
    Curve,
    Report,
    ReportCell,
    ReportRow,
    ReportTable,
    Series,
    add_published,
    page_of,
    read_published,
    read_reports,
    shown_value,
    write_frames,
    write_report,
)
from dpe_research.evaluation.report.charts import draw_curve
from dpe_research.evaluation.scoring import Scores
from dpe_toolkit.core.errors import OptionsError
from tests.research.evaluation.fakes import Editor
from tests.research.evaluation.test_running import reported

VOID = {"meta", "img", "br", "link", "input"}
HOSTILE = """<script>alert("1")</script>' onload='x" & <b>=1+2"""


class Outline(HTMLParser):
    """The page's elements; `open` is empty after a page in which each was closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.marks: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.marks += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.marks += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def small(name: str = "mine", **changed: object) -> Report:
    column = MetricInfo(key="psnr", label="PSNR", unit="dB", higher_is_better=True, about="As usual.")
    rows = (
        ReportRow(method=name, note="a note", cells={"psnr": ReportCell(value=31.25, count=7)}),
        ReportRow(method="other", cells={"psnr": ReportCell(value=math.inf, count=7)}),
        ReportRow(method="third", cells={"psnr": ReportCell(value=None, why="no results")}),
    )
    table = ReportTable(title="Self-reenactment", caption="How.", columns=(("Self-reenactment", column),), rows=rows)
    curve = Curve(title=name, x_label="frame", y_label="dB", series=(Series(name=name, x=(1, 2, 3), y=(1, None, 3)),))
    bad = BadFrame(method=name, label=name, metric="PSNR 3", pictures=(("source", "data:image/png;base64,AAAA"),))
    values = {"tables": (table,), "curves": (curve,), "worst": (bad,), "notes": (name,), "settings": {"data": name}}
    fixed = {"protocols": ("self",), "data": name, "created": "2026-01-01", "tool": "t"}
    return Report(**{**fixed, **values, **changed})


@pytest.mark.parametrize(
    "report", [small(), reported("synthetic", [UneditedSource(), Editor("exact")])], ids=["small", "grid"]
)
def test_the_page_is_well_formed_and_needs_nothing_beside_it(report: Report) -> None:
    page = page_of(report)
    outline = Outline(page)
    assert outline.open == []
    assert not {"script", "link", "iframe", "object", "base"} & set(outline.tags)
    assert [found for found in re.findall(r"https?://[^\s\"'<]*", page) if found != "http://www.w3.org/2000/svg"] == []
    assert [value for key, value in outline.marks if key == "src" and not value.startswith("data:image/png")] == []
    assert not any(key.startswith("on") for key, _ in outline.marks)
    assert "url(" not in page
    assert "@import" not in page


def test_tables_can_be_read_aloud() -> None:
    outline = Outline(page_of(reported("synthetic", [UneditedSource(), Editor("exact")])))
    assert outline.tags.count("caption") == outline.tags.count("table") == 3
    assert {"col", "row", "colgroup"} <= {value for key, value in outline.marks if key == "scope"}
    assert ("lang", "en") in outline.marks
    charts = [value for key, value in outline.marks if key == "aria-labelledby" and value.startswith("chart-")]
    assert len(charts) == len(set(charts)) == 2


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30))
def test_names_are_shown_and_never_run(name: str) -> None:
    outline = Outline(page_of(small(name + HOSTILE)))
    assert outline.open == []
    assert not {"script", "b"} & set(outline.tags)
    assert not any(key == "onload" for key, _ in outline.marks)
    assert any(HOSTILE in words for words in outline.words)


def test_the_page_marks_the_best_and_says_what_is_missing() -> None:
    page = page_of(small())
    assert re.search(r'<td class="best"[^>]*>∞</td>', page)
    assert "not measured<sup>1</sup>" in page
    assert "<li>no results</li>" in page
    assert 'title="mean of 7 pictures"' in page


def test_rows_that_edit_nothing_are_never_the_best() -> None:
    page = page_of(reported("self", [TruePictures(), UneditedSource(), Editor("one"), Editor("two", strength=0.5)]))
    rows = re.findall(r'<th scope="row">(.*?)<small>.*?</th>(.*?)</tr>', page, flags=re.DOTALL)
    assert [name for name, cells in rows if 'class="best' in cells] == ["one"]


def test_nothing_is_the_best_where_all_are_alike() -> None:
    column = MetricInfo(key="seen", label="face seen", unit="share", higher_is_better=True, about="As usual.")
    rows = tuple(ReportRow(method=name, cells={"seen": ReportCell(value=0.0, count=7)}) for name in ("a", "b"))
    table = ReportTable(title="Grid", caption="How.", columns=(("Grid", column),), rows=rows)
    assert 'class="best' not in page_of(small(tables=(table,)))


def test_numbers_are_shown_with_a_sensible_number_of_digits() -> None:
    assert [shown_value(value) for value in (31.256, 0.1234, math.inf, -math.inf, 0.0)] == [
        "31.26",
        "0.123",
        "∞",
        "-∞",
        "0.000",
    ]


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(math.inf)), min_size=1, max_size=20),
    st.floats(-100, 100),
)
def test_charts_are_svg_with_every_point_inside(values: list[float | None], start: float) -> None:
    line = Series(name="a", x=tuple(start + place for place in range(len(values))), y=tuple(values))
    chart = ET.fromstring(draw_curve(Curve(title="t", x_label="x", y_label="y", series=(line,)), 0))
    width, height = 640, 300
    for dot in chart.iter("circle"):
        assert 0 <= float(dot.get("cx")) <= width
        assert 0 <= float(dot.get("cy")) <= height
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(values) <= 12:
        assert len(list(chart.iter("circle"))) == len(known)


def test_a_gap_interrupts_a_line() -> None:
    line = Series(name="a", x=(0, 1, 2, 3, 4), y=(1, 2, None, 2, 1), dashed=True)
    chart = ET.fromstring(draw_curve(Curve(title="t", x_label="x", y_label="y", series=(line,)), 0))
    assert [len(part.get("points").split()) for part in chart.iter("polyline")] == [2, 2]
    assert all(part.get("stroke-dasharray") for part in chart.iter("polyline"))


def test_a_report_comes_back_from_its_file(tmp_path: Path) -> None:
    report = reported("synthetic", [UneditedSource(), Editor("exact")])
    paths = write_report(tmp_path / "out", report)
    assert [path.name for path in paths] == ["report.json", "report.csv", "report.html"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    again = read_reports([tmp_path / "out"])
    assert again.tables == report.tables
    assert again.curves == report.curves
    assert json.loads(paths[0].read_text())["schema"] == 1


def test_reports_are_put_together(tmp_path: Path) -> None:
    for name, protocol in (("a", "self"), ("b", "cross")):
        write_report(tmp_path / name, reported(protocol, [Editor("exact")]))
    report = read_reports([tmp_path / "a", tmp_path / "b" / "report.json"])
    assert report.protocols == ("self", "cross")
    assert [table.title for table in report.tables] == ["Self-reenactment", "Cross-reenactment"]
    assert len(report.notes) == len(set(report.notes))


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"it is no report: .*No such file"):
        read_reports([tmp_path / "none.json"])
    (tmp_path / "report.json").write_text('{"schema": 7}')
    with pytest.raises(OptionsError, match="it is no report"):
        read_reports([tmp_path])


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionsError, match="the folder cannot be made"):
        write_report(tmp_path / "file" / "out", small())


def test_the_csv_has_every_cell_and_no_formula(tmp_path: Path) -> None:
    path = write_report(tmp_path, small("=cmd()"))[1]
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [(row["method"], row["value"], row["why_not_measured"]) for row in rows] == [
        ("'=cmd()", "31.25", ""),
        ("other", "inf", ""),
        ("third", "", "no results"),
    ]


def test_frames_csv_has_a_line_for_every_result(tmp_path: Path) -> None:
    scores = Scores("m", "")
    path = write_frames(tmp_path, [scores])
    assert path.read_text() == "method,group,result,edit\n"


def published(folder: Path, *lines: str) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join(["protocol,method,metric,value,source", *lines]), encoding="utf-8")
    return path


def test_published_rows_stand_below_ours_as_other_data(tmp_path: Path) -> None:
    values = read_published(published(tmp_path, "self,LIA,psnr,24.5,A paper table 1", "cross,LIA,apd,3,A paper"))
    report = add_published(small(), values)
    (table,) = report.tables
    assert [row.method for row in table.rows] == ["mine", "other", "third", "LIA"]
    assert table.rows[-1].cells["psnr"].value == 24.5
    page = page_of(report)
    assert "other data, not measured here: A paper table 1" in page
    assert page.count('class="published"') == 1


@pytest.mark.parametrize(
    "line", ["self,LIA,psnr,24.5,", "self,LIA,psnr,high,A paper", "none,LIA,psnr,1,A paper", "self"]
)
def test_published_values_need_a_protocol_a_number_and_a_source(tmp_path: Path, line: str) -> None:
    with pytest.raises(OptionsError, match="line 2 of the published rows"):
        read_published(published(tmp_path, line))


def test_published_values_of_unknown_metrics_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"no metric 'pnsr'.*did you mean 'psnr'"):
        add_published(small(), read_published(published(tmp_path, "self,LIA,pnsr,24.5,A paper")))
    with pytest.raises(OptionsError, match="published rows cannot be read"):
        read_published(tmp_path / "none.csv")
