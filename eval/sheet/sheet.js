"use strict";
// The sheet of `gouji label`. The report's text is data: it is only ever set as textContent, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const make = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") node.textContent = value;
    else if (key === "class") node.className = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
};

// ---------------------------------------------------------------- what is kept

const KEY = `gouji-label:${data.sha256}:${data.source}`;
const empty = () => ({ form: null, values: {}, seen: {}, groups: {}, meta: {}, sums: false, sumsShown: false });
let state = empty();
try {
  const kept = JSON.parse(localStorage.getItem(KEY) || "null");
  if (kept) state = { ...empty(), ...kept };
  if (!state.meta.by) state.meta.by = localStorage.getItem("gouji-label:by") || "";
} catch (error) { /* no storage, or a value of another version: start empty */ }
const keep = () => {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
    localStorage.setItem("gouji-label:by", state.meta.by || "");
  } catch (error) {
    say("This browser keeps nothing for files; download before you close the page.");
  }
};

const formOf = (version) => data.forms.find((form) => form.version === version);

// ---------------------------------------------------------------- what may be typed

const NOTHING = /^(?:|\/|-+|—+|_+|无|無|不涉及)$/;
const fold = (raw) => raw.replace(/[！-～]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[\s\u3000]/g, "");
// {value} (null, "?", a number, or an amount's digits), or {why}
function read(raw, kind) {
  const text = fold(raw);
  if (kind === "unit") return { value: raw.trim() || null };
  if (NOTHING.test(text)) return { value: null };
  if (text === "?") return { value: "?" };
  const plain = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text;
  if (kind === "amount") return /^(0|[1-9]\d{0,23})(\.\d{1,24})?$/.test(plain) ? { value: plain } : { why: "an amount like 16085.10" };
  if (kind === "signed") {
    const found = /^(?:([+增])|([-减]))?(0|[1-9]\d{0,11})$/.exec(plain);
    return found ? { value: (found[2] ? -1 : 1) * Number(found[3]) || 0 } : { why: "a whole number, with - or 减 if less" };
  }
  return /^(0|[1-9]\d{0,11})$/.test(plain) ? { value: Number(plain) } : { why: "a whole number, ? or nothing" };
}

// ---------------------------------------------------------------- the text, with search

const list = $("text");
for (const line of data.lines) list.append(make("li", { text: line }));
// Layout text is read by its columns; anything else is easier to read wrapped.
$("wrap").checked = data.lines.filter((line) => /\S {3,}\S.* {3,}\S/.test(line)).length < 5;
const wrap = () => list.classList.toggle("wrap", $("wrap").checked);
$("wrap").addEventListener("change", wrap);
wrap();

let marks = [];
let here = -1;
function search(words) {
  for (const item of list.querySelectorAll("li.found")) {
    item.textContent = data.lines[[...list.children].indexOf(item)];
    item.classList.remove("found");
  }
  marks = [];
  here = -1;
  if (words) {
    data.lines.forEach((line, index) => {
      const parts = line.split(words);
      if (parts.length === 1) return;
      const item = list.children[index];
      item.textContent = "";
      item.classList.add("found");
      parts.forEach((part, number) => {
        if (number) marks.push(item.appendChild(make("mark", { text: words })));
        item.append(part);
      });
    });
    step(1);
  }
  $("matches").textContent = words ? `${marks.length ? here + 1 : 0} / ${marks.length}` : "";
}
function step(by) {
  if (!marks.length) return;
  marks[here]?.classList.remove("here");
  here = (here + by + marks.length) % marks.length;
  marks[here].classList.add("here");
  marks[here].scrollIntoView({ block: "center", inline: "nearest" });
  $("matches").textContent = `${here + 1} / ${marks.length}`;
}
$("search").addEventListener("input", () => search($("search").value));
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") { step(event.shiftKey ? -1 : 1); event.preventDefault(); }
});
$("next").addEventListener("click", () => step(1));
$("previous").addEventListener("click", () => step(-1));

