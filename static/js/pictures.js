// Pictures of faces: decoding, and drawing them on a 16 × 16 canvas. Pixels are never read back, only drawn: some
// browsers blur what a page reads from a canvas.

import { ask, ServiceError } from "./api.js";

export const SIDE = 16;
const REMEMBERED = 64;

/** @type {Map<string, Promise<ImageBitmap>>} */
const remembered = new Map();

/**
 * Fetch a picture: one face, or several side by side. The last ones are remembered.
 * @param {string} url
 * @returns {Promise<ImageBitmap>}
 * @throws {ServiceError}
 */
export function loadPicture(url) {
  const picture = remembered.get(url) ?? fetchPicture(url);
  remembered.delete(url);
  remembered.set(url, picture);
  picture.catch(() => remembered.delete(url));
  if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value ?? url);
  return picture;
}

/**
 * Decode an answer of the service.
 * @param {Response} answer
 * @returns {Promise<ImageBitmap>}
 * @throws {ServiceError}
 */
export async function decodePicture(answer) {
  const picture = await answer.blob().then((blob) => createImageBitmap(blob)).catch(() => null);
  if (picture?.height !== SIDE || picture.width % SIDE !== 0) {
    throw new ServiceError("The server sent something that is not a face.");
  }
  return picture;
}

/**
 * Draw one face of a picture.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 * @param {number} [frame] which face, from the left
 * @param {number} [opacity] 0 … 1, over what is there
 */
export function drawFace(canvas, picture, frame = 0, opacity = 1) {
  const context = pen(canvas);
  context.globalAlpha = opacity;
  context.drawImage(picture, frame * SIDE, 0, SIDE, SIDE, 0, 0, SIDE, SIDE);
  context.globalAlpha = 1;
}

/**
 * Draw single pixels of a face.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} picture
 * @param {Iterable<number>} places row by row, 0 … 255
 */
export function drawPixels(canvas, picture, places) {
  const context = pen(canvas);
  for (const place of places) {
    const x = place % SIDE;
    const y = Math.floor(place / SIDE);
    context.drawImage(picture, x, y, 1, 1, x, y, 1, 1);
  }
}

/** @param {string} url */
async function fetchPicture(url) {
  return decodePicture(await ask(url));
}

/** @param {HTMLCanvasElement} canvas */
function pen(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new ServiceError("This browser cannot draw.");
  return context;
}
