# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The verified cache: whatever happens to its files, an entry is right or made again; processes that share it do not disturb each other."""

import json
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils import verified_cache
from firebrick.sw.utils.atomic_files import remove_partial_files
from firebrick.sw.utils.file_lock import locked, locked_if_free
from firebrick.sw.utils.sealed_json import read_sealed, write_sealed
from firebrick.sw.utils.verified_cache import MANIFEST, VerifiedCache, is_intact
from tests.helpers.damage import DAMAGES

CONTENT = {"one": b"1" * 1000, "two.json": b"{}", "folder/three": bytes(range(256)), "empty": b""}
NOT_SEALED = [b"", b"{", b"[]", b"{}", b"1", b"null", b"\xff", b'{"content": {}}', b'{"sha256": 1, "content": {}}', b"[" * 100_000]


def fill(folder: Path) -> None:
    """Make an entry, a byte at a time, so that others get between."""
    for name, content in CONTENT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        for end in range(0, len(content) + 100, 100):
            (folder / name).write_bytes(content[:end])
            time.sleep(0.001)
    with (folder.parent / "made").open("a") as count:
        count.write("x")


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in CONTENT}


@pytest.fixture
def cache(tmp_path: Path) -> VerifiedCache:
    return VerifiedCache(tmp_path / "cache")


def times_made(cache: VerifiedCache) -> int:
    return len((cache.folder / "made").read_text())


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", [*CONTENT, MANIFEST])
def test_damaged_entry_is_made_again(cache: VerifiedCache, name: str, damage: Callable[[Path], None]) -> None:
    entry = cache.entry("entry", fill)
    assert cache.entry("entry", fill) == entry
    assert times_made(cache) == 1
    before = {path: path.read_bytes() for path in (entry / name,)}
    damage(entry / name)
    changed = not (entry / name).is_file() or before[entry / name] != (entry / name).read_bytes()
    assert contents(cache.entry("entry", fill)) == CONTENT
    assert times_made(cache) == 1 + changed
    assert sorted(path.name for path in cache.folder.iterdir()) == ["entry", "made"]


@pytest.mark.parametrize("text", NOT_SEALED)
def test_entry_with_another_manifest_is_made_again(cache: VerifiedCache, text: bytes) -> None:
    (cache.entry("entry", fill) / MANIFEST).write_bytes(text)
    assert is_intact(cache.entry("entry", fill))
    assert times_made(cache) == 2


@pytest.mark.parametrize("content", [[], {}, {"one": 1}, {"one": None}, {"../made": "0"}, {"": "0"}, {"\0": "0"}, 3])
def test_sealed_manifest_of_another_shape_gives_no_traceback(cache: VerifiedCache, content: object) -> None:
    write_sealed(cache.entry("entry", fill) / MANIFEST, content)
    assert contents(cache.entry("entry", fill)) == CONTENT


def test_entry_that_is_a_file_or_folder_of_another_release_is_replaced(cache: VerifiedCache) -> None:
    cache.folder.mkdir()
    (cache.folder / "entry").write_bytes(b"a file")
    assert contents(cache.entry("entry", fill)) == CONTENT
    (cache.folder / "entry" / MANIFEST).unlink()
    assert contents(cache.entry("entry", fill)) == CONTENT
    assert times_made(cache) == 2


def test_failing_maker_leaves_nothing(cache: VerifiedCache) -> None:
    def fail(folder: Path) -> None:
        (folder / "one").touch()
        raise FirebrickError("no")

    with pytest.raises(FirebrickError, match=r"^no$"):
        cache.entry("entry", fail)
    assert not list(cache.folder.iterdir())


def test_cache_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FirebrickError, match=r"^cannot write to .*/file/cache: Not a directory; try another$"):
        VerifiedCache(tmp_path / "file" / "cache", "try another").entry("entry", fill)