// ---------------------------------------------------------------- around the record

const META = [
  ["year", "report year", "as the text has it"],
  ["organization", "organization", "in the text's characters"],
  ["family", "layout family", "may stay empty"],
  ["by", "labelled by", ""],
  ["when", "labelled when", "YYYY-MM-DD"],
  ["how", "how", "for instance: the printed tables read row by row; no reader was run"],
  ["note", "note", "what the page does against the rules, what is ?, and why"],
];
function showMeta() {
  const box = $("meta");
  box.textContent = "";
  for (const [key, words, hint] of META) {
    const wide = key === "how" || key === "note";
    const input = make("input", { id: `meta-${key}`, placeholder: hint, ...(wide ? { class: "wide" } : {}) });
    if (key === "when" && !state.meta.when) state.meta.when = new Date().toLocaleDateString("sv");
    input.value = state.meta[key] || "";
    input.addEventListener("input", () => { state.meta[key] = input.value; input.classList.remove("bad"); keep(); });
    box.append(make("label", { for: input.id, text: words }), input);
    if (key === "family") box.append(make("span"), make("span"));
  }
  const choice = make("fieldset", { class: "wide", id: "forms" });
  for (const { version, ...form } of data.forms) {
    const input = make("input", { type: "radio", name: "version", value: version });
    input.checked = state.form === version;
    input.addEventListener("change", () => { state.form = version; keep(); showTables(); });
    choice.append(make("label", { title: form.source }, input, ` ${version} (${form.sign} …)`));
  }
  box.append(make("span", { text: "form of table 2" }), choice);
}

// ---------------------------------------------------------------- the tables

let inputs = new Map(); // path → input, in the order of the page
const kindOf = new Map();
function cell(path, kind, words) {
  const input = make("input", { "data-path": path, autocomplete: "off", spellcheck: "false", title: words, "aria-label": words });
  if (kind !== "unit" && kind !== "amount") input.setAttribute("inputmode", "numeric");
  input.value = state.values[path] ?? "";
  inputs.set(path, input);
  kindOf.set(path, kind);
  mark(input);
  return make("td", kind === "amount" || kind === "unit" ? { class: "wide" } : {}, input);
}
function mark(input) {
  const path = input.dataset.path;
  const { why } = read(input.value, kindOf.get(path));
  input.classList.toggle("bad", Boolean(why));
  input.classList.toggle("seen", Boolean(state.seen[path]));
  input.setCustomValidity(why || "");
}
const head = (words) => make("thead", {}, make("tr", {}, ...words.map((text) => make("th", { scope: "col", text }))));
function showTables() {
  const box = $("tables");
  box.textContent = "";
  inputs = new Map();
  if (!state.form) {
    box.append(make("p", { text: "Choose the form of table 2 by its column heads, as they are printed." }));
    progress();
    return;
  }
  const form = formOf(state.form);
  box.append(make("h2", { text: "二、主动公开政府信息情况 (table 2)" }));
  let body = null;
  let heads = "";
  for (const row of form.rows) {
    const words = row.fields.map((field) => field.words);
    if (heads !== words.join()) {
      heads = words.join();
      body = make("tbody");
      box.append(make("table", {}, head(["", ...words]), body));
    }
    const line = make("tr", {}, make("th", { scope: "row", text: row.words }));
    for (const field of row.fields) line.append(cell(`disclosure.${row.key}.${field.key}`, field.kind, `${row.words} · ${field.words}`));
    body.append(line);
  }
  box.append(make("h2", { text: "三、收到和处理政府信息公开申请情况 (table 3)" }));
  const rows = make("tbody");
  for (const row of data.rows) {
    const open = !row.group || state.groups[row.group];
    const line = make("tr", row.group ? { class: "group" } : {});
    const label = make("th", { scope: "row", text: row.words, ...(row.sub ? { class: "sub" } : {}) });
    line.append(label);
    if (row.group) {
      const box = make("input", { type: "checkbox", "data-group": row.group });
      box.checked = Boolean(open);
      box.addEventListener("change", () => { state.groups[row.group] = box.checked; keep(); showTables(); });
      label.append(make("label", {}, box, " printed as a row"));
    }
    if (open) for (const column of data.columns) line.append(cell(`requests.${row.key}.${column.key}`, "count", `${row.words} · ${column.words}`));
    else line.append(make("td", { colspan: String(data.columns.length), class: "none" }));
    rows.append(line);
  }
  box.append(make("table", {}, head(["", ...data.columns.map((column) => column.words)]), rows));
  box.append(make("h2", { text: "四、政府信息公开行政复议、行政诉讼情况 (table 4)" }));
  const blocks = make("tbody");
  for (const block of data.blocks) {
    const line = make("tr", {}, make("th", { scope: "row", text: block.words }));
    for (const column of data.dispute_columns) line.append(cell(`${block.key}.${column.key}`, "count", `${block.words} · ${column.words}`));
    blocks.append(line);
  }
  box.append(make("table", {}, head(["", ...data.dispute_columns.map((column) => column.words)]), blocks));
  progress();
}
function progress() {
  const all = [...inputs.keys()];
  const seen = all.filter((path) => state.seen[path]).length;
  $("progress").textContent = all.length ? `${seen} of ${all.length} cells looked at` : "no form chosen";
  broken();
}

