// A face for your name.

import { ask, avatarUrl } from "./api.js";
import { byId } from "./dom.js";
import { announce, clear, guard } from "./notice.js";
import { decodePicture, drawFace } from "./pictures.js";
import { parseSeed, readableSeed } from "./seeds.js";

/** @typedef {import("./address.js").Face} Face */

/**
 * Answer the form that asks for a name.
 * @param {(face: Face) => void} onPick
 */
export function openNames(onPick) {
  const field = byId("name", HTMLInputElement);
  const canvas = byId("name-face", HTMLCanvasElement);
  const caption = byId("name-caption", HTMLElement);
  const open = byId("name-open", HTMLButtonElement);
  /** @type {number | null} */
  let seed = null;

  /** @param {string} name */
  async function show(name) {
    const answer = await ask(avatarUrl(name));
    seed = parseSeed(answer.headers.get("X-Seed") ?? "");
    drawFace(canvas, await decodePicture(answer));
    canvas.setAttribute("aria-label", `The face of ${name}`);
    caption.textContent = seed === null ? name : `${name} is no. ${readableSeed(seed)}`;
    open.hidden = seed === null;
    byId("name-result", HTMLElement).hidden = false;
    clear();
    announce(caption.textContent);
  }

  byId("name-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const name = field.value.trim().normalize();
    if (name) void guard(() => show(name));
  });
  open.addEventListener("click", () => seed !== null && onPick({ seed, truncation: 1 }));
}
