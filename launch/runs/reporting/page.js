// Titles of tables sort their rows; the page reads the same without this.
for (const table of document.querySelectorAll("table:not(.matrix)")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  table.querySelectorAll("thead th").forEach((title, place) => {
    if (!title.textContent || body.rows[0].cells[place].querySelector("img")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => {
      const up = title.getAttribute("aria-sort") === "descending";
      const value = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent;
      const order = new Intl.Collator(undefined, {numeric: true}).compare;
      const rows = [...body.rows].sort((a, b) => {
        const [one, other] = [value(a), value(b)];
        const numbers = one !== "" && other !== "" && !isNaN(one) && !isNaN(other);
        return (up ? 1 : -1) * (numbers ? one - other : order(one, other));
      });
      table.querySelectorAll("thead th").forEach((each) => each.removeAttribute("aria-sort"));
      title.setAttribute("aria-sort", up ? "ascending" : "descending");
      body.append(...rows);
    });
  });
}
