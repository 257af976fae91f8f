// Small changes to the document: always as text, and only where something is different, so that
// focus and selection stay where a reader has put them.
export const at = (id) => document.getElementById(id);

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

export function make(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export function makeSvg(name, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// One child of `parent` for each item, in order; a child stays while its key is there.
export function keep(parent, items, keyOf, create, update) {
  const have = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = have.get(key);
    have.delete(key);
    if (!child) {
      child = create(item);
      child.dataset.key = key;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    update(child, item);
  }
  for (const gone of have.values()) gone.remove();
}

// A row of cells of the given names; its cells are found again by cell(row, name).
export function makeRow(columns) {
  const row = make("tr");
  row.setAttribute("role", "row");
  for (const [name, className] of columns) {
    const cell = make("td", className);
    cell.setAttribute("role", "cell");
    cell.dataset.name = name;
    row.append(cell);
  }
  return row;
}

// The text of a cell; on a phone those that know nothing are left out.
export function setCell(row, name, text) {
  const node = cell(row, name);
  setText(node, text);
  setAttribute(node, "data-empty", text === "–" ? "" : null);
}

export function cell(row, name) {
  return [...row.children].find((child) => child.dataset.name === name);
}