// ---------------------------------------------------------------- keyboard and paste

function go(from, by) {
  const order = [...inputs.values()];
  const to = order[order.indexOf(from) + by];
  if (to) { to.focus(); to.select(); }
}
function goRow(from, by) {
  const column = (input) => [...input.closest("tr").children].indexOf(input.parentElement);
  const order = [...inputs.values()];
  for (let at = order.indexOf(from) + by; at >= 0 && at < order.length; at += by) {
    if (order[at].closest("tr") !== from.closest("tr") && column(order[at]) === column(from)) {
      order[at].focus();
      order[at].select();
      return;
    }
  }
}
function leave(input) {
  state.values[input.dataset.path] = input.value;
  state.seen[input.dataset.path] = true;
  mark(input);
  keep();
  progress();
}
$("tables").addEventListener("input", (event) => {
  if (!event.target.dataset.path) return;
  state.values[event.target.dataset.path] = event.target.value;
  mark(event.target);
  keep();
});
$("tables").addEventListener("focusin", (event) => { if (event.target.dataset.path) event.target.select(); });
$("tables").addEventListener("focusout", (event) => { if (event.target.dataset.path && event.target.isConnected) leave(event.target); });
$("tables").addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.dataset.path) return;
  const edge = input.selectionStart === input.selectionEnd ? input.selectionStart : null;
  const whole = input.selectionStart === 0 && input.selectionEnd === input.value.length;
  if (event.key === "Enter" || event.key === "Tab") { leave(input); if (event.key === "Enter") { go(input, event.shiftKey ? -1 : 1); event.preventDefault(); } }
  else if (event.key === "ArrowDown") { leave(input); goRow(input, 1); event.preventDefault(); }
  else if (event.key === "ArrowUp") { leave(input); goRow(input, -1); event.preventDefault(); }
  else if (event.key === "ArrowRight" && (whole || edge === input.value.length)) { leave(input); go(input, 1); event.preventDefault(); }
  else if (event.key === "ArrowLeft" && (whole || edge === 0)) { leave(input); go(input, -1); event.preventDefault(); }
  else if (event.altKey && event.key.toLowerCase() === "f") {
    const words = input.closest("tr").querySelector("th").firstChild.textContent.replace(/^.*?[、.）]/, "").slice(0, 8);
    $("search").value = words;
    search(words);
    event.preventDefault();
  }
});
$("tables").addEventListener("paste", (event) => {
  const input = event.target;
  const text = (event.clipboardData || { getData: () => "" }).getData("text").replace(/\r?\n$/, "").replace(/^\s*\||\|\s*$/g, "");
  if (!input.dataset.path || !/[\s|]/.test(text.trim())) return;
  event.preventDefault();
  const parts = (/[\t|]/.test(text) ? text.split(/\s*\|\s*|\t/) : text.trim().split(/\s+/)).map((part) => part.trim());
  const row = [...input.closest("tr").querySelectorAll("input[data-path]")];
  const left = row.slice(row.indexOf(input));
  if (parts.length !== left.length) {
    say(`${parts.length} pieces were pasted, ${left.length} cells are left in this row: nothing was filled. Type them.`);
    return;
  }
  left.forEach((target, index) => { target.value = parts[index]; leave(target); });
  say("");
  go(left[left.length - 1], 1);
});

