// How good the network is, where that was measured.

import { ask } from "./api.js";
import { byId } from "./dom.js";

const LABELS = new Map([
  ["frechet", "Fréchet distance"],
  ["precision", "precision"],
  ["recall", "recall"],
  ["coverage", "coverage"],
]);

/** Show the headline figures of the weights, if the service knows any. */
export async function showFigures() {
  const answer = await ask("/info").catch(() => null);
  const info = await answer?.json().catch(() => null);
  const quality = info?.weights?.quality;
  const list = byId("quality", HTMLElement);
  for (const [key, label] of LABELS) {
    const value = quality?.[key] ?? quality?.metrics?.[key];
    if (typeof value === "number") list.append(figure(label, value));
  }
  list.hidden = !list.hasChildNodes();
}

/**
 * @param {string} label
 * @param {number} value
 */
function figure(label, value) {
  const pair = document.createElement("div");
  const term = document.createElement("dt");
  const number = document.createElement("dd");
  term.textContent = label;
  number.textContent = value.toFixed(2);
  pair.append(term, number);
  return pair;
}
