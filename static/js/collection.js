// Small portraits: passers-by, the faces that the reader keeps, and the face of a name.

import { ask, ServiceError } from "./api.js";
import { byId } from "./dom.js";
import { faceUrl, MAX_SEED, randomSeed, readableSeed, sameFace, sheetUrl } from "./faces.js";
import { announce, clear, guard, show } from "./notice.js";
import { decodePicture, drawFace, loadPicture, SIDE } from "./portrait.js";

/** @typedef {import("./faces.js").Face} Face */
/** @typedef {{face: Face, button: HTMLButtonElement, canvas: HTMLCanvasElement}} Thumb */

const BATCH = 24;
const STORED_AS = "nobody.kept";

/**
 * Fill the gallery of passers-by, which grows on demand.
 * @param {(face: Face) => void} onPick
 * @returns {(face: Face) => void} call it with the face that hangs: it is marked, and its truncation is the gallery's
 */
export function openGallery(onPick) {
  const thumbs = new Thumbs(byId("gallery", HTMLElement), onPick);
  /** @type {number[]} */
  const firsts = []; // of each batch; the other seeds of the batch follow it
  /** @type {Face | undefined} */
  let hanging;

  /** @param {number} seed */
  function append(seed) {
    const truncation = hanging?.truncation ?? 1;
    const faces = Array.from({ length: BATCH }, (_, i) => ({ seed: seed + i, truncation }));
    thumbs.append(faces, sheetUrl(faces[0], BATCH));
  }

  function bringMore() {
    const seed = randomSeed(BATCH - 1);
    firsts.push(seed);
    append(seed);
  }

  byId("more", HTMLButtonElement).addEventListener("click", () => {
    bringMore();
    announce(`${BATCH} more people`);
  });

  return (face) => {
    const changed = hanging?.truncation !== face.truncation;
    hanging = face;
    if (firsts.length === 0) {
      bringMore();
    } else if (changed) {
      thumbs.clear();
      firsts.forEach(append);
    } else {
      thumbs.retryMissing();
    }
    thumbs.mark(face);
  };
}

/**
 * Show the kept faces, and the button that keeps the one that hangs.
 * @param {(face: Face) => void} onPick
 * @returns {(face: Face) => void} call it with the face that hangs
 */
export function openKeeping(onPick) {
  const button = byId("keep", HTMLButtonElement);
  const empty = byId("kept-empty", HTMLElement);
  const thumbs = new Thumbs(byId("kept", HTMLElement), onPick);
  const favourites = new Favourites();
  /** @type {Face | undefined} */
  let hanging;

  function mark() {
    if (!hanging) return;
    button.setAttribute("aria-pressed", String(favourites.has(hanging)));
    thumbs.mark(hanging);
  }

  function draw() {
    thumbs.clear();
    for (const face of favourites.all) thumbs.append([face], faceUrl(face));
    empty.hidden = favourites.all.length > 0;
    mark();
  }

  button.addEventListener("click", () => {
    if (!hanging) return;
    if (!favourites.toggle(hanging))
      show("This browser does not let pages store anything: kept until the page closes.");
    announce(favourites.has(hanging) ? "Kept" : "No longer kept");
    draw();
  });
  favourites.follow(draw);
  draw();

  return (face) => {
    hanging = face;
    thumbs.retryMissing();
    mark();
  };
}

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
  async function answer(name) {
    const reply = await ask(avatarUrl(name));
    seed = seedOf(reply);
    drawFace(canvas, await decodePicture(reply));
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
    if (name) void guard(() => answer(name));
  });
  open.addEventListener("click", () => seed !== null && onPick({ seed, truncation: 1 }));
}

/** The faces that the reader keeps, in this browser's local storage. */
class Favourites {
  #kept = readKept();

  /** The kept faces, the latest first. */
  get all() {
    return this.#kept;
  }

  /**
   * Say whether a face is kept.
   * @param {Face} face
   * @returns {boolean}
   */
  has(face) {
    return this.#kept.some((other) => sameFace(other, face));
  }

