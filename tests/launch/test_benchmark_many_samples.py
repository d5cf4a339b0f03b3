"""The benchmark of many samples works; how much memory they take is not tested."""

from launch.benchmarks import many_samples


def test_all_parts_of_training_and_evaluation_are_shown(tmp_path, capsys):
    many_samples.write_labels(tmp_path / "labels.tsv", 2000)
    many_samples.train(tmp_path, workers=0)
    many_samples.evaluate(tmp_path, 2000)
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.endswith(" MiB")]) == len(lines) == 12
    assert "accuracy 0.9000" in lines[-1]
    rows = (tmp_path / "evaluation" / "predictions.tsv").read_text().splitlines()
    assert len(rows) == 2001
    assert rows[8].split("\t")[:2] == [f"{tmp_path / 'labels.tsv'}:8 (images/0000/00000007.jpg)", many_samples._text(7)]
