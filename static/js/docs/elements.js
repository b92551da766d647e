// Building blocks of the page. Text from the document only ever becomes text nodes.

/** @typedef {Node | string | null | undefined} Child */

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | undefined>} [attributes] true stands alone; false and undefined are left out
 * @param {...(Child | Child[])} children null and undefined are left out
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * A line of text, in which `backticks` mark code.
 * @param {string} text
 * @returns {Child[]}
 */
export function inline(text) {
  return text.split(/(`[^`]+`)/).map((part) => (/^`.+`$/s.test(part) ? el("code", {}, part.slice(1, -1)) : part));
}

/**
 * Paragraphs and lists, as blank lines and leading hyphens make them.
 * @param {string | undefined} text
 * @returns {HTMLElement[]}
 */
export function prose(text) {
  return (text ?? "")
    .trim()
    .split(/\n\s*\n/)
    .filter(Boolean)
    .map(block);
}

/** @param {string} text */
function block(text) {
  if (!/^\s*[-*] /.test(text)) return el("p", {}, inline(text));
  const items = text.split(/^\s*[-*] /m).filter((item) => item.trim());
  return el("ul", {}, items.map((item) => el("li", {}, inline(item.trim()))));
}

/**
 * A table that narrow screens show as blocks; the roles outlive that change of display.
 * @param {string} label what it lists
 * @param {string} kind class of the table
 * @param {string[]} columns
 * @param {Child[][][]} rows each a list of cells; the first cell is the row's header
 * @returns {HTMLTableElement}
 */
export function table(label, kind, columns, rows) {
  const head = columns.map((column) => el("th", { role: "columnheader", scope: "col" }, column));
  return el(
    "table",
    { role: "table", class: `table ${kind}`, "aria-label": label },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    el("tbody", { role: "rowgroup" }, rows.map((cells) => el("tr", { role: "row" }, cells.map(cell)))),
  );
}

/**
 * @param {Child[]} content
 * @param {number} column
 */
function cell(content, column) {
  if (column === 0) return el("th", { role: "rowheader", scope: "row" }, content);
  return el("td", { role: "cell" }, content);
}
