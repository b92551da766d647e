// Lists of small portraits, each a button that hangs it on the wall.

import { sameFace } from "./address.js";
import { faceUrl } from "./api.js";
import { readableSeed } from "./seeds.js";

/** @typedef {import("./address.js").Face} Face */

export class Thumbs {
  #list;
  #onPick;
  /** @type {{face: Face, button: HTMLButtonElement, image: HTMLImageElement}[]} */
  #shown = [];

  /**
   * @param {HTMLElement} list
   * @param {(face: Face) => void} onPick
   */
  constructor(list, onPick) {
    this.#list = list;
    this.#onPick = onPick;
  }

  /**
   * Show these faces and no others.
   * @param {Face[]} faces
   */
  replace(faces) {
    this.#shown = [];
    this.#list.replaceChildren();
    this.append(faces);
  }

  /**
   * Show these faces after the others.
   * @param {Face[]} faces
   */
  append(faces) {
    for (const face of faces) {
      const thumb = makeThumb(face, this.#onPick);
      const item = document.createElement("li");
      item.append(thumb.button);
      this.#list.append(item);
      this.#shown.push(thumb);
    }
  }

  /**
   * Mark the face that hangs on the wall.
   * @param {Face} face
   */
  mark(face) {
    for (const thumb of this.#shown) {
      if (sameFace(thumb.face, face)) thumb.button.setAttribute("aria-current", "true");
      else thumb.button.removeAttribute("aria-current");
    }
  }

  /** Ask once more for the portraits that did not come. */
  retryMissing() {
    for (const { face, button, image } of this.#shown) {
      if (button.classList.contains("missing")) image.src = faceUrl(face);
    }
  }
}

/**
 * @param {Face} face
 * @param {(face: Face) => void} onPick
 */
function makeThumb(face, onPick) {
  const image = new Image(16, 16);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "thumb";
  button.setAttribute("aria-label", `Portrait no. ${readableSeed(face.seed)}`);
  button.addEventListener("click", () => onPick(face));
  image.alt = "";
  image.addEventListener("error", () => button.classList.add("missing"));
  image.addEventListener("load", () => button.classList.remove("missing"));
  image.src = faceUrl(face);
  button.append(image);
  return { face, button, image };
}
