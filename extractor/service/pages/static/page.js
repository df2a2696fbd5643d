// What every page has: the help, keys in lists, sending a document. Nothing here is needed to read a page.
export const typing = (target) => target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select");

const help = document.getElementById("help");
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || typing(event.target) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (help.open) help.close();
  else help.showModal();
});

// Lists: j and k go through the rows, Enter follows the link that has the focus.
const rows = [...document.querySelectorAll("table.list tbody tr a.goes")];
document.addEventListener("keydown", (event) => {
  if (!rows.length || help.open || typing(event.target) || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
});

// A document as file or text goes to the API; then its page says how it stands.
const form = document.getElementById("submit");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = document.getElementById("submit-said");
  const file = form.elements.file.files[0];
  const text = form.elements.text.value;
  if (!file && !text.trim()) { said.textContent = form.dataset.empty; return; }
  if ((file?.size ?? text.length) > Number(form.dataset.max)) { said.textContent = form.dataset.large; return; }
  const request = { method: "POST", headers: { "X-Gouji": "1", Accept: "application/json" } };
  if (file) {
    request.body = new FormData();
    request.body.append("file", file);
  } else {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify({ text, source: text.trim().split("\n", 1)[0].slice(0, 60) });
  }
  said.textContent = form.dataset.sending;
  try {
    const answer = await fetch("/v1/extractions", request);
    const told = await answer.json();
    if (answer.ok) location.assign(`/documents/${encodeURIComponent(told.id)}`);
    else said.textContent = `${form.dataset.failed} ${told.detail ?? ""} ${told.hint ?? ""}`;
  } catch {
    said.textContent = form.dataset.failed;
  }
});

// A document that is not finished: look again until it is.
const open = document.querySelector("[data-polls]");
if (open) {
  const look = async () => {
    try {
      const answer = await fetch(open.dataset.polls, { headers: { Accept: "application/json" } });
      if (answer.ok && (await answer.json()).state !== open.dataset.state) return location.reload();
    } catch { /* the service is away for a moment */ }
    setTimeout(look, 1000);
  };
  setTimeout(look, 500);
}
