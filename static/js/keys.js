// The keyboard: space and → for someone new, ← to go back.

/**
 * Listen to the keys of the whole page; fields, and space on a button, keep their own meaning.
 * @param {{next: () => void, forward: () => void, back: () => void}} moves
 * @param {() => boolean} busy while it says so, a key that is held down does nothing
 */
export function listenToKeys({ next, forward, back }, busy) {
  const moves = new Map([
    [" ", next],
    ["ArrowRight", forward],
    ["ArrowLeft", back],
  ]);
  document.addEventListener("keydown", (event) => {
    const move = moves.get(event.key);
    if (!move || event.defaultPrevented || hasModifier(event) || hasOwnMeaning(event)) return;
    event.preventDefault();
    if (!(event.repeat && busy())) move();
  });
}

/** @param {KeyboardEvent} event */
function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
}

/** @param {KeyboardEvent} event */
function hasOwnMeaning(event) {
  const target = event.target instanceof Element ? event.target : document.body;
  return target.closest(event.key === " " ? "input, select, button, a" : "input, select") !== null;
}
