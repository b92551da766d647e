// The page's elements, and how its reader likes them to move.

/**
 * Find an element that the page must have.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {{new (): T}} [type]
 */
export function byId(id, type = /** @type {any} */ (HTMLElement)) {
	const element = document.getElementById(id);
	if (!(element instanceof type)) throw new Error(`expected a ${type.name} with the id ${id}`);
	return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

/**
 * Set properties of an element, but only those that change: others would make the browser work each time.
 * @template {HTMLElement} T
 * @param {T} element
 * @param {Partial<T>} properties
 */
export function put(element, properties) {
	for (const [name, value] of Object.entries(properties)) {
		const key = /** @type {keyof T} */ (name);
		if (element[key] !== value) element[key] = value;
	}
}

/** A sign of the pages, as HTML. @param {string} name */
export const icon = (name) => `<svg aria-hidden="true"><use href="/static/icons.svg#${name}"/></svg>`;

/** Make an entry of a description list. @type {(term: string, description: string) => HTMLElement} */
export const makeEntry = (term, description) => make("div", {}, make("dt", {}, term), make("dd", {}, description));

/** Mark an element as the current one of several, or no longer. @type {(element: Element, current: boolean) => void} */
export function markCurrent(element, current) {
	if (current) element.setAttribute("aria-current", "true");
	else element.removeAttribute("aria-current");
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether the reader asked for less motion. */
export const prefersCalm = () => calm.matches;
