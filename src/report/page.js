"use strict";
(() => {
  // Sorting: every title of a table becomes a button.
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a.localeCompare(b, undefined, { numeric: true });
  };
  const sort = (table, title, column) => {
    const descending = title.getAttribute("aria-sort") === "ascending";
    for (const other of title.parentElement.cells) other.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", descending ? "descending" : "ascending");
    table.classList.add("sorted");
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => compare(value(a, column), value(b, column)));
    body.append(...(descending ? rows.reverse() : rows));
  };
  const prepare = () => {
    for (const table of document.querySelectorAll("table.sortable")) {
      [...table.tHead.rows[0].cells].forEach((title, column) => {
        const button = document.createElement("button");
        button.textContent = title.textContent;
        button.addEventListener("click", () => sort(table, title, column));
        title.replaceChildren(button);
      });
    }
    // Hovering: our own tip shows at once; the browser's would show late, and twice.
    for (const title of document.querySelectorAll(".chart title")) {
      title.parentElement.dataset.tip = title.textContent;
      title.remove();
    }
  };
  const tip = document.getElementById("tip");
  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest("[data-tip]");
    tip.hidden = mark === null;
    if (mark !== null) {
      tip.textContent = mark.dataset.tip;
      const box = tip.getBoundingClientRect();
      tip.style.left = Math.max(4, Math.min(event.clientX + 12, innerWidth - box.width - 8)) + "px";
      tip.style.top = Math.max(4, Math.min(event.clientY + 14, innerHeight - box.height - 8)) + "px";
    }
  });
  window.prepareReport = prepare;
  prepare();
})();
