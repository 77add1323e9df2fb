"use strict";
(() => {
  // Sorting: every title of a table becomes a button.
  // A column of numbers goes by its first numbers, cells without one last.
  const value = (row, column) => {
    const cell = row.cells[column];
    const text = cell.textContent;
    if (!cell.classList.contains("number")) return text;
    const number = parseFloat(text.replace(/[<,\s]/g, ""));
    return Number.isNaN(number) ? undefined : number;
  };
  const compare = (a, b, descending) => {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    const order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
    return descending ? -order : order;
  };
  const sort = (table, title, column) => {
    const descending = title.getAttribute("aria-sort") === "ascending";
    for (const other of title.parentElement.cells) other.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const by = (a, b) => compare(value(a, column), value(b, column), descending);
    body.append(...[...body.rows].sort(by));
  };
  const prepare = () => {
    for (const table of document.querySelectorAll("table.sortable")) {
      [...table.tHead.rows[0].cells].forEach((title, column) => {
        const button = document.createElement("button");
        button.append(...title.childNodes);
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
