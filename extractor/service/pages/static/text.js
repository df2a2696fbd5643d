// Places in the stored text (counted in characters, as Python counts) ↔ places in the page.
// A `.code` element shows one character by its code; everything else stands there as it is.
const points = (text) => [...text].length;

function* leaves(line) {
  const walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, (node) =>
    node.parentElement?.classList.contains("code") ? NodeFilter.FILTER_REJECT
      : node.nodeType === Node.TEXT_NODE || node.classList.contains("code") ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) yield node;
}
const lengthOf = (leaf) => (leaf.nodeType === Node.TEXT_NODE ? points(leaf.data) : 1);

// The place of a DOM point, null where it is not in the text. Half of a code is all of its character.
export function placeOf(node, offset, atEnd) {
  const inside = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  const line = inside.closest("#text .line");
  if (!line) return null;
  const before = document.createRange();
  before.setStart(line, 0);
  before.setEnd(node, offset);
  let place = Number(line.dataset.at);
  for (const leaf of leaves(before.cloneContents())) place += lengthOf(leaf);
  return inside.closest(".code") && (!atEnd || offset === 0) ? place - 1 : place;
}

// What is marked by mouse or keys: [start, end), null where nothing is, or not in the text alone.
export function selected() {
  const chosen = getSelection();
  if (!chosen.rangeCount || chosen.isCollapsed) return null;
  const range = chosen.getRangeAt(0);
  const start = placeOf(range.startContainer, range.startOffset, false);
  const end = placeOf(range.endContainer, range.endOffset, true);
  return start === null || end === null || end <= start ? null : [start, end];
}

export const lineAt = (place) => {
  let found = null;
  for (const line of document.querySelectorAll("#text .line")) {
    if (Number(line.dataset.at) > place) break;
    found = line;
  }
  return found;
};

function pointAt(place, atEnd) {
  const line = lineAt(place);
  if (!line) return null;
  let left = place - Number(line.dataset.at);
  for (const leaf of leaves(line)) {
    const size = lengthOf(leaf);
    if (left < size || (left === size && atEnd)) {
      if (leaf.nodeType === Node.TEXT_NODE) return [leaf, [...leaf.data].slice(0, left).join("").length];
      return [leaf.parentNode, [...leaf.parentNode.childNodes].indexOf(leaf) + (left ? 1 : 0)];
    }
    left -= size;
  }
  return left ? null : [line, line.childNodes.length];
}

// Marks [start, end) and brings it into sight; false where it is not in the window.
export function select(start, end) {
  const text = document.getElementById("text");
  const source = document.getElementById("source");
  if (!text || start < Number(source.dataset.start) || end > Number(source.dataset.end)) return false;
  const from = pointAt(start, false), to = pointAt(end, true);
  if (!from || !to) return false;
  getSelection().setBaseAndExtent(...from, ...to);
  from[0].parentElement.closest(".line, mark")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  return true;
}
