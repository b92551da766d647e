// The face page: wiring only.

import { readAddress } from "./address.js";
import { prefersCalm } from "./animation.js";
import { byId } from "./dom.js";
import { showFigures } from "./figures.js";
import { openGallery } from "./gallery.js";
import { openKeeping } from "./keeping.js";
import { listenToKeys } from "./keys.js";
import { openNames } from "./names.js";
import { Portrait } from "./portrait.js";
import { readableSeed } from "./seeds.js";
import { openStrip, openTakeaway } from "./takeaway.js";
import { hasPast } from "./trail.js";
import { Wall } from "./wall.js";

/** @typedef {import("./address.js").Face} Face */

const frame = byId("portrait", HTMLButtonElement);
const back = byId("back", HTMLButtonElement);
const slider = byId("truncation", HTMLInputElement);

const portrait = new Portrait(frame, byId("face", HTMLCanvasElement));
const wall = new Wall(portrait, onChange);
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
  back.setAttribute("aria-disabled", String(!hasPast()));
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

const moves = { next: () => wall.next(), forward: () => wall.forward(), back: () => wall.back() };
listenToKeys(moves, () => frame.dataset.state !== "still");
frame.addEventListener("click", moves.next);
byId("next", HTMLButtonElement).addEventListener("click", moves.next);
back.addEventListener("click", moves.back);
byId("morph", HTMLButtonElement).addEventListener("click", () => wall.morph());
slider.addEventListener("input", () => {
  showTruncation();
  void wall.preview(Number(slider.value));
});
slider.addEventListener("change", () => wall.retune(Number(slider.value)));

void wall.open(readAddress(location.search));
void showFigures();
