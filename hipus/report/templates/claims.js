/* Search and filters of the claims' table; the table itself is whole without this file. */
"use strict";
(() => {
  const form = document.getElementById("filters");
  const search = document.getElementById("search");
  const selects = [...form.querySelectorAll("select")];
  const rows = [...document.getElementById("claims").tBodies[0].rows];
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ").replace(/−/g, "-");
  const texts = rows.map(() => null); // read when first searched
  const text = (place) => (texts[place] ??= plain(rows[place].textContent));
  let waiting = 0;

  function show() {
    waiting = 0;
    const words = plain(search.value).split(" ").filter(Boolean);
    const wanted = selects.filter((one) => one.value);
    let shown = 0;
    rows.forEach((row, place) => {
      const fits =
        wanted.every((one) => row.dataset[one.dataset.by] === one.value) &&
        words.every((word) => text(place).includes(word));
      row.hidden = !fits;
      shown += fits;
    });
    count.value = `${shown} of ${rows.length} claims`;
    nothing.hidden = shown > 0;
  }

  function soon() {
    if (!waiting) waiting = requestAnimationFrame(show);
  }

  function clear() {
    form.reset();
    show();
    search.focus();
  }

  /* A link to a claim that is filtered away shows all claims, then that one. */
  function follow() {
    let wanted = "";
    try {
      wanted = decodeURIComponent(location.hash.slice(1));
    } catch {
      return; // a broken address leads nowhere
    }
    const row = document.getElementById(wanted);
    if (!row || !rows.includes(row)) return;
    if (row.hidden) {
      form.reset();
      show();
    }
    row.scrollIntoView({ block: "center" });
    // Rows out of sight have a guessed height: once those on the way are drawn, look again.
    requestAnimationFrame(() => row.scrollIntoView({ block: "center" }));
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", soon);
  form.addEventListener("reset", () => setTimeout(show));
  document.getElementById("clear").addEventListener("click", clear);
  addEventListener("hashchange", follow);
  form.hidden = false;
  show();
  follow();
})();
