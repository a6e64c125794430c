from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dpe_research.evaluation import Case, FrameRef
from dpe_research.evaluation.methods import FolderMethod, as_bytes, load_method, untrained_method
from dpe_toolkit.checkpoint import WeightsHeader, save_weights
from dpe_toolkit.core.errors import CheckpointError, MediaError, OptionsError
from dpe_toolkit.media import OutputSettings, VideoWriter
from dpe_toolkit.networks import DpeNetwork, NetworkParams
from dpe_toolkit.testing import REC709, batch_from_rgb
from dpe_toolkit.testing.pictures import LAYOUTS
from tests.research.evaluation.fakes import SIZE, picture, values_of

TINY = NetworkParams(size=16, style_dim=8, motion_dim=4, max_channels=8)


def cases(*edits: str, group: str = "anna") -> list[Case]:
    return [
        Case(group, f"{row:06d}", edit, FrameRef("anna", 0), FrameRef("bert", row), None, row)
        for row, edit in enumerate(edits)
    ]


def pictures(count: int, size: int = 16, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, size, size), generator=generator).to(torch.uint8)


def saved(folder: Path, seed: int = 3) -> Path:
    torch.manual_seed(seed)
    network = DpeNetwork(TINY)
    save_weights(folder / "tiny.safetensors", network.state_dict(), WeightsHeader.of(TINY, expression_branch="exp"))
    return folder / "tiny.safetensors"


def edited_alone(method, case: Case, source: torch.Tensor, driver: torch.Tensor) -> torch.Tensor:
    return method.edit([case], [source[None], driver[None], None]).pictures[0]


def test_a_network_edits_each_case_by_its_kind(tmp_path: Path) -> None:
    method = load_method("tiny", saved(tmp_path), torch.device("cpu"))
    wanted = cases("expression", "pose", "both", "in-turn", "expression")
    sources, drivers = pictures(1).repeat(5, 1, 1, 1), pictures(5, seed=1)
    found = method.edit(wanted, [sources, drivers, None])
    assert found.present.all()
    for row, case in enumerate(wanted):
        alone = edited_alone(method, case, sources[row], drivers[row])
        assert (found.pictures[row].int() - alone.int()).abs().max() <= 1
    assert "branch 'exp'" in method.note


def test_the_branch_decides_which_edit_is_which(tmp_path: Path) -> None:
    path, one = saved(tmp_path), (pictures(1)[0], pictures(1, seed=1)[0])
    own, other = (load_method("m", path, torch.device("cpu"), branch=branch) for branch in ("exp", "pose"))
    expression, pose = cases("expression")[0], cases("pose")[0]
    assert torch.equal(edited_alone(own, expression, *one), edited_alone(other, pose, *one))
    assert not torch.equal(edited_alone(own, expression, *one), edited_alone(other, expression, *one))


def test_editing_in_turn_edits_the_result_of_the_first(tmp_path: Path) -> None:
    method = load_method("tiny", saved(tmp_path), torch.device("cpu"))
    source, driver = pictures(1)[0], pictures(1, seed=1)[0]
    first = edited_alone(method, cases("expression")[0], source, driver)
    second = edited_alone(method, cases("pose")[0], first, driver)
    both = edited_alone(method, cases("in-turn")[0], source, driver)
    # the step between is not rounded to 8 bits, so a code value or two may differ
    assert (second.int() - both.int()).abs().max() <= 3


def test_pictures_of_another_size_come_back_in_their_size(tmp_path: Path) -> None:
    method = load_method("tiny", saved(tmp_path), torch.device("cpu"))
    found = method.edit(cases("pose"), [pictures(1, 24), pictures(1, 24, 1), None])
    assert found.pictures.shape == (1, 3, 24, 24)


def test_an_untrained_network_has_the_sizes_and_repeats() -> None:
    before = torch.random.get_rng_state()
    one, two = (untrained_method(TINY, torch.device("cpu")) for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    given = pictures(1)[0], pictures(1, seed=1)[0]
    case = cases("expression")[0]
    assert torch.equal(edited_alone(one, case, *given), edited_alone(two, case, *given))
    assert one.params == TINY


def test_missing_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        load_method("none", tmp_path / "none.safetensors", torch.device("cpu"))


def test_all_results_are_judged_at_eight_bits() -> None:
    assert as_bytes(torch.tensor([[-1.0, 0.5, 2.0]])).tolist() == [[0, 128, 255]]


def write(path: Path, shown: torch.Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(shown.permute(1, 2, 0).numpy(), cv2.COLOR_RGB2BGR))


def given(count: int) -> list[torch.Tensor | None]:
    return [torch.zeros(count, 3, SIZE, SIZE, dtype=torch.uint8)] * 2 + [None]


def test_pictures_of_a_folder_are_read_and_missing_ones_told(tmp_path: Path) -> None:
    write(tmp_path / "anna" / "000000.png", picture(10, 20, 30))
    write(tmp_path / "anna" / "000002.png", torch.full((3, 2 * SIZE, 2 * SIZE), 77, dtype=torch.uint8))
    found = FolderMethod("other", tmp_path).edit(cases("both", "both", "both"), given(3))
    assert found.present.tolist() == [True, False, True]
    assert values_of(found.pictures[0]) == (10, 20, 30)
    assert values_of(found.pictures[2]) == (77, 77, 77)
    assert found.why == "1 results are not in the folder"


def test_frames_of_a_video_are_counted_by_the_driver(tmp_path: Path) -> None:
    frames = np.stack([np.full((SIZE, SIZE, 3), 40 * row + 20, np.uint8) for row in range(4)])
    batch = batch_from_rgb(frames, layout=LAYOUTS["yuv444p"])
    settings = OutputSettings(codec="ffv1")
    sizes = {"width": SIZE, "height": SIZE, "rate": batch.rate, "layout": batch.layout, "color": REC709}
    with VideoWriter(tmp_path / "anna.mkv", settings, **sizes, audio=(), metadata={}, start_frame=0) as writer:
        writer.write(batch)
    method = FolderMethod("other", tmp_path)
    wanted = [case for case in cases(*["both"] * 6) if case.position in (1, 3, 5)]
    found = method.edit(wanted, given(3))
    method.close()
    assert found.present.tolist() == [True, True, False]
    assert values_of(found.pictures[0])[0] == pytest.approx(60, abs=1)
    assert values_of(found.pictures[1])[0] == pytest.approx(140, abs=1)


def test_broken_pictures_and_missing_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "000000.png").write_bytes(b"not a picture")
    with pytest.raises(MediaError, match=r"000000\.png.*no picture that can be read"):
        FolderMethod("other", tmp_path).edit(cases("both"), given(1))
    with pytest.raises(OptionsError, match="no such folder of results"):
        FolderMethod("other", tmp_path / "none")


def test_links_that_lead_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "secret.png", picture(1, 2))
    results = tmp_path / "results" / "anna"
    results.mkdir(parents=True)
    (results / "000000.png").symlink_to(tmp_path / "secret.png")
    found = FolderMethod("other", tmp_path / "results").edit(cases("both"), given(1))
    assert found.present.tolist() == [False]
