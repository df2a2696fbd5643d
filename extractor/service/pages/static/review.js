// The review of one report: from cell to its place in the text and back, and decisions. The server says what holds;
// after each decision its page is asked for anew and what changed in it is put in place.
import { typing } from "./page.js";
import { lineAt, select, selected } from "./text.js";

const main = document.getElementById("main");
const words = JSON.parse(document.getElementById("words").textContent);
const $ = (id) => document.getElementById(id);
const all = (query, root = document) => [...root.querySelectorAll(query)];
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const can = main.dataset.can === "yes";

let target = null; // { cell: path } or { rule } or { table }: what the keys act on
let choosing = null; // { path, accept }: while numbers of the text are offered
let busy = false;

const cellAt = (path) => document.querySelector(`td[data-path="${CSS.escape(path)}"]`);
const findingAt = (rule) => document.querySelector(`.finding[data-rule="${CSS.escape(rule)}"]`);
const sectionAt = (table) => document.querySelector(`section[data-table="${CSS.escape(table)}"]`);
const todo = () => all("[data-todo]");
const placesOf = (path) => all(`#source [data-of~="${CSS.escape(path)}"]`);

function say(text, wrong = false) {
  $("said").classList.toggle("wrong", wrong);
  $("said").textContent = text;
}

// ---------------------------------------------------------------- what is looked at

function clear(name) {
  for (const node of all(`.${name}`)) node.classList.remove(name);
}

function show(path, { scroll = true } = {}) {
  clear("here");
  const cell = cellAt(path);
  if (!cell) return;
  for (const other of all("td[tabindex='0']")) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.classList.add("here");
  const places = placesOf(path);
  for (const place of places) place.classList.add("here");
  if (scroll) places[0]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (target?.cell !== path) stopChoosing();
  target = { cell: path };
  offerActions("cell");
  $("panel-name").textContent = cell.dataset.words;
  const parts = [cell.getAttribute("aria-label").slice(cell.dataset.words.length + 1)];
  if (cell.dataset.raw) parts.push(fill(words.printed, { raw: cell.dataset.raw }));
  if (!places.length) parts.push(cell.dataset.start || cell.dataset.page ? words.elsewhere : nearby(cell, scroll));
  about(parts.join(words.stop), cell.matches("[data-doubtful]") && (cell.matches(".st-missing") ? words.advise_missing : words.advise_ambiguous));
  history(path);
}

function about(text, advice) {
  const node = $("panel-about");
  node.textContent = text;
  if (!advice || !can) return;
  const told = document.createElement("span");
  told.className = "advice";
  told.textContent = advice;
  node.append(" ", told);
}

// Where a cell without a place would stand: its line is brought into sight.
function nearby(cell, scroll) {
  if (!cell.dataset.near) return words.nowhere;
  const line = inWindow(Number(cell.dataset.near)) && lineAt(Number(cell.dataset.near));
  if (!line) return words.elsewhere;
  line.classList.add("here");
  if (scroll) line.scrollIntoView({ block: "center" });
  return fill(words.nearby, { line: line.dataset.n });
}

function inWindow(place) {
  const { shows, start, end } = $("source").dataset;
  return shows === "text" && place >= Number(start) && place <= Number(end);
}

function history(of) {
  const list = $("panel-history");
  list.textContent = "";
  for (const row of all(`#history tr[data-of="${CSS.escape(of)}"]`)) {
    const [at, who, , what, seen, why] = [...row.cells].map((cell) => cell.textContent.trim());
    const item = document.createElement("li");
    item.textContent = [at, who, what, seen && fill(words.seen, { seen }), why].filter(Boolean).join(" · ");
    list.append(item);
  }
  list.hidden = !list.children.length;
}

function suspects(finding, on) {
  clear("suspected");
  if (!on) return;
  const paths = (finding.dataset.suspects || finding.dataset.cells).split(" ").filter(Boolean);
  for (const path of paths) for (const node of [cellAt(path), ...placesOf(path)]) node?.classList.add("suspected");
  return paths;
}

