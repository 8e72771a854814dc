// The script of every page. Pages work without it; it adds what a page cannot
// do by itself: sorting and paging tables, copying, dialogs, values beside the
// pointer on charts, the choice of colours.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// make builds an element: make("p", {class: "x"}, "text", child).
function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// Tables: a header with data-sort gets a button. A cell's data-value is what
// is compared, else its text; a cell with an empty data-value is not known and
// stays last in both directions.
const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function cellKey(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
}

function compare(a, b, numbers, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  return sign * (numbers ? Number(a) - Number(b) : words.compare(a, b));
}

function sortTable(table, header) {
  const numbers = header.dataset.sort === "number";
  const before = header.getAttribute("aria-sort");
  const first = numbers ? "descending" : "ascending";
  const other = numbers ? "ascending" : "descending";
  const direction = before === first ? other : first;
  const sign = direction === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [cellKey(row, header.cellIndex), row]);
  rows.sort(([a], [b]) => compare(a, b, numbers, sign));
  body.append(...rows.map(([, row]) => row));
  for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  table.dispatchEvent(new Event("sorted"));
}

function sortable(table) {
  for (const header of all("th[data-sort]", table.tHead ?? table)) {
    const button = make("button", { type: "button", class: "sort" }, ...header.childNodes);
    button.addEventListener("click", () => sortTable(table, header));
    header.append(button);
  }
}

// A table with data-page shows that many rows at a time.
function paged(table) {
  const size = Number(table.dataset.page);
  const rows = () => [...table.tBodies[0].rows];
  if (!size || rows().length <= size) return;
  const place = make("span", { role: "status" });
  const back = make("button", { type: "button", class: "button small" }, "Previous");
  const on = make("button", { type: "button", class: "button small" }, "Next");
  let first = 0;
  const show = () => {
    const list = rows();
    list.forEach((row, i) => { row.hidden = i < first || i >= first + size; });
    place.textContent = `${first + 1} to ${Math.min(first + size, list.length)} of ${list.length}`;
    back.disabled = first === 0;
    on.disabled = first + size >= list.length;
  };
  back.addEventListener("click", () => { first -= size; show(); });
  on.addEventListener("click", () => { first += size; show(); });
  table.addEventListener("sorted", () => { first = 0; show(); });
  table.closest(".table-frame").append(make("div", { class: "pager" }, place, back, on));
  show();
}

// Charts: the values of a step move from its title into a box beside the
// pointer; the arrow keys walk over the steps.
function tip(frame) {
  const plot = frame.querySelector(".trend-plot");
  const steps = all(".hits rect", plot).map((rect) => {
    const title = rect.querySelector("title");
    const lines = title.textContent.split("\n");
    title.remove();
    return { rect, lines };
  });
  const box = make("div", { class: "tip", role: "status" });
  box.hidden = true;
  frame.append(box);
  let at = -1;

  const show = (i) => {
    if (i === at) return;
    steps[at]?.rect.classList.remove("at");
    at = i;
    box.hidden = i < 0;
    if (i < 0) return;
    const { rect, lines } = steps[i];
    rect.classList.add("at");
    box.replaceChildren(make("div", { class: "tip-head" }, lines[0]), ...lines.slice(1).map((line) => {
      const [name, value = ""] = line.split(": ");
      return make("div", { class: "tip-row" }, make("span", {}, name), make("b", {}, value));
    }));
    const around = frame.getBoundingClientRect();
    const here = rect.getBoundingClientRect();
    const right = here.right - around.left + 10;
    const fits = right + box.offsetWidth <= around.width;
    const left = fits ? right : Math.max(0, here.left - around.left - box.offsetWidth - 10);
    box.style.left = `${left}px`;
    box.style.top = "26px";
  };

  plot.addEventListener("pointermove", (e) => {
    const box = plot.getBoundingClientRect();
    const i = Math.floor(((e.clientX - box.left) / box.width) * steps.length);
    show(Math.min(Math.max(i, 0), steps.length - 1));
  });
  plot.addEventListener("pointerleave", () => show(-1));
  plot.addEventListener("blur", () => show(-1));
  plot.addEventListener("keydown", (e) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (move) show(Math.min(Math.max((at < 0 ? steps.length : at) + move, 0), steps.length - 1));
    else if (e.key === "Home") show(0);
    else if (e.key === "End") show(steps.length - 1);
    else if (e.key === "Escape") show(-1);
    else return;
    e.preventDefault();
  });
}