  /**
   * Keep a face, or let it go.
   * @param {Face} face
   * @returns {boolean} false where the browser does not let it be written: it is kept until the page closes
   */
  toggle(face) {
    const others = this.#kept.filter((other) => !sameFace(other, face));
    this.#kept = this.has(face) ? others : [face, ...others];
    try {
      localStorage.setItem(STORED_AS, JSON.stringify(this.#kept));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Call back when another tab changed the kept faces.
   * @param {() => void} onChange
   */
  follow(onChange) {
    window.addEventListener("storage", (event) => {
      if (event.key !== STORED_AS && event.key !== null) return;
      this.#kept = readKept();
      onChange();
    });
  }
}

/** @returns {Face[]} */
function readKept() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED_AS) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isFace) : [];
  } catch {
    return [];
  }
}

/**
 * @param {any} value
 * @returns {value is Face}
 */
function isFace(value) {
  const { seed, truncation } = value ?? {};
  return Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED && truncation >= 0 && truncation <= 1;
}

/** A list of small portraits, each a button that hangs it on the wall. */
class Thumbs {
  #list;
  #onPick;
  /** @type {{url: string, thumbs: Thumb[]}[]} */
  #sheets = [];

  /**
   * @param {HTMLElement} list
   * @param {(face: Face) => void} onPick
   */
  constructor(list, onPick) {
    this.#list = list;
    this.#onPick = onPick;
  }

  /** Show nobody. */
  clear() {
    this.#sheets = [];
    this.#list.replaceChildren();
  }

  /**
   * Show these faces after the others.
   * @param {Face[]} faces
   * @param {string} url picture of them, side by side
   */
  append(faces, url) {
    const sheet = { url, thumbs: faces.map((face) => makeThumb(face, this.#onPick)) };
    this.#sheets.push(sheet);
    for (const { button } of sheet.thumbs) {
      const item = document.createElement("li");
      item.append(button);
      this.#list.append(item);
    }
    void drawThumbs(sheet);
  }

  /**
   * Mark the face that hangs on the wall.
   * @param {Face} face
   */
  mark(face) {
    for (const thumb of this.#sheets.flatMap(({ thumbs }) => thumbs)) {
      if (sameFace(thumb.face, face)) thumb.button.setAttribute("aria-current", "true");
      else thumb.button.removeAttribute("aria-current");
    }
  }

  /** Ask once more for the portraits that did not come. */
  retryMissing() {
    for (const sheet of this.#sheets) {
      if (sheet.thumbs[0].button.classList.contains("missing")) void drawThumbs(sheet);
    }
  }
}

/** @param {{url: string, thumbs: Thumb[]}} sheet */
async function drawThumbs({ url, thumbs }) {
  const picture = await loadPicture(url).catch(() => null);
  thumbs.forEach(({ button, canvas }, i) => {
    button.classList.toggle("missing", !picture);
    if (picture) drawFace(canvas, picture, i);
  });
}

/**
 * @param {Face} face
 * @param {(face: Face) => void} onPick
 * @returns {Thumb}
 */
function makeThumb(face, onPick) {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  button.type = "button";
  button.className = "thumb";
  button.dataset.seed = String(face.seed);
  button.setAttribute("aria-label", `Portrait no. ${readableSeed(face.seed)}`);
  button.addEventListener("click", () => onPick(face));
  button.append(canvas);
  return { face, button, canvas };
}

/**
 * @param {Response} reply
 * @returns {number | null}
 */
function seedOf(reply) {
  const seed = Number(reply.headers.get("X-Seed") ?? NaN);
  return Number.isSafeInteger(seed) ? seed : null;
}

/**
 * Address of the face that belongs to a string.
 * @param {string} name
 * @returns {string}
 * @throws {ServiceError} no address can carry the string
 */
function avatarUrl(name) {
  try {
    return `/avatar/${encodeURIComponent(name)}.png`; // the ending is the format's, so that a name may have one too
  } catch {
    throw new ServiceError("This text has half a character in it; please type it anew.");
  }
}
