// Links and files of the face that hangs: permalink, picture, film strip and GIF.

import { ask } from "./api.js";
import { byId } from "./dom.js";
import { gifUrl, pageUrl, portraitUrl, readableSeed, stripUrl } from "./faces.js";
import { announce, guard, show } from "./notice.js";
import { copy, save } from "./sharing.js";

/** @typedef {import("./faces.js").Face} Face */

const COPIED_MS = 2_000;
const SHARED_SIZE = 512;
// Browsers open the share sheet only for a few seconds after the tap.
const SHARED_PICTURE_MS = 2_500;

/**
 * Offer the permalink and the picture, by the browser's own share sheet where it has one.
 * @returns {(face: Face) => void} call it with the face that hangs
 */
export function openTakeaway() {
  const link = byId("download", HTMLAnchorElement);
  const size = byId("download-size", HTMLSelectElement);
  const copyButton = byId("copy-link", HTMLButtonElement);
  const shareButton = byId("share", HTMLButtonElement);
  /** @type {Face | undefined} */
  let hanging;

  function aim() {
    if (!hanging) return;
    link.href = portraitUrl(hanging, Number(size.value));
    link.download = `nobody-${hanging.seed}-${size.value}.png`;
  }

  size.addEventListener("change", aim);
  copyButton.addEventListener("click", () => hanging && void copyLink(linkTo(hanging)));
  shareButton.hidden = !("share" in navigator);
  shareButton.addEventListener("click", () => hanging && void share(hanging));
  saveOnClick(link);

  return (face) => {
    hanging = face;
    aim();
  };
}

/**
 * Show the way from one face to another, and offer it as a GIF.
 * @returns {(walk: import("./wall.js").Walk) => void} call it with the ends
 */
export function openStrip() {
  const strip = byId("strip", HTMLImageElement);
  const link = byId("strip-gif", HTMLAnchorElement);
  saveOnClick(link);
  strip.addEventListener("error", () => strip.classList.add("missing"));
  strip.addEventListener("load", () => strip.classList.remove("missing"));

  return ({ from, to }) => {
    strip.src = stripUrl(from, to);
    link.href = gifUrl(from, to);
    link.download = `nobody-${from.seed}-${to}.gif`;
    byId("strip-from", HTMLElement).textContent = readableSeed(from.seed);
    byId("strip-to", HTMLElement).textContent = readableSeed(to);
  };
}

/** @param {HTMLAnchorElement} link */
function saveOnClick(link) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { href, download } = link;
    void guard(() => save(href, download));
  });
}

/** @param {Face} face */
function linkTo(face) {
  return new URL(pageUrl(face), location.href).href;
}

/** @param {Face} face */
async function share(face) {
  const link = { title: `Nobody, no. ${readableSeed(face.seed)}`, url: linkTo(face) };
  const withPicture = { ...link, files: await sharedFiles(face) };
  try {
    await navigator.share(navigator.canShare?.(withPicture) ? withPicture : link);
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    // The reader changed their mind, or the sheet is open already.
    if (name !== "AbortError" && name !== "InvalidStateError") await copyLink(link.url);
  }
}

/**
 * @param {Face} face
 * @returns {Promise<File[]>} the picture, or nothing where it does not come in time
 */
async function sharedFiles(face) {
  try {
    const answer = await ask(portraitUrl(face, SHARED_SIZE), SHARED_PICTURE_MS);
    return [new File([await answer.blob()], `nobody-${face.seed}.png`, { type: "image/png" })];
  } catch {
    return [];
  }
}

/** @param {string} address */
async function copyLink(address) {
  if (!(await copy(address))) return show(`Your browser does not let the page copy. The link: ${address}`);
  const label = byId("copy-label", HTMLElement);
  label.textContent = "Copied";
  announce("Link copied");
  setTimeout(() => (label.textContent = "Copy link"), COPIED_MS);
}
