// Pictures of faces: fetching, decoding and drawing them, and the large portrait, in which one face follows the other.
// Pixels are drawn and never read back: some browsers blur what a page reads from a canvas.

import { ask, ServiceError } from "../shared/api.js";
import { byId, prefersCalm } from "../shared/dom.js";
import { addressOf, MORPH_STEPS } from "./faces.js";

export const SIDE = 16;
const REMEMBERED = 64;
const DISSOLVE_MS = 240;
const MORPH_MS = 1_800;

/** Its data-state is waiting, moving or still. */
const frame = byId("portrait");
const canvas = byId("face", HTMLCanvasElement);
let running = new AbortController();

/** @type {Map<string, Promise<ImageBitmap>>} */
const remembered = new Map();

/** Fetch a picture: one face, or several side by side. The last ones are remembered. @param {string} url */
export function loadPicture(url) {
	const picture = remembered.get(url) ?? fetchPicture(url);
	remembered.delete(url);
	remembered.set(url, picture);
	picture.catch(() => remembered.delete(url));
	if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value ?? url);
	return picture;
}

/** Take the picture that came with the page: it need not be fetched. @param {Face} face */
export function rememberFirst(face) {
	const image = byId("first-face", HTMLImageElement);
	const decoded = image.decode().then(() => createImageBitmap(image));
	remembered.set(addressOf.face(face), decoded);
}

/** Decode an answer of the service. @param {Response} answer */
export async function decodePicture(answer) {
	const picture = await answer
		.blob()
		.then((blob) => createImageBitmap(blob))
		.catch(() => null);
	if (picture?.height === SIDE && picture.width % SIDE === 0) return picture;
	throw new ServiceError("The server sent something that is not a face.");
}

/**
 * Draw one face of a picture; its place counts from the left. An opacity, 0 … 1, lets what is there shine through.
 * @type {(canvas: HTMLCanvasElement, picture: ImageBitmap, place?: number, opacity?: number) => void}
 */
export function drawFace(canvas, picture, place = 0, opacity = 1) {
	const context = pen(canvas);
	context.globalAlpha = opacity;
	context.drawImage(picture, place * SIDE, 0, SIDE, SIDE, 0, 0, SIDE, SIDE);
	context.globalAlpha = 1;
}

/** @param {string} url */
async function fetchPicture(url) {
	try {
		return await decodePicture(await ask(url));
	} catch (error) {
		if (!(error instanceof ServiceError) || error.status !== 404) throw error;
		throw new ServiceError("Another network draws the faces now. Reload the page to see its people.");
	}
}

/** @param {HTMLCanvasElement} canvas */
const pen = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * Hang a face: its pixels replace the old ones in random order. As for the others here, the answer is false where
 * something else was asked for meanwhile.
 * @type {(face: Face, onArrival: () => void) => Promise<boolean>}
 */
export const show = (face, onArrival) =>
	hang(addressOf.face(face), (picture, signal) => {
		onArrival();
		return dissolve(picture, signal);
	});

/** Hang a face at once. @param {Face} face */
export const swap = (face) =>
	hang(addressOf.face(face), async (picture) => {
		drawFace(canvas, picture);
		return true;
	});

/** Let one face become another. @param {Walk} walk */
export const morph = (walk) => hang(addressOf.walk(walk, MORPH_STEPS), playStrip);

/** @typedef {(picture: ImageBitmap, signal: AbortSignal) => Promise<boolean>} Draw */

/** @type {(url: string, draw: Draw) => Promise<boolean>} */
async function hang(url, draw) {
	running.abort();
	running = new AbortController();
	const { signal } = running;
	frame.dataset.state = "waiting";
	try {
		const picture = await loadPicture(url);
		if (signal.aborted) return false;
		frame.dataset.state = "moving";
		return await draw(picture, signal);
	} catch (error) {
		if (signal.aborted) return false;
		throw error;
	} finally {
		if (!signal.aborted) frame.dataset.state = "still";
	}
}

/** @type {Draw} */
function dissolve(picture, signal) {
	const order = shuffled(SIDE * SIDE);
	let drawn = 0;
	return animate(DISSOLVE_MS, signal, (progress) => {
		const due = Math.round(progress * order.length);
		for (const place of order.slice(drawn, due)) {
			const [x, y] = [place % SIDE, Math.floor(place / SIDE)];
			pen(canvas).drawImage(picture, x, y, 1, 1, x, y, 1, 1);
		}
		drawn = due;
	});
}

/** @type {Draw} */
function playStrip(strip, signal) {
	return animate(MORPH_MS, signal, (progress) => {
		const eased = (1 - Math.cos(Math.PI * progress)) / 2; // starts and stops gently
		const at = eased * (MORPH_STEPS - 1);
		const place = Math.floor(at);
		drawFace(canvas, strip, place);
		if (at > place) drawFace(canvas, strip, place + 1, at - place);
	});
}

/**
 * Draw frame after frame, with the progress 0 … 1; where less motion is asked for, only the last. The answer is whether
 * it came to its end.
 * @type {(milliseconds: number, signal: AbortSignal, draw: (progress: number) => void) => Promise<boolean>}
 */
async function animate(milliseconds, signal, draw) {
	let start = 0;
	for (let progress = 0; progress < 1; ) {
		const now = await new Promise(requestAnimationFrame);
		if (signal.aborted) return false;
		start ||= now;
		progress = prefersCalm() ? 1 : Math.min((now - start) / milliseconds, 1);
		draw(progress);
	}
	return true;
}

/** @param {number} count */
function shuffled(count) {
	const order = [...Array(count).keys()];
	for (let i = count - 1; i > 0; i--) {
		const j = Math.floor(Math.random() * (i + 1));
		[order[i], order[j]] = [order[j], order[i]];
	}
	return order;
}