@pytest.mark.parametrize("text", NOT_SEALED)
def test_what_is_not_sealed_is_not_read(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "file.json"
    assert read_sealed(file) is None
    write_sealed(file, {"b": [1, 2.5, None], "a": "ü"})
    assert read_sealed(file) == {"b": [1, 2.5, None], "a": "ü"}
    whole = file.read_bytes()
    for end in range(len(whole) - 1):
        file.write_bytes(whole[:end])
        assert read_sealed(file) is None
    file.write_bytes(text)
    assert read_sealed(file) is None
    file.write_text(json.dumps({**json.loads(whole), "content": {"b": [1, 2.5, None], "a": "u"}}))
    assert read_sealed(file) is None


def use(folder: Path, start: float, results: "multiprocessing.SimpleQueue[bool]") -> None:
    """A process that wants an entry at a given time."""
    time.sleep(max(0.0, start - time.time()))
    results.put(contents(VerifiedCache(folder).entry("entry", fill)) == CONTENT)


@pytest.mark.parametrize("count", [2, 4])
def test_processes_at_once_make_an_entry_once(cache: VerifiedCache, count: int) -> None:
    context = multiprocessing.get_context("spawn")
    for round_ in range(1, 3):  # without the entry, and with a damaged one
        results: multiprocessing.SimpleQueue[bool] = context.SimpleQueue()
        workers = [context.Process(target=use, args=(cache.folder, time.time() + 1.0, results)) for _ in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
        assert [results.get() for _ in workers] == [True] * count
        assert times_made(cache) == round_
        (cache.folder / "entry" / "one").write_bytes(b"1")
    assert sorted(path.name for path in cache.folder.iterdir()) == ["entry", "made"]


def hang(folder: Path, started: "multiprocessing.SimpleQueue[None]") -> None:
    def make(partial: Path) -> None:
        (partial / "half").write_bytes(b"half")
        started.put(None)
        time.sleep(60)

    VerifiedCache(folder).entry("hanging", make)


@pytest.fixture
def hanging(cache: VerifiedCache) -> Iterator[int]:
    """A process that makes an entry and takes its time."""
    context = multiprocessing.get_context("spawn")
    started: multiprocessing.SimpleQueue[None] = context.SimpleQueue()
    process = context.Process(target=hang, args=(cache.folder, started))
    process.start()
    started.get()
    assert process.pid is not None
    yield process.pid
    process.kill()
    process.join()


def test_leftovers_of_a_killed_process_are_swept_and_those_of_a_live_one_are_not(cache: VerifiedCache, hanging: int) -> None:
    [partial] = cache.folder.glob(".hanging.*/")
    old = cache.folder / ".other.1234"  # as earlier releases named them
    old.mkdir()
    cache.sweep()
    assert partial.is_dir()
    assert not old.exists()
    os.kill(hanging, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while partial.is_dir() and time.monotonic() < deadline:
        assert contents(cache.entry("entry", fill)) == CONTENT
    assert sorted(path.name for path in cache.folder.iterdir()) == ["entry", "made"]


def test_lock_is_waited_for_and_leaves_no_file(tmp_path: Path) -> None:
    messages: list[str] = []

    def stop(step: str, _done: int = 0, _total: int = 0, /) -> None:
        messages.append(step)
        raise InterruptedError

    with locked(tmp_path / "entry"):
        with locked_if_free(tmp_path / "entry") as ours:
            assert not ours
        with locked_if_free(tmp_path / "another") as ours:
            assert ours
        with pytest.raises(InterruptedError), locked(tmp_path / "entry", stop):
            pass
    assert messages == ["waiting for another process, which makes entry"]
    assert not list(tmp_path.iterdir())


def test_cache_keeps_the_entries_used_last_and_those_in_use(cache: VerifiedCache) -> None:
    hour = verified_cache.IN_USE_SECONDS
    for age in range(5):
        entry = cache.entry(f"kind-{age}", lambda folder: (folder / "file").touch())
        os.utime(entry, (0, time.time() - age * hour + 60))
    (cache.folder / "kind-old.so").touch()
    os.utime(cache.folder / "kind-old.so", (0, 0))
    cache.evict("kind-*", 3)
    assert sorted(path.name for path in cache.folder.iterdir()) == ["kind-0", "kind-1", "kind-2"]
    cache.evict("kind-*", 0)
    assert sorted(path.name for path in cache.folder.iterdir()) == ["kind-0", "kind-1"], "they may be in use"


def test_partial_files_of_killed_processes_are_removed(tmp_path: Path) -> None:
    for name in (f".file.json.{os.getpid()}", ".file.json.4194305", ".hidden", ".firebrick.lock", "file.4194305"):
        (tmp_path / name).touch()
    (tmp_path / ".folder.4194305").mkdir()
    remove_partial_files(tmp_path)
    left = {f".file.json.{os.getpid()}", ".hidden", ".firebrick.lock", "file.4194305", ".folder.4194305"}
    assert {path.name for path in tmp_path.iterdir()} == left


def test_entry_of_a_cache_that_can_only_be_read_is_used(cache: VerifiedCache, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = cache.entry("entry", fill)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError

    for module, name in ((os, "utime"), (os, "open"), (shutil, "rmtree")):
        monkeypatch.setattr(module, name, refuse)
    assert cache.entry("entry", fill) == entry
