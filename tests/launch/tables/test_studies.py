"""The tables of studies, from results as ``launch.ablate`` writes them."""

import pytest

from launch.ablation.outcomes import FINISHED, WAITING, Outcome
from launch.ablation.results import Result, Row
from launch.ablation.study import load_study
from launch.ablation.tables import comma_separated
from launch.runs.costs import Cost
from launch.tables import patent_tables, price_table1, price_table2
from tests.launch.in_process import run_main


def write_results(folder, study, accuracies):
    """Writes ``table.csv`` with accuracies by the labels of a combination, joined by ``_``, of three runs each."""
    rows = []
    for labels, values in accuracies.items():
        results = {str(seed): Result(value, 0.25, 100.0, 60.0) for seed, value in enumerate(values)}
        outcomes = {str(seed): Outcome(FINISHED if str(seed) in results else WAITING) for seed in range(3)}
        rows.append(Row(tuple(labels.split("_")), Cost(1, 1, 1, 1, 1, 1), results, outcomes))
    folder.mkdir(parents=True)
    text = comma_separated([axis.name for axis in load_study(study).axes], rows, None, "accuracy")
    (folder / "table.csv").write_text(text, encoding="utf-8")


def test_price_table1(tmp_path, capsys):
    write_results(
        tmp_path / "a", "price_table1", {"VGG_CTC": [0.9, 0.92, 0.94], "VGG_attention": [0.5], "ResNet_CTC": []}
    )
    (tmp_path / "figures.csv").write_text(
        "figures,backbone,decoder,accuracy %\n" + '"Acta Automatica Sinica 48(2), 2022, Table 1",VGG,CTC,12.3\n'
    )
    run_main(price_table1, f"--workdir=ours={tmp_path}/a", f"--published={tmp_path}/figures.csv")
    source = "| Acta Automatica Sinica 48(2), 2022, Table 1"
    assert capsys.readouterr().out.splitlines() == [
        "**Price tags: backbones and decoders**",
        "",
        "| figures | backbone | decoder | accuracy % | loss | runs |",
        "| --- | --- | --- | --- | --- | --- |",
        "| ours | VGG | CTC | 92.00 ± 4.97 | 0.2500 ± 0.0000 | 3/3 |",
        "| ours | VGG | attention | 50.00 | 0.2500 | 1/3 |",
        "| ours | ResNet | CTC | – | – | 0/3 |",
        f"{source} | VGG | CTC | 12.3 | – | – |",
        f"{source} | VGG | attention | – | – | – |",
        f"{source} | ResNet | CTC | – | – | – |",
        f"{source} | ResNet | attention | – | – | – |",
        "",
        "- Means over the runs with 95 % intervals: exact match on the validation samples, training loss",
        "- –: not measured, or not confirmed in the publication; --published=FILE adds figures",
    ]


def test_a_study_without_results_names_its_command(tmp_path, capsys):
    run_main(price_table2, f"--workdir={tmp_path}/new", "--format=latex")
    text = capsys.readouterr().out
    command = f"python -m launch.ablate --study=price_table2 --workdir={tmp_path}/new --config.data.train=SPEC"
    assert f"% price_table2 has no results in {tmp_path}/new. Train it: {command}" in text
    assert r"Acta Automatica Sinica 48(2), 2022, Table 2 & IB+DB+NDPB & -- & -- & -- \\" in text


def test_another_study_is_refused(tmp_path):
    write_results(tmp_path / "a", "price_table2", {"IB+DB": [0.5]})
    with pytest.raises(ValueError, match=r"/a holds a study of branches, not of backbone, decoder"):
        run_main(price_table1, f"--workdir={tmp_path}/a")
    (tmp_path / "a" / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"table\.csv is not a table of accuracies"):
        run_main(price_table1, f"--workdir={tmp_path}/a")


def test_patent_folders_are_recognised(tmp_path, capsys):
    write_results(tmp_path / "five", "patent_table5_small", {"1_16": [0.25, 0.75], "2_128": [0.5, 0.5]})
    write_results(tmp_path / "six", "patent_table6", {"2": [0.5]})
    folders = [f"--workdir={tmp_path}/six", f"--workdir={tmp_path}/five"]
    run_main(patent_tables, *folders, "--format=csv")
    tables = capsys.readouterr().out.split("\n\n")
    assert [table.splitlines()[:2] for table in tables] == [
        ["figures,layers,units,accuracy %,loss,runs", "five,1,16,50.00 ± 317.66,0.2500 ± 0.0000,2/3"],
        ["figures,FC layers,accuracy %,loss,runs", "six,2,50.00,0.2500,1/3"],
        ["figures,STN,accuracy %,loss,runs", '"US 12,387,506",false,,,'],
    ]
    run_main(patent_tables, *folders, "--tables=6", "--format=csv")
    assert capsys.readouterr().out.startswith("figures,FC layers,")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workdir=nothing"], "--workdir=nothing has no results of patent_table5, patent_table6, stn"),
        (["--tables="], "--tables names no table; expected some of 5, 6, stn"),
        (["--tables=7"], "unknown table '7'; expected some of 5, 6, stn"),
        (["--published=x.csv"], "--published holds the figures of one table"),
    ],
)
def test_flags_of_the_patent(flags, message):
    with pytest.raises(ValueError, match=message):
        run_main(patent_tables, *flags)