// ---------------------------------------------------------------- broken sums, only if asked for

function values() {
  return Object.fromEntries([...inputs].map(([path, input]) => [path, read(input.value, kindOf.get(path)).value ?? null]));
}
// The form's equations as the page has its groups: a group row stands for its sub-rows where only it is printed.
function equations(groups, without) {
  const all = (path) => {
    const group = without.find((name) => path.startsWith(`requests.${name}.`));
    return group ? `requests.${group}.all.${path.slice(path.lastIndexOf(".") + 1)}` : path;
  };
  const found = data.equations
    .filter(([code]) => !without.some((group) => code.startsWith(`requests.applicants.${group}.`)))
    .map(([code, left, right]) => [code, [...new Set(left.map(all))], [...new Set(right.map(all))]]);
  const columns = data.columns.map((column) => column.key);
  for (const group of groups) {
    const row = (column) => `requests.${group}.all.${column}`;
    found.push([`requests.applicants.${group}.all`, columns.slice(0, -1).map(row), [row(columns.at(-1))]]);
    if (without.includes(group)) continue;
    const subs = data.rows.filter(({ sub }) => sub === group).map(({ key }) => key);
    for (const column of columns) found.push([`requests.groups.${group}.${column}`, subs.map((key) => `requests.${key}.${column}`), [row(column)]]);
  }
  return found;
}
function broken() {
  const box = $("broken");
  box.hidden = !state.sums || !state.form;
  if (box.hidden) return;
  const now = values();
  box.textContent = "";
  const groups = Object.keys(state.groups).filter((group) => state.groups[group]);
  const without = groups.filter((group) => [...inputs.keys()].every((path) => !path.startsWith(`requests.${group}.`) || path.startsWith(`requests.${group}.all.`) || now[path] === null));
  const failing = [];
  for (const [code, left, right] of equations(groups, without)) {
    const sides = [left, right].map((side) => side.map((path) => now[path]));
    if (sides.flat().some((value) => typeof value !== "number")) continue;
    const [a, b] = sides.map((side) => side.reduce((sum, value) => sum + value, 0));
    if (a !== b) failing.push(`${code}: ${a} ≠ ${b}`);
  }
  box.append(make("p", { text: failing.length ? "Look at the page again. If it is printed so, it stays so; name the rule in the note." : "No broken sum among the cells filled so far." }));
  for (const text of failing) box.append(make("p", { text }));
}
$("sums").checked = state.sums;
$("sums").addEventListener("change", () => {
  state.sums = $("sums").checked;
  state.sumsShown = state.sumsShown || state.sums;
  keep();
  broken();
});

// ---------------------------------------------------------------- out

