from __future__ import annotations

from pathlib import Path
from typing import get_args

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpe_toolkit.core.errors import MediaError
from dpe_toolkit.media import SEQUENCES, CodecName, OutputSettings, choose_codec
from dpe_toolkit.media.write.codecs import ENCODERS
from dpe_toolkit.media.write.containers import CONTAINERS, FOLDER, SOUND_FILE, codec_suffixes, container_of

CODECS = get_args(CodecName)
HARDWARE = sorted(name for name in CODECS if "_" in name and not name.startswith("dnx"))


@pytest.mark.parametrize(
    ("codec", "suffixes"),
    [
        *((name, (".mp4", ".m4v", ".mov", ".mkv")) for name in ("h264", "h265", *HARDWARE)),
        *((name, (".mov", ".mkv")) for name in ("prores", "prores4444")),
        *((name, (".mov",)) for name in ("dnxhr_hq", "dnxhr_hqx")),
        ("ffv1", (".mkv", ".mp4")),
        *((name, ()) for name in ("png", "tiff", "exr")),
    ],
)
def test_a_codec_goes_into_these_containers_its_own_first(codec: CodecName, suffixes: tuple[str, ...]) -> None:
    assert codec_suffixes(codec) == suffixes


def test_every_codec_has_a_place_and_an_encoder() -> None:
    placed = {codec for row in (*CONTAINERS.values(), FOLDER) for codec in row.codecs}
    assert placed == set(CODECS) == set(ENCODERS)
    assert set(FOLDER.codecs) == SEQUENCES


@pytest.mark.parametrize("row", [*CONTAINERS.values(), FOLDER, SOUND_FILE], ids=lambda row: row.muxer)
def test_every_muxer_and_codec_of_sound_is_one_that_the_library_has(row: object) -> None:
    assert av.ContainerFormat(row.muxer, "w").is_output  # type: ignore[attr-defined] # a Container
    assert all(av.Codec(name, "r").type == "audio" for name in row.copied_sound - {"libopus"})  # type: ignore[attr-defined]


@given(
    st.sampled_from([".mp4", ".M4V", ".mov", ".mkv", "", ".avi"]),
    st.none() | st.sampled_from(CODECS),
)
def test_a_name_and_a_codec_go_together_or_are_refused_with_what_would(suffix: str, codec: CodecName | None) -> None:
    path, settings = Path(f"a{suffix}"), OutputSettings(codec=codec)
    row = CONTAINERS.get(suffix.lower())
    if codec in SEQUENCES if row is None else codec in (None, *row.codecs):
        chosen = choose_codec(path, settings)
        assert codec in (None, chosen)
        assert chosen in container_of(path, chosen).codecs
        return
    with pytest.raises(MediaError, match=r"suffix is|do not go into|does not go into") as caught:
        choose_codec(path, settings)
    assert caught.value.expected
    assert "rename the output" in caught.value.action
