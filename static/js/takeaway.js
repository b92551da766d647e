// Links and files of the face that hangs: permalink, picture, film strip and GIF.

import { writeAddress } from "./address.js";
import { faceUrl, gifUrl, stripUrl } from "./api.js";
import { byId } from "./dom.js";
import { announce, guard, show } from "./notice.js";
import { readableSeed } from "./seeds.js";
import { copy, save } from "./sharing.js";

/** @typedef {import("./address.js").Face} Face */

const COPIED_MS = 2_000;

/**
 * Offer the permalink and the picture.
 * @returns {(face: Face) => void} call it with the face that hangs
 */
export function openTakeaway() {
  const link = byId("download", HTMLAnchorElement);
  const size = byId("download-size", HTMLSelectElement);
  const copyButton = byId("copy-link", HTMLButtonElement);
  /** @type {Face | undefined} */
  let hanging;

  function aim() {
    if (!hanging) return;
    link.href = faceUrl(hanging, Number(size.value));
    link.download = `nobody-${hanging.seed}-${size.value}.png`;
  }

  size.addEventListener("change", aim);
  copyButton.addEventListener("click", () => hanging && void copyLink(new URL(writeAddress(hanging), location.href).href));
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

/** @param {string} address */
async function copyLink(address) {
  if (!(await copy(address))) return show(`Your browser does not let the page copy. The link: ${address}`);
  const label = byId("copy-label", HTMLElement);
  label.textContent = "Copied";
  announce("Link copied");
  setTimeout(() => (label.textContent = "Copy link"), COPIED_MS);
}