async function look(path) {
  const cell = cellAt(path);
  cell?.focus();
  if (!cell || placesOf(path).length) return;
  // Its place is in another window of the text, or on another page.
  const at = cell.dataset.start ?? cell.dataset.near;
  if ($("source").dataset.shows === "page" && cell.dataset.page) await loadSource(`?page=${cell.dataset.page}`);
  else if ($("source").dataset.shows === "text" && at && !inWindow(Number(at))) await loadSource(`?at=${at}`);
  else return;
  show(path);
}

// ---------------------------------------------------------------- parts of the page, anew

let source = location.search;
async function fetchPage(query) {
  const answer = await fetch(main.dataset.address + query, { headers: { Accept: "text/html" } });
  if (answer.redirected) location.assign(answer.url);
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function loadSource(query) {
  try {
    const page = await fetchPage(query);
    $("source").replaceWith(document.adoptNode(page.getElementById("source")));
    source = query;
    if (target?.cell) show(target.cell);
  } catch {
    say(words.no_answer, true);
  }
}

async function refresh() {
  const scrolled = { form: $("form").scrollTop, text: $("text")?.scrollTop ?? 0 };
  const open = all("#form details").map((one) => one.open);
  const page = await fetchPage(source);
  for (const id of ["form", "source", "verdict"]) $(id).replaceWith(document.adoptNode(page.getElementById(id)));
  all("#form details").forEach((one, index) => { one.open = open[index] ?? false; });
  $("form").scrollTop = scrolled.form;
  if ($("text")) $("text").scrollTop = scrolled.text;
}

// ---------------------------------------------------------------- decisions

async function decide(proposal) {
  if (!can || busy) return;
  busy = true;
  document.body.classList.add("busy");
  say(words.saving);
  const kept = target;
  const body = { ...proposal, why: $("why").value, after: Number($("form").dataset.after) };
  try {
    const answer = await fetch(main.dataset.decisions, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Gouji": "1" },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok) {
      if (told.cause === "loose" && proposal.span) return void (await offer(proposal.path, proposal.span));
      say(`${told.detail ?? ""} ${told.hint ?? ""}`, true);
      if (told.cause === "outdated") await refresh();
    } else {
      $("why").value = "";
      if (choosing?.path === kept?.cell) stopChoosing();
      await refresh();
      const left = todo().length;
      say(left ? fill(words.saved, { left }) : words.all_trusted);
    }
  } catch {
    say(words.no_answer, true);
  } finally {
    busy = false;
    document.body.classList.remove("busy");
  }
  if (!choosing) back(target);  // somebody may have gone on meanwhile
}

function back(to) {
  if (to?.cell) cellAt(to.cell)?.focus({ preventScroll: true });
  else if (to?.rule) (findingAt(to.rule) ?? sectionAt(to.table)?.querySelector("h2"))?.focus();
  else if (to?.table) sectionAt(to.table)?.querySelector("h2").focus();
}

async function act(name, from) {
  const table = from?.dataset.table ?? target?.table ?? (target?.cell && cellAt(target.cell).closest("section").dataset.table);
  if (name === "next" || name === "previous") return step(name === "next" ? 1 : -1);
  if (!can) return;
  if (name === "table") {
    if (!table) return say(words.choose_first, true);
    target = { table };
    return decide({ action: "accept", table });
  }
  if (name === "printed_so") {
    const finding = from?.closest(".finding") ?? (target?.rule && findingAt(target.rule));
    if (!finding?.dataset.open) return say(words.choose_finding, true);
    target = { rule: finding.dataset.rule, table: finding.dataset.table };
    return decide({ action: "printed_so", rule: finding.dataset.rule });
  }
  if (name === "undo") {
    const node = target?.cell ? cellAt(target.cell) : target?.rule ? findingAt(target.rule) : target?.table ? sectionAt(target.table) : null;
    if (!node?.dataset.decision) return say(words.nothing_to_undo, true);
    return decide({ action: "undo", undoes: Number(node.dataset.decision) });
  }
  if (!target?.cell) return say(words.choose_first, true);
  const path = target.cell;
  if (name === "not_printed") return decide({ action: "not_printed", path });
  const span = selected();
  if (name === "correct") return span && !choosing ? decide({ action: "correct", path, span }) : offer(path);
  if (name === "accept") {
    const open = cellAt(path).matches(".st-ambiguous, .st-illegible") && !cellAt(path).matches(".decided");
    return open ? offer(path, null, true) : decide({ action: "accept", path });
  }
}

// ---------------------------------------------------------------- numbers of the text, by keys

async function offer(path, span = null, accept = false) {
  const query = new URLSearchParams({ path, ...(span ? { start: span[0], end: span[1] } : {}), ...(accept ? { readings: "yes" } : {}) });
  let page;
  try {
    if ($("source").dataset.shows !== "text") await loadSource(cellAt(path).dataset.start ? `?at=${cellAt(path).dataset.start}` : "");
    const answer = await fetch(`${main.dataset.address}/choices?${query}`, { headers: { Accept: "text/html" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) return say(page.querySelector("main p")?.textContent ?? words.no_answer, true);
    if (target?.cell !== path) return;  // somebody went on while the answer was under way
  } catch {
    return say(words.no_answer, true);
  }
  $("choices-list").replaceChildren(...[...page.body.children].map((node) => document.adoptNode(node)));
  $("choices").hidden = false;
  choosing = { path, accept };
  const options = all("#choices-list [role=option]");
  const first = options.findIndex((one) => one.dataset.candidate);
  // What is read now is the place to start from; without it the first reading that the text allows, or where it may be.
  const { start, near } = cellAt(path).dataset;
  const own = options.findIndex((one) => start ? one.dataset.start === start : near && Number(one.dataset.start) >= Number(near));
  if (options.length) choose(options[Math.max(first, first < 0 || start ? own : -1, 0)]);
  say(options.length ? fill(words.choosing, { count: options.length }) : words.no_choices, !options.length);
}

function choose(option) {
  for (const other of all("#choices-list [role=option]")) {
    other.setAttribute("aria-selected", String(other === option));
    other.tabIndex = other === option ? 0 : -1;
  }
  option.focus();
  const span = [Number(option.dataset.start), Number(option.dataset.end)];
  if (!select(...span)) loadSource(`?at=${span[0]}`).then(() => { select(...span); option.focus(); });
}

function take(option) {
  const { path, accept } = choosing;
  const span = [Number(option.dataset.start), Number(option.dataset.end)];
  decide({ action: accept && option.dataset.candidate ? "accept" : "correct", path, span, value: option.dataset.value });
}

function stopChoosing() {
  if (choosing) getSelection().removeAllRanges();  // what was only offered must not be taken for marked by a person
  choosing = null;
  $("choices").hidden = true;
  $("choices-list").replaceChildren();
}

// ---------------------------------------------------------------- moving

function step(by) {
  const list = todo();
  if (!list.length) return say(words.no_todo);
  const here = nodeOf(target);
  const side = by > 0 ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  const ahead = here ? list.filter((one) => here.compareDocumentPosition(one) & side) : list;
  open((by > 0 ? ahead[0] ?? list[0] : ahead.at(-1) ?? list.at(-1)));
}

const nodeOf = (to) => to?.cell ? cellAt(to.cell) : to?.rule ? findingAt(to.rule) : to?.table ? sectionAt(to.table)?.querySelector("h2") : null;

function open(node) {
  getSelection().removeAllRanges();  // it was marked for the cell that is left
  if (node.dataset.path) return void look(node.dataset.path);
  node.focus({ preventScroll: true });
  node.scrollIntoView({ block: "nearest" });
}

function stepFinding(by) {
  const list = all(".finding");
  if (!list.length) return say(words.no_findings);
  const at = list.indexOf(document.activeElement.closest(".finding"));
  list[(at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by + list.length) % list.length].focus();
}

function moveInGrid(cell, key) {
  const rows = all("tr", $("form")).filter((row) => row.querySelector("td[data-path]"));
  const mine = all("td[data-path]", cell.parentNode);
  const row = rows.indexOf(cell.parentNode);
  const column = mine.indexOf(cell);
  const to = {
    ArrowLeft: () => mine[column - 1], ArrowRight: () => mine[column + 1], Home: () => mine[0], End: () => mine.at(-1),
    ArrowUp: () => near(rows[row - 1], column), ArrowDown: () => near(rows[row + 1], column),
  }[key]();
  if (to) open(to);
}
const near = (row, column) => {
  const cells = row ? all("td[data-path]", row) : [];
  return cells[Math.min(column, cells.length - 1)];
};

function moveInText(place, by) {
  const list = all("#source [data-of]:not([data-of=''])");
  list[(list.indexOf(place) + by + list.length) % list.length]?.focus();
}

const KEYS = {
  n: () => step(1), p: () => step(-1), f: () => stepFinding(1), F: () => stepFinding(-1),
  a: () => act("accept"), t: () => act("table"), c: () => act("correct"), x: () => act("not_printed"),
  s: () => act("printed_so"), u: () => act("undo"), w: () => $("why")?.focus(),
  g: () => toggleSource(), q: () => location.assign("/review"),
  N: () => $("following")?.click(),
};

function toggleSource() {
  const other = document.querySelector(`#source a[data-source="${$("source").dataset.shows === "page" ? "text" : "page"}"]`);
  if (!other) return;
  const page = target?.cell && cellAt(target.cell)?.dataset.page;
  loadSource(other.dataset.source === "page" && page ? `?page=${page}` : new URL(other.href).search);
}

document.addEventListener("keydown", (event) => {
  if ($("help").open || event.ctrlKey || event.altKey || event.metaKey) return;
  const at = event.target;
  if (event.key === "Escape") {
    if (choosing || typing(at) || at.closest("#source")) {
      stopChoosing();
      back(target);
    }
    return;
  }
  if (typing(at)) {
    if (event.key === "Enter" && at.id === "why") { event.preventDefault(); back(target); }
    return;
  }
  const option = at.closest("[role=option]");
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (option && by) {
    event.preventDefault();
    const options = all("#choices-list [role=option]");
    return choose(options[(options.indexOf(option) + by + options.length) % options.length]);
  }
  if (option && event.key === "Enter") { event.preventDefault(); return take(option); }
  const cell = at.closest("td[data-path]");
  if (cell && (by || event.key === "Home" || event.key === "End")) { event.preventDefault(); return moveInGrid(cell, event.key); }
  if (at.matches(".finding") && event.key === "Enter") {
    const suspect = (at.dataset.suspects || at.dataset.cells).split(" ")[0];
    if (suspect) { event.preventDefault(); look(suspect); }
    return;
  }
  if (cell && event.key === "Enter") { event.preventDefault(); return placesOf(cell.dataset.path)[0]?.focus(); }
  const place = at.closest("#source [data-of]");
  if (place && (by === 1 || by === -1)) { event.preventDefault(); return moveInText(place, by); }
  if (event.key === "Enter" && selected() && at.closest("#text, body") && !at.closest("a, button, summary")) {
    if (target?.cell) { event.preventDefault(); return act("correct"); }
  }
  if (place && event.key === "Enter") { event.preventDefault(); return cellAt(place.dataset.of.split(" ")[0])?.focus(); }
  const action = KEYS[event.key];
  if (action && !at.closest("#help")) { event.preventDefault(); action(); }
});

// Marking a number by mouse must not lead away from the cell that it is marked for, also where it stands for another cell.
let pressed = false, left = null;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
document.addEventListener("pointerup", () => { pressed = false; }, true);
document.addEventListener("dblclick", (event) => {
  if (event.target.closest("#text") && selected() && left) show(left, { scroll: false });
});

document.addEventListener("focusin", (event) => {
  const cell = event.target.closest("td[data-path]");
  const finding = event.target.closest(".finding");
  const place = event.target.closest("#source [data-of]");
  const head = event.target.matches("h2[tabindex]") && event.target.closest("section[data-table]");
  if (cell) show(cell.dataset.path);
  else if (place?.dataset.of && !pressed) show(place.dataset.of.split(" ")[0], { scroll: false });
  else if (head) point({ table: head.dataset.table }, head.dataset.table, event.target.textContent);
  if (finding && event.target === finding) {
    point({ rule: finding.dataset.rule, table: finding.dataset.table }, finding.dataset.rule, finding.querySelector("p").innerText.trim());
  }
  const paths = suspects(finding, Boolean(finding));
  if (finding && paths[0]) placesOf(paths[0])[0]?.scrollIntoView({ block: "nearest", inline: "nearest" });
});

function offerActions(kind) {
  for (const button of all("#panel [data-for]")) button.hidden = button.dataset.for !== kind;
}

function point(to, of, text) {
  target = to;
  offerActions(to.rule ? "rule" : "table");
  stopChoosing();
  clear("here");
  $("panel-name").textContent = text;
  const node = nodeOf(to);
  about("", node.dataset.todo && (to.rule ? words.advise_rule : words.advise_table));
  history(of);
}

document.addEventListener("mouseover", (event) => {
  const finding = event.target.closest(".finding");
  if (finding) suspects(finding, true);
  else if (!document.activeElement.closest(".finding")) clear("suspected");
});

document.addEventListener("click", (event) => {
  if (event.detail === 1) left = null;
  const act_ = event.target.closest("[data-act]");
  if (act_) return void act(act_.dataset.act, act_);
  const option = event.target.closest("[role=option]");
  if (option) return option.getAttribute("aria-selected") === "true" ? take(option) : choose(option);
  const cell = event.target.closest("td[data-path]");
  if (cell) return void look(cell.dataset.path);
  const place = event.target.closest("#source [data-of]");
  if (place?.dataset.of && !selected()) {
    left = target?.cell;
    return cellAt(place.dataset.of.split(" ")[0])?.focus({ preventScroll: event.detail > 1 });
  }
  const goes = event.target.closest("[data-goes]");
  if (goes) { event.preventDefault(); return void look(goes.dataset.goes); }
  const link = event.target.closest("a[data-source]");
  if (link) { event.preventDefault(); return void loadSource(new URL(link.href).search); }
  const line = event.target.closest("a[data-at]");
  if (line) { event.preventDefault(); goToLine(line); }
});

async function goToLine(link) {
  if (!$(`L${link.dataset.line}`)) await loadSource(`?at=${link.dataset.at}`);
  $(`L${link.dataset.line}`)?.scrollIntoView({ block: "center" });
}

document.addEventListener("selectionchange", () => {
  if (choosing || !target?.cell || !can) return;
  const span = selected();
  if (span) say(fill(words.selected, { raw: String(getSelection()).trim().slice(0, 40) }));
});

document.addEventListener("change", (event) => {
  if (event.target.id === "wrap") $("text").classList.toggle("wrap", event.target.checked);
});

// The page opens where the work is: the cell or the table that was asked for, else the first doubtful cell.
const hash = decodeURIComponent(location.hash);
const table = hash.startsWith("#in-") ? sectionAt(hash.slice(4)) : null;
const asked = hash.startsWith("#c-") ? cellAt(hash.slice(3)) : table?.querySelector("td[data-doubtful]") ?? table?.querySelector("[data-todo]") ?? table?.querySelector("td[data-path]");
const first = asked ?? todo()[0];
const corner = all("td[data-path]")[0];
if (corner) show(corner.dataset.path);
if (first) {
  open(first);
  first.scrollIntoView({ block: "center" });
}
