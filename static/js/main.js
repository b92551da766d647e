// The face page: its parts, wired together, and the figures of its network.

import { ask } from "./api.js";
import { openGallery, openKeeping, openNames } from "./collection.js";
import { byId, prefersCalm } from "./dom.js";
import { faceUrl, readableSeed } from "./faces.js";
import { show } from "./notice.js";
import { Portrait, rememberPicture } from "./portrait.js";
import { openStrip, openTakeaway } from "./takeaway.js";
import { listenToKeys, listenToSwipes, Wall } from "./wall.js";

/** @typedef {import("./faces.js").Face} Face */

const FIGURES = new Map([
  ["frechet", "Fréchet distance"],
  ["precision", "precision"],
  ["recall", "recall"],
  ["coverage", "coverage"],
]);

const frame = byId("portrait", HTMLButtonElement);
const back = byId("back", HTMLButtonElement);
const slider = byId("truncation", HTMLInputElement);

// The page comes with a face, and with what is wrong with its address.
const first = { seed: Number(frame.dataset.seed), truncation: Number(frame.dataset.truncation) };
const complaint = byId("notice-text", HTMLElement).textContent;
rememberPicture(faceUrl(first), byId("first-face", HTMLImageElement));

const portrait = new Portrait(frame, byId("face", HTMLCanvasElement));
const wall = new Wall(portrait, first, onChange);
const followers = [openTakeaway(), openGallery(hangAndLook), openKeeping(hangAndLook)];
const showStrip = openStrip();
openNames(hangAndLook);

/**
 * @param {Face} face
 * @param {import("./wall.js").Walk} walk
 */
function onChange(face, walk) {
  const number = readableSeed(face.seed);
  document.title = `No. ${number} – nobody`;
  byId("number", HTMLElement).textContent = number;
  frame.dataset.seed = String(face.seed);
  frame.setAttribute("aria-label", `Portrait no. ${number}. Show someone new.`);
  back.setAttribute("aria-disabled", String(!wall.hasPast));
  slider.value = String(face.truncation);
  showTruncation();
  for (const follow of followers) follow(face);
  showStrip(walk);
}

/** @param {Face} face */
function hangAndLook(face) {
  void wall.pick(face);
  const { top, bottom } = frame.getBoundingClientRect();
  if (top >= 0 && bottom <= innerHeight) return;
  frame.focus({ preventScroll: true });
  frame.scrollIntoView({ block: "center", behavior: prefersCalm() ? "auto" : "smooth" });
}

function showTruncation() {
  byId("truncation-value", HTMLOutputElement).textContent = Number(slider.value).toFixed(2);
}

/** Show the headline figures of the weights, if the service knows any. */
async function showFigures() {
  const answer = await ask("/info").catch(() => null);
  const info = await answer?.json().catch(() => null);
  const quality = info?.weights?.quality;
  const list = byId("quality", HTMLElement);
  for (const [key, label] of FIGURES) {
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

const moves = { next: () => wall.next(), forward: () => wall.forward(), back: () => wall.back() };
listenToKeys(moves, () => frame.dataset.state !== "still");
listenToSwipes(byId("hanging", HTMLElement), moves);
byId("someone-new", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault(); // without this script, it opens the page anew
  void moves.next();
});
back.addEventListener("click", moves.back);
byId("morph", HTMLButtonElement).addEventListener("click", () => wall.morph());
slider.addEventListener("input", () => {
  showTruncation();
  void wall.preview(Number(slider.value));
});
slider.addEventListener("change", () => wall.retune(Number(slider.value)));

await wall.open();
if (complaint) show(complaint);
void showFigures();
