"""Pages in all formats, compared as text."""

import pytest

from launch.ablation.tables import Table
from launch.tables.printing import CJK, Note, Page, write_pages

PAGE = Page(
    "A_b: 50 % & <more>",
    Table(["reader", "base %"], [["a|b_c_ `d` [e] \\_ $x$ &lt; 1~2 #", "98.10 ± 0.20"], ["[f", "–"]], (-1, -1)),
    (Note("plates_x is _missing_. Prepare it", "python -m x --y='a`b'"), Note("end")),
)
CHINESE = Page("车牌", Table(["reader"], [["皖A_1"]], (-1, -1)))

MARKDOWN = r"""**A_b: 50 % & \<more>**

| reader | base % |
| --- | --- |
| a\|b_c\_ \`d\` \[e\] \\\_ \$x\$ \&lt; 1\~2 # | 98.10 ± 0.20 |
| \[f | – |

- plates_x is \_missing\_. Prepare it: ``python -m x --y='a`b'``
- end

**车牌**

| reader |
| --- |
| 皖A_1 |
"""
CSV = r"""reader,base %
a|b_c_ `d` [e] \_ $x$ &lt; 1~2 #,98.10 ± 0.20
[f,

reader
皖A_1
"""
LATEX = rf"""% A_b: 50 % & <more>
% plates_x is _missing_. Prepare it: python -m x --y='a`b'
% end
\begin{{tabular}}{{lr}}
  \toprule
  reader & base \% \\
  \midrule
  a\textbar{{}}b\_c\_ `d` [e] \textbackslash{{}}\_ \$x\$ \&lt; 1\~{{}}2 \# & 98.10 $\pm$ 0.20 \\
  {{}}[f & -- \\
  \bottomrule
\end{{tabular}}

% 车牌
{CJK}
\begin{{tabular}}{{l}}
  \toprule
  reader \\
  \midrule
  皖A\_1 \\
  \bottomrule
\end{{tabular}}
"""


@pytest.mark.parametrize(("form", "text"), [("markdown", MARKDOWN), ("csv", CSV), ("latex", LATEX)])
def test_pages_are_printed_or_written(form, text, tmp_path, capsys):
    write_pages([PAGE, CHINESE], form)
    printed = capsys.readouterr()
    assert printed.out == text
    write_pages([PAGE, CHINESE], form, tmp_path / "new" / "table")
    assert (tmp_path / "new" / "table").read_text(encoding="utf-8") == text
    remarks = "A_b: 50 % & <more>\nplates_x is _missing_. Prepare it: python -m x --y='a`b'\nend\n车牌\n"
    assert printed.err == (remarks if form == "csv" else "")
    assert capsys.readouterr().out == ""
