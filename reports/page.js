// Sorts and filters tables, shows a plot's values under the pointer, unfolds everything for printing. The page is
// complete without it.
"use strict";
const FILTER_FROM = 12; // rows
const NEAR = 24; // pixels

// ---- tables ----
const valueOf = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
};
const compare = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "number") return -1;
  if (typeof b === "number") return 1;
  return a.localeCompare(b, "en", { numeric: true });
};
const sortable = (table) => {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
      rows.sort((a, b) => sign * compare(a[0], b[0]));
      body.append(...rows.map((pair) => pair[1]));
    });
  });
};
const filterable = (table) => {
  const rows = [...table.tBodies[0].rows];
  const field = document.createElement("input");
  const count = document.createElement("output");
  const line = document.createElement("p");
  field.type = "search";
  field.placeholder = "Filter rows: words, all of which must be there";
  field.setAttribute("aria-label", "Filter rows of: " + table.caption.textContent.split(/[.:]/, 1)[0]);
  line.className = "filter";
  line.append(field, count);
  table.parentElement.before(line);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length > 0 ? `${shown} of ${rows.length}` : "";
  });
};
for (const table of document.querySelectorAll("table")) {
  const rows = table.tBodies[0].rows.length;
  if (rows >= 3) sortable(table);
  if (rows >= FILTER_FROM) filterable(table);
}

// ---- plots ----
// Points carry their values as titles. The nearest one's is shown beside the pointer or the finger, at once.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
let marked = null;
const unmark = () => {
  if (marked) marked.classList.remove("marked");
  marked = null;
  tip.hidden = true;
};
const pointsOf = (svg) => [...svg.querySelectorAll("use > title")].map((title) => {
  const use = title.parentElement;
  const words = title.textContent;
  title.remove(); // the browser would show it too, later
  return { use, words };
});
for (const svg of document.querySelectorAll("svg.plot")) {
  let points = null;
  const show = (event) => {
    points = points || pointsOf(svg);
    let nearest = null, least = NEAR;
    for (const point of points) {
      const box = point.use.getBoundingClientRect();
      point.x = box.x + box.width / 2;
      point.y = box.y + box.height / 2;
      const distance = Math.hypot(point.x - event.clientX, point.y - event.clientY);
      if (distance < least) [nearest, least] = [point, distance];
    }
    if (marked && (!nearest || nearest.use !== marked)) unmark();
    if (!nearest || marked) return;
    marked = nearest.use;
    marked.classList.add("marked");
    tip.textContent = nearest.words;
    tip.hidden = false;
    const left = Math.min(nearest.x + 12, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, nearest.y - tip.offsetHeight - 12)}px`;
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") unmark(); });
}
addEventListener("scroll", unmark, { passive: true });

// ---- paper ----
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
