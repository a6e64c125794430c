"""The paper's tables in reports: every number as it is printed, and none taken for one of ours."""

from __future__ import annotations

import re

import pytest

from dpe_research.evaluation.methods import UneditedSource
from dpe_research.evaluation.report import Report, ReportTable, add_paper, joined, page_of
from dpe_research.evaluation.report.paper import PAPER_TITLES
from dpe_research.evaluation.report.tables import TITLES
from tests.research.evaluation.fakes import Editor
from tests.research.evaluation.test_running import reported

# As they stand in the paper, line by line.
PRINTED = {
    "expression": """
        PIRenderer 0.9075 0.1205 0.01254 0.9133 0.2674 0.01182
        StyleHEAT 0.8320 0.1511 0.01551 0.8489 0.2701 0.01695
        DPE 0.9091 0.1133 0.01720 0.9204 0.2660 0.02464""",
    "pose": """
        PIRenderer 0.9055 0.0972 0.01718 0.8406 0.1397 0.02533
        StyleHEAT 0.8358 0.1285 0.02975 0.8058 0.1577 0.03025
        DPE 0.9192 0.0807 0.02459 0.8798 0.1250 0.03630""",
    "self": """
        FOMM 0.8960 0.1536 31.1134 0.6251 0.1000 0.01100
        PIRenderer 0.8829 0.1713 30.7609 0.5541 0.1110 0.01698
        LIA 0.8906 0.1458 31.3371 0.6397 0.0998 0.01160
        DaGAN 0.8910 0.1599 30.3022 0.5904 0.1036 0.01202
        DPE 0.8965 0.1587 31.3631 0.6422 0.1000 0.01087""",
    "cross": """
        FOMM 0.8101 0.2570 0.02592
        PIRenderer 0.8215 0.2458 0.02677
        LIA 0.8094 0.2659 0.02601
        DaGAN 0.8032 0.2584 0.02639
        DPE 0.8303 0.2612 0.02565""",
}


def with_paper(protocol: str) -> tuple[Report, list[ReportTable]]:
    report = add_paper(reported(protocol, [UneditedSource(), Editor("exact")]))
    return report, [table for table in report.tables if table.title in PAPER_TITLES.values()]


@pytest.mark.parametrize("protocol", PRINTED)
def test_every_number_of_the_papers_table_is_in_the_report_and_none_besides(protocol: str) -> None:
    _, (table,) = with_paper(protocol)
    found = [[row.method, *(row.cells[column.key].value for _, column in table.columns)] for row in table.rows]
    lines = [line.split() for line in PRINTED[protocol].strip().splitlines()]
    assert found == [[name, *map(float, numbers)] for name, *numbers in lines]


@pytest.mark.parametrize("protocol", PRINTED)
def test_the_papers_table_stands_below_ours_and_shares_no_column_with_it(protocol: str) -> None:
    report, (table,) = with_paper(protocol)
    titles = [one.title for one in report.tables]
    assert titles.index(table.title) == titles.index(TITLES[protocol]) + 1
    ours = {column.key for one in report.tables if one is not table for _, column in one.columns}
    keys = [column.key for _, column in table.columns]
    assert len(keys) == len(set(keys))
    assert not ours & set(keys)


@pytest.mark.parametrize("protocol", PRINTED)
def test_the_page_marks_each_row_of_the_paper_as_other_data_and_none_as_the_best(protocol: str) -> None:
    report, (table,) = with_paper(protocol)
    page = page_of(report)
    start = page.index(table.title)
    part = page[start : page.index("</table>", start)]
    assert "Not measured here. Pang et al., CVPR 2023, table" in part
    assert part.count('<tr class="published">') == len(table.rows) == part.count("other data, not measured here: Pang")
    assert 'class="best' not in part
    shown = re.findall(r"\d+\.\d+", part)
    assert [float(word) for word in shown] == [float(word) for word in PRINTED[protocol].split() if word[0].isdigit()]
    assert all(len(word.partition(".")[2]) >= 4 for word in shown)


def test_the_grid_has_no_table_of_the_paper() -> None:
    report, tables = with_paper("synthetic")
    assert tables == []
    assert report == reported("synthetic", [UneditedSource(), Editor("exact")])


def test_joined_reports_have_the_papers_table_of_each_once() -> None:
    whole = joined([with_paper(protocol)[0] for protocol in ("self", "cross")])
    titles = [table.title for table in whole.tables]
    assert titles == [TITLES["self"], PAPER_TITLES["self"], TITLES["cross"], PAPER_TITLES["cross"]]
