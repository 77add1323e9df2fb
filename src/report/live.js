(() => {
  // The live page: where the tables have changed, everything between the page's ends is replaced.
  let known = document.body.dataset.version;
  const sorted = () => [...document.querySelectorAll("th[aria-sort]")].map((title) => {
    const tables = [...document.querySelectorAll("table.sortable")];
    const descending = title.getAttribute("aria-sort") === "descending";
    return [tables.indexOf(title.closest("table")), title.cellIndex, descending];
  });
  const update = async () => {
    const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
    const order = sorted();
    const chosen = [...document.querySelectorAll(".choice input:checked")].map((input) => input.id);
    document.getElementById("main").replaceWith(page.getElementById("main"));
    known = page.body.dataset.version;
    window.prepareReport();
    for (const id of chosen) document.getElementById(id)?.click();
    const tables = document.querySelectorAll("table.sortable");
    for (const [table, column, descending] of order) {
      const button = tables[table]?.tHead.rows[0].cells[column]?.querySelector("button");
      button?.click();
      if (descending) button?.click();
    }
  };
  const look = async () => {
    try {
      const version = await (await fetch("/version")).text();
      if (version !== known) await update();
      document.body.classList.remove("gone");
    } catch {
      document.body.classList.add("gone");
    }
    setTimeout(look, 1000);
  };
  look();
})();