// Copy: a button with data-copy puts the text of the element that it names by
// id on the clipboard.
function copies(button) {
  if (!navigator.clipboard) { button.hidden = true; return; }
  const label = button.querySelector("[data-copy-label]") ?? button;
  const text = label.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = text; }, 2000);
  });
}

// Filter: an input with data-filter hides the items of the list that it names
// by id which do not have its text.
function filters(input) {
  const items = [...document.getElementById(input.dataset.filter).children];
  input.addEventListener("input", () => {
    const want = input.value.trim().toLowerCase();
    for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(want);
  });
  input.addEventListener("keydown", (e) => { if (e.key === "Enter") e.preventDefault(); });
}

// All: a button with data-all ticks or clears the boxes of a list.
function ticksAll(button) {
  button.addEventListener("click", () => {
    const list = document.getElementById(button.dataset.list);
    for (const box of all("input[type=checkbox]", list)) {
      if (!box.closest("[hidden]")) box.checked = button.dataset.all === "on";
    }
  });
}

// Colours: kept in a cookie, so that the server sends the page in them.
function themes(group) {
  const buttons = all("button", group);
  group.hidden = false;
  const show = (value) => {
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.value === value));
    if (value) document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
  };
  for (const b of buttons) {
    b.addEventListener("click", () => {
      document.cookie = `headroom-theme=${b.value}; path=/; max-age=${b.value ? 31536000 : 0}; samesite=lax`;
      show(b.value);
    });
  }
}

// Notes can be put away.
function notes(note) {
  const close = make("button", { type: "button", class: "note-close", "aria-label": "Put away" }, "\u00d7");
  close.addEventListener("click", () => note.remove());
  note.append(close);
}

// Dialogs: a button with data-dialog opens the dialog with that id.
function dialogs(button) {
  button.addEventListener("click", () => document.getElementById(button.dataset.dialog).showModal());
}

// Menus close on a click elsewhere and on Escape.
function menus(menu) {
  document.addEventListener("click", (e) => { if (!menu.contains(e.target)) menu.open = false; });
  menu.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// Time zones: those that the browser knows are offered, its own is filled in.
function zones(input) {
  input.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  const known = Intl.supportedValuesOf?.("timeZone") ?? [];
  input.list.append(...known.map((zone) => make("option", { value: zone })));
}

// Ends: an element with data-until counts down to that instant.
function countsDown(element) {
  const until = Date.parse(element.dataset.until);
  const show = () => {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000));
    element.textContent = left ? `in ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "now";
    if (left && element.isConnected) setTimeout(show, 1000);
  };
  show();
}

// Refresh: while an element with data-refresh is there, the content of the page
// is asked for every so many seconds, and replaced if it is another one. Nobody
// is disturbed who writes, or has a dialog open.
function refreshes(main, sent) {
  const seconds = Number(main.querySelector("[data-refresh]")?.dataset.refresh);
  if (!seconds) return;
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (answer.ok && !fresh.isEqualNode(sent) && !main.querySelector("dialog[open], :is(input, select, textarea):focus")) {
        const focused = main.contains(document.activeElement);
        main.replaceChildren(...fresh.cloneNode(true).childNodes);
        sent = fresh;
        enliven(main);
        if (focused) main.focus();
      }
    } catch { /* the server is away for a moment; it is asked again */ }
    refreshes(main, sent);
  }, seconds * 1000);
}

// enliven adds to the elements within what they cannot do by themselves.
function enliven(within) {
  for (const table of all("table.table", within)) { sortable(table); paged(table); }
  all(".trend-frame", within).forEach(tip);
  all("[data-copy]", within).forEach(copies);
  all("[data-filter]", within).forEach(filters);
  all("[data-all]", within).forEach(ticksAll);
  all("[data-dialog]", within).forEach(dialogs);
  all("details.menu", within).forEach(menus);
  all("[data-zone]", within).forEach(zones);
  all("[data-until]", within).forEach(countsDown);
}

const content = document.querySelector("main");
const asSent = content.cloneNode(true);
enliven(document);
all("[data-theme-switch]").forEach(themes);
all("[data-note]").forEach(notes);
refreshes(content, asSent);
