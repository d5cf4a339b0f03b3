"""The table of music from folders and tiny prepared sets."""

from launch.tables import music_table4
from tests.launch.in_process import run_main
from tests.launch.tables.painted import Word, write_folder, write_prepared


def test_sources_by_flags_and_the_missing_ones(green_reader, tmp_path, capsys):
    clean = write_folder(tmp_path / "clean", ("123", "123"), ("123", "14"), ("707", "707"), ("505", "505"))
    flags = [f"--artifact=green={green_reader}", f"--data_dir={tmp_path}/none", f"--clean={clean}"]
    run_main(music_table4, *flags, f"--real=folder:{tmp_path}/nothing")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:8] == [
        "| reader | clean | synthesised | real |",
        "| --- | --- | --- | --- |",
        "| green | 75.0%/0.50 | – | – |",
        "| Capella Scan | 51.9%/1.75 | 20.0%/2.31 | 43.5%/3.05 |",
        "| PhotoScore | 55.0%/2.34 | 28.0%/1.85 | 20.4%/3.00 |",
        "| CRNN (Shi et al. 2015) | 74.6%/0.37 | 81.5%/0.30 | 84.0%/0.30 |",
    ]
    assert lines[9].startswith(f"- primus/semantic is not in {tmp_path}/none.")
    assert f"--dataset=primus/semantic --source=DIR --data_dir={tmp_path}/none" in lines[9]
    assert f"{tmp_path}/nothing" in lines[10]


def test_a_tenth_of_primus_by_default(green_reader, tmp_path, capsys):
    words = [Word(f"{number}{digit}", f"{number}{digit}") for number in (12, 34, 56, 78) for digit in "09" * 5]
    write_prepared(tmp_path, "primus/semantic", {"train": [*words]})
    run_main(music_table4, f"--artifact=green={green_reader}", f"--data_dir={tmp_path}", "--format=csv")
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:2] == ["reader,clean,synthesised,real", "green,100.0%/0.00,,"]
    assert "primus/semantic has no split distorted\n" in printed.err
    assert "real: name samples with --real=SPEC\n" in printed.err