function say(text, ...more) {
  const box = $("notice");
  box.textContent = text;
  box.append(...more);
  box.hidden = !text;
}
const item = (value) => JSON.stringify(value);
const flat = (object) => `{${Object.entries(object).map(([key, value]) => `${item(key)}: ${item(value)}`).join(", ")}}`;
const block = (object, depth) => `{\n${Object.entries(object).map(([key, value]) => `${" ".repeat(depth)}${item(key)}: ${value}`).join(",\n")}\n${" ".repeat(depth - 1)}}`;
function gold() {
  const now = values();
  const row = (prefix, names) => flat(Object.fromEntries(names.map((name) => [name, now[`${prefix}.${name}`]])));
  const disclosure = {};
  for (const { key, fields } of formOf(state.form).rows) disclosure[key] = row(`disclosure.${key}`, fields.map((field) => field.key));
  const requests = {};
  const columns = data.columns.map((column) => column.key);
  for (const { key, group } of data.rows) {
    if (group && (!state.groups[group] || columns.every((column) => now[`requests.${key}.${column}`] === null))) continue;
    requests[key] = row(`requests.${key}`, columns);
  }
  const record = { form: item(state.form), disclosure: block(disclosure, 3), requests: block(requests, 3) };
  for (const { key } of data.blocks) record[key] = row(key, data.dispute_columns.map((column) => column.key));
  const meta = Object.fromEntries(META.map(([key]) => [key, (state.meta[key] || "").trim()]));
  const how = meta.how + (state.sumsShown ? "; broken sums were shown" : "");
  const out = {
    source: item(data.source), year: meta.year ? String(Number(fold(meta.year))) : "null", organization: item(meta.organization || null),
    ...(meta.family ? { family: item(meta.family) } : {}),
    labelled: flat({ by: meta.by, when: meta.when, how }),
    ...(meta.note ? { note: item(meta.note) } : {}),
    record: block(record, 2),
  };
  return block(out, 1) + "\n";
}
function faults() {
  const found = [];
  for (const key of ["by", "when", "how"]) if (!(state.meta[key] || "").trim()) found.push([`meta-${key}`, `“${META.find((m) => m[0] === key)[1]}” is empty`]);
  if (!/^(\d{4}-\d{2}-\d{2})?$/.test((state.meta.when || "").trim())) found.push(["meta-when", "the date is not YYYY-MM-DD"]);
  if (!/^(\d{4})?$/.test(fold(state.meta.year || ""))) found.push(["meta-year", "the year is no year"]);
  if (!state.form) found.push(["meta-year", "no form is chosen"]);
  for (const [path, input] of inputs) {
    const { why } = read(input.value, kindOf.get(path));
    if (why) found.push([path, `${input.title}: ${JSON.stringify(input.value)} is not ${why}`]);
  }
  return found;
}
function download() {
  const url = URL.createObjectURL(new Blob([gold()], { type: "application/json" }));
  const link = make("a", { href: url, download: data.file });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  say(`Downloaded as ${data.file}. Next: gouji eval lint, and a second pass by someone else.`);
}
$("download").addEventListener("click", () => {
  const found = faults();
  if (found.length) {
    say(`Not downloaded: ${found[0][1]}${found.length > 1 ? ` (and ${found.length - 1} more)` : ""}.`);
    const target = inputs.get(found[0][0]) || $(found[0][0]);
    target.classList.add("bad");
    target.focus();
    return;
  }
  const unseen = [...inputs].filter(([path, input]) => !state.seen[path] && !input.value);
  if (unseen.length) {
    const all = make("button", { type: "button", id: "anyway", text: "They are empty on the page: download" });
    all.addEventListener("click", download);
    say(`${unseen.length} cells were never looked at, the first is ${unseen[0][1].title}.`, all);
    unseen[0][1].focus();
    return;
  }
  download();
});
$("clear").addEventListener("click", () => {
  const sure = make("button", { type: "button", id: "sure", text: "Clear everything" });
  sure.addEventListener("click", () => { state = { ...empty(), meta: { by: state.meta.by || "" } }; keep(); showMeta(); showTables(); $("sums").checked = false; say(""); });
  say("All that was typed for this report will be lost.", sure);
});

showMeta();
showTables();
