"use strict";
(() => {
  // Rows beyond these wait behind a button: a table of thousands takes seconds to lay out.
  const ROWS_AT_ONCE = 250;
  const EMPTY = "\u2013";
  const table = document.querySelector("table.patients");
  const announce = (text) => { document.querySelector("#announce").textContent = text; };

  const start = () => {
    const body = table.tBodies[0];
    const total = body.rows.length;
    const filter = document.querySelector("#filter");
    const more = document.querySelector("#more");
    const collator = new Intl.Collator("en", { numeric: true });
    const texts = new Map(Array.from(body.rows, (row) => [row, row.textContent.toLowerCase()]));
    let limit = ROWS_AT_ONCE;

    const show = () => {
      const wanted = filter.value.trim().toLowerCase();
      let matching = 0;
      for (const row of body.rows) {
        const matches = texts.get(row).includes(wanted);
        matching += matches;
        row.hidden = !matches || matching > limit;
      }
      more.hidden = matching <= limit;
      more.textContent = `Show ${Math.min(ROWS_AT_ONCE, matching - limit)} more of ${matching}`;
      return matching;
    };

    const key = (row, column, numeric) => {
      const cell = row.cells[column];
      const text = cell.dataset.key ?? cell.textContent.trim();
      if (text === EMPTY) return null;
      return numeric ? parseFloat(text.replace("\u2212", "-")) : text;
    };

    // Empty cells stay last in both directions.
    const compare = (a, b, numeric, direction) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return direction * (numeric ? a - b : collator.compare(a, b));
    };

    const sort = (head) => {
      const numeric = head.classList.contains("number");
      const column = Number(head.dataset.column);
      const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      const direction = order === "ascending" ? 1 : -1;
      const keyed = Array.from(body.rows, (row) => [key(row, column, numeric), row]);
      keyed.sort(([a], [b]) => compare(a, b, numeric, direction));
      for (const other of table.tHead.querySelectorAll("th[aria-sort]")) {
        other.setAttribute("aria-sort", "none");
      }
      head.setAttribute("aria-sort", order);
      body.remove();
      body.append(...keyed.map(([, row]) => row));
      show();
      table.append(body);
      announce(`Sorted by ${head.textContent.trim()}, ${order}`);
    };

    table.tHead.addEventListener("click", (event) => {
      const head = event.target.closest("th[aria-sort]");
      if (head) sort(head);
    });
    filter.addEventListener("input", () => {
      limit = ROWS_AT_ONCE;
      const matching = show();
      announce(filter.value.trim() ? `${matching} of ${total} hearts` : "");
    });
    more.addEventListener("click", () => {
      limit += ROWS_AT_ONCE;
      show();
    });
    filter.closest("label").hidden = false;
    show();
  };

  if (table) start();

  const sizes = document.querySelector("#sizes");
  if (sizes) {
    sizes.hidden = false;
    sizes.addEventListener("change", (event) => {
      document.documentElement.style.setProperty("--enlarge", event.target.value);
    });
  }
})();
