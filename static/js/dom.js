// The page's elements, and how its reader likes them to move.

/**
 * Find an element that the page must have.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`expected a ${type.name} with the id ${id}`);
  return element;
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Say whether the reader asked for less motion.
 * @returns {boolean}
 */
export function prefersCalm() {
  return calm.matches;
}
