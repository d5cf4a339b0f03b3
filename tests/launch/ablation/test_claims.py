"""A folder is one process's, whatever happens to it and whoever else wants it."""

import errno
import itertools
import json
import multiprocessing
import os
import threading

import pytest

from launch.ablation.claims import Claims, read_claim


def test_the_first_has_it_until_it_gives_it_back(tmp_path):
    folder = tmp_path / "cell"
    with Claims() as one, Claims() as other:
        assert one.take(folder)
        assert not other.take(folder)
        assert not one.take(folder), "once is enough"
        other.give_back(folder)  # what is not held
        assert read_claim(folder)
        one.give_back(folder)
        assert read_claim(folder) is None
        assert other.take(folder)
    assert read_claim(folder) is None, "closing gives back"
    assert len(list(folder.iterdir())) == 1, "nothing piles up"


def refuse_links(*_):
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False])
def test_many_at_once_and_one_wins(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", refuse_links)
    folders = [tmp_path / str(number) for number in range(20)]
    won = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def race(mine):
        with Claims() as claims:
            start.wait()
            mine += [folder.name for folder in folders if claims.take(folder)]
            start.wait()

    threads = [threading.Thread(target=race, args=(mine,)) for mine in won]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(itertools.chain(*won)) == sorted(folder.name for folder in folders)


def _take_and_die(folder):
    Claims().take(folder)
    os._exit(9)


@pytest.fixture
def dead_mans(tmp_path):
    """A folder whose claim a process of this machine has left behind."""
    process = multiprocessing.get_context("spawn").Process(target=_take_and_die, args=(tmp_path,))
    process.start()
    process.join()
    assert read_claim(tmp_path)
    return tmp_path


def test_what_a_dead_process_held_is_free(dead_mans):
    with Claims() as claims:
        assert claims.take(dead_mans)
        assert (read_claim(dead_mans) or {})["pid"] == os.getpid()


def test_of_many_heirs_one_wins(dead_mans):
    heirs, won, start = [Claims() for _ in range(8)], [], threading.Barrier(8)

    def race(claims):
        start.wait()
        if claims.take(dead_mans):
            won.append(claims)

    threads = [threading.Thread(target=race, args=(claims,)) for claims in heirs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    with Claims() as late:
        assert not late.take(dead_mans)
    for claims in heirs:
        claims.close()


def claimed_elsewhere(folder, age):
    path = folder / "claim-1.json"
    path.write_text(json.dumps({"pid": 1, "host": "another", "boot": "b", "over": False}))
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))


def test_another_machines_claim_counts_while_it_is_renewed(tmp_path):
    with Claims(stale=60) as claims:
        claimed_elsewhere(tmp_path, age=30)
        assert not claims.take(tmp_path)
        claimed_elsewhere(tmp_path, age=90)
        assert claims.take(tmp_path)


def test_a_claim_that_is_just_being_written_counts(tmp_path):
    (tmp_path / "claim-1.json").touch()
    with Claims() as claims:
        assert not claims.take(tmp_path)
        assert read_claim(tmp_path)


def test_another_machines_claim_is_doubtful_until_it_shows_life(tmp_path):
    with Claims() as claims, Claims() as other:
        assert not claims.is_doubtful(tmp_path), "nobody's"
        claimed_elsewhere(tmp_path, age=30)
        assert claims.is_doubtful(tmp_path)
        assert claims.is_doubtful(tmp_path)
        claimed_elsewhere(tmp_path, age=10)
        assert not claims.is_doubtful(tmp_path)
        assert other.take(tmp_path / "here")
        assert not claims.is_doubtful(tmp_path / "here"), "of this machine it is known"


def test_who_stood_still_for_too_long_hears_of_it(tmp_path):
    heard = threading.Event()
    with Claims(renewed=0.01, lost=lambda folder: heard.set()) as sleeper:
        assert sleeper.take(tmp_path)
        (tmp_path / "claim-2.json").write_text(json.dumps({"pid": 1, "host": "another", "boot": "b", "over": False}))
        assert heard.wait(10)


def test_what_is_held_is_renewed(tmp_path):
    with Claims(renewed=0.01) as claims:
        assert claims.take(tmp_path)
        path = tmp_path / "claim-1.json"
        os.utime(path, (0, 0))
        for _ in range(500):
            if path.stat().st_mtime > 1:
                break
            threading.Event().wait(0.01)
        assert path.stat().st_mtime > 1
