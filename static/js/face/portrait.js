// Pictures of faces: fetching, decoding and drawing them, and the large portrait, in which one face follows the other.
// Pixels are drawn and never read back: some browsers blur what a page reads from a canvas.

import { ask, ServiceError } from "../shared/api.js";
import { prefersCalm } from "../shared/dom.js";
import { faceUrl, MORPH_STEPS, morphUrl } from "./faces.js";

export const SIDE = 16;
const REMEMBERED = 64;
const DISSOLVE_MS = 240;
const MORPH_MS = 1_800;

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

/**
 * Take a picture that is on the page already: it need not be fetched.
 * @param {string} url
 * @param {HTMLImageElement} image
 */
export function rememberPicture(url, image) {
	const decoded = image.decode().then(() => createImageBitmap(image));
	remembered.set(
		url,
		decoded.catch(() => fetchPicture(url)),
	);
}

/**
 * Decode an answer of the service.
 * @param {Response} answer
 * @throws {ServiceError}
 */
export async function decodePicture(answer) {
	const picture = await answer
		.blob()
		.then((blob) => createImageBitmap(blob))
		.catch(() => null);
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
function drawPixels(canvas, picture, places) {
	const context = pen(canvas);
	for (const place of places) {
		const x = place % SIDE;
		const y = Math.floor(place / SIDE);
		context.drawImage(picture, x, y, 1, 1, x, y, 1, 1);
	}
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
function pen(canvas) {
	const context = canvas.getContext("2d");
	if (!context) throw new ServiceError("This browser cannot draw.");
	return context;
}

export class Portrait {
	#frame;
	#canvas;
	#running = new AbortController();

	/**
	 * @param {HTMLElement} frame gets data-state: waiting, moving or still
	 * @param {HTMLCanvasElement} canvas
	 */
	constructor(frame, canvas) {
		this.#frame = frame;
		this.#canvas = canvas;
	}

	/**
	 * Hang a face: its pixels replace the old ones in random order.
	 * @param {Face} face
	 * @param {() => void} onArrival called when the face is here, before it is drawn
	 * @returns {Promise<boolean>} true when the face hangs, false when another one was asked for meanwhile
	 */
	show(face, onArrival) {
		return this.#follow(faceUrl(face), (picture, signal) => {
			onArrival();
			return dissolve(this.#canvas, picture, signal);
		});
	}

	/**
	 * Hang a face at once.
	 * @param {Face} face
	 * @returns {Promise<boolean>} as for show
	 */
	swap(face) {
		return this.#follow(faceUrl(face), async (picture) => {
			drawFace(this.#canvas, picture);
			return true;
		});
	}

	/**
	 * Let one face become another.
	 * @param {Walk} walk
	 * @returns {Promise<boolean>} as for show
	 */
	morph(walk) {
		return this.#follow(morphUrl(walk), (strip, signal) => playStrip(this.#canvas, strip, signal));
	}

	/**
	 * @param {string} url
	 * @param {(picture: ImageBitmap, signal: AbortSignal) => Promise<boolean>} draw
	 */
	async #follow(url, draw) {
		this.#running.abort();
		this.#running = new AbortController();
		const { signal } = this.#running;
		this.#frame.dataset.state = "waiting";
		try {
			const picture = await loadPicture(url);
			if (signal.aborted) return false;
			this.#frame.dataset.state = "moving";
			return await draw(picture, signal);
		} catch (error) {
			if (signal.aborted) return false;
			throw error;
		} finally {
			if (!signal.aborted) this.#frame.dataset.state = "still";
		}
	}
}

/** @type {(canvas: HTMLCanvasElement, picture: ImageBitmap, signal: AbortSignal) => Promise<boolean>} */
function dissolve(canvas, picture, signal) {
	const order = shuffled(SIDE * SIDE);
	let drawn = 0;
	return animate(DISSOLVE_MS, signal, (progress) => {
		const due = Math.round(progress * order.length);
		drawPixels(canvas, picture, order.slice(drawn, due));
		drawn = due;
	});
}

/** @type {(canvas: HTMLCanvasElement, strip: ImageBitmap, signal: AbortSignal) => Promise<boolean>} */
function playStrip(canvas, strip, signal) {
	return animate(MORPH_MS, signal, (progress) => {
		const eased = (1 - Math.cos(Math.PI * progress)) / 2; // starts and stops gently
		const place = eased * (MORPH_STEPS - 1);
		const frame = Math.floor(place);
		drawFace(canvas, strip, frame);
		if (place > frame) drawFace(canvas, strip, frame + 1, place - frame);
	});
}

/**
 * Draw frame after frame; where less motion is asked for, only the last.
 * @param {number} duration milliseconds
 * @param {AbortSignal} signal stops it
 * @param {(progress: number) => void} draw gets 0 … 1; the last call gets 1
 * @returns {Promise<boolean>} whether it came to its end
 */
function animate(duration, signal, draw) {
	return new Promise((resolve) => {
		/** @type {number | undefined} */
		let start;
		/** @param {number} now */
		function frame(now) {
			if (signal.aborted) return resolve(false);
			start ??= now;
			const progress = prefersCalm() ? 1 : Math.min((now - start) / duration, 1);
			draw(progress);
			if (progress === 1) return resolve(true);
			requestAnimationFrame(frame);
		}
		requestAnimationFrame(frame);
	});
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
