"""Tables and a picture of the cells that have finished."""

from collections.abc import Mapping, Sequence

from launch.ablation import tables
from launch.ablation.figure import write_figure
from launch.ablation.grid import Grid
from launch.ablation.outcomes import load_outcome
from launch.ablation.results import Row, describe_best, find_best, make_rows
from launch.runs.costs import Cost
from launch.runs.tasks import counts_of
from recog.metrics import RateStyle


def write_reports(grid: Grid, costs: Mapping[tuple[str, ...], Cost], layout: str) -> str:
    """Writes tables and a picture of the cells that have finished; returns the Markdown table with its notes."""
    rows = make_rows(grid.cells, grid.folders, [load_outcome(folder) for folder in grid.folders], costs)
    best, counts = find_best(rows), counts_of(grid.cells[0].config)
    style = counts.style
    make = tables.square_table if layout == "acc/loss" else tables.long_table
    table = make(grid.names, rows, best, style)
    notes = [
        *(describe_best(grid.names, best, style, "fold" if grid.folds else "seed") if best else []),
        *_explain(grid, rows, layout, style),
    ]
    text = f"{tables.markdown(table)}\n{' '.join(notes)}\n"
    (grid.workdir / "table.md").write_text(text, encoding="utf-8")
    (grid.workdir / "table.tex").write_text(tables.latex(table), encoding="utf-8")
    numbers = tables.comma_separated(grid.names, rows, best, counts.ranks_by)
    (grid.workdir / "table.csv").write_text(numbers, encoding="utf-8")
    write_figure(grid.workdir / "table.png", grid.names, rows, best, style)
    return text


def _explain(grid: Grid, rows: Sequence[Row], layout: str, style: RateStyle) -> list[str]:
    seeds = len(rows[0].outcomes) // max(grid.folds, 1)
    steps = grid.cells[0].config.train.steps
    measured = f"{style.meaning} on the validation samples, training loss"
    notes = [f"After the last of {steps:,} steps: {measured}."]
    intervals = " with 95 % intervals (Student's t)" if layout == "long" else ""
    if grid.folds:
        of_seeds = f", {seeds} seeds of each" if seeds > 1 else ""
        shared = "; the folds share training samples, so that the intervals are approximate" if intervals else ""
        notes.append(f"Means over {grid.folds} folds{of_seeds}{intervals}{shared}.")
    elif seeds > 1:
        notes.append(f"Means of {seeds} seeds{intervals}, which see the same batches.")
    if any(cell.config.train.steps != steps for cell in grid.cells):
        notes[0] = f"After each cell's last step: {measured}."
    if layout == "long":
        notes.append("Images/s and training time are medians; of cells that trained together, a share of the time.")
    return notes
