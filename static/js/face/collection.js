// Small portraits: passers-by, the faces that the reader keeps, and the face of a name.

import { ask, ServiceError } from "../shared/api.js";
import { byId, make, markCurrent } from "../shared/dom.js";
import { announce, clear, guard, show } from "../shared/notice.js";
import { faceUrl, MAX_SEED, randomSeed, readableSeed, sameFace, sheetUrl } from "./faces.js";
import { decodePicture, drawFace, loadPicture, SIDE } from "./portrait.js";

/** @typedef {{face: Face, button: HTMLButtonElement, canvas: HTMLCanvasElement}} Thumb */

const BATCH = 24;
const STORED_AS = "nobody.kept";

/**
 * Fill the gallery of passers-by, which grows on demand.
 * @param {(face: Face) => void} onPick
 * @returns {(face: Face) => void} call it with the face that hangs: it is marked, and its truncation is the gallery's
 */
export function openGallery(onPick) {
	const thumbs = new Thumbs(byId("gallery"), onPick);
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

	byId("more").addEventListener("click", () => {
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
	const button = byId("keep");
	const thumbs = new Thumbs(byId("kept"), onPick);
	let kept = readKept(); // the latest first
	/** @type {Face | undefined} */
	let hanging;

	/** @param {Face} face */
	const isKept = (face) => kept.some((other) => sameFace(other, face));

	function mark() {
		if (!hanging) return;
		button.ariaPressed = String(isKept(hanging));
		thumbs.mark(hanging);
	}

	function draw() {
		thumbs.clear();
		for (const face of kept) thumbs.append([face], faceUrl(face));
		byId("kept-empty").hidden = kept.length > 0;
		mark();
	}

	/** @param {Face} face */
	function toggle(face) {
		const others = kept.filter((other) => !sameFace(other, face));
		kept = isKept(face) ? others : [face, ...others];
		try {
			localStorage.setItem(STORED_AS, JSON.stringify(kept));
		} catch {
			show("This browser does not let pages store anything: kept until the page closes.");
		}
		announce(isKept(face) ? "Kept" : "No longer kept");
		draw();
	}

	button.addEventListener("click", () => hanging && toggle(hanging));
	window.addEventListener("storage", ({ key }) => {
		if (key !== STORED_AS && key !== null) return;
		kept = readKept(); // another tab changed them
		draw();
	});
	draw();

	return (face) => {
		hanging = face;
		thumbs.retryMissing();
		mark();
	};
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

/** @param {any} value */
function isFace(value) {
	const { seed, truncation } = value ?? {};
	return Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED && truncation >= 0 && truncation <= 1;
}

/** Answer the form that asks for a name. @param {(face: Face) => void} onPick */
export function openNames(onPick) {
	const field = byId("name", HTMLInputElement);
	const canvas = byId("name-face", HTMLCanvasElement);
	const caption = byId("name-caption");
	const open = byId("name-open");
	/** @type {number | null} */
	let seed = null;

	/** @param {string} name */
	async function answer(name) {
		const reply = await ask(avatarUrl(name));
		seed = seedOf(reply);
		drawFace(canvas, await decodePicture(reply));
		canvas.ariaLabel = `The face of ${name}`;
		caption.textContent = seed === null ? name : `${name} is no. ${readableSeed(seed)}`;
		open.hidden = seed === null;
		byId("name-result").hidden = false;
		clear();
		announce(caption.textContent);
	}

	byId("name-form").addEventListener("submit", (event) => {
		event.preventDefault();
		const name = field.value.trim().normalize();
		if (name) void guard(() => answer(name));
	});
	open.addEventListener("click", () => seed !== null && onPick({ seed, truncation: 1 }));
}

/** @param {Response} reply */
function seedOf(reply) {
	const seed = Number(reply.headers.get("X-Seed") ?? NaN);
	return Number.isSafeInteger(seed) ? seed : null;
}

/**
 * Address of the face that belongs to a string.
 * @param {string} name
 * @throws {ServiceError} no address can carry the string
 */
function avatarUrl(name) {
	try {
		return `/avatar/${encodeURIComponent(name)}.png`; // the ending is the format's, so that a name may have one too
	} catch {
		throw new ServiceError("This text has half a character in it; please type it anew.");
	}
}

/** A list of small portraits, each a button that hangs its face on the wall. */
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
		const sheet = { url, thumbs: faces.map((face) => this.#thumb(face)) };
		this.#sheets.push(sheet);
		this.#list.append(...sheet.thumbs.map(({ button }) => make("li", {}, button)));
		void drawSheet(sheet);
	}

	/** Mark the face that hangs on the wall. @param {Face} face */
	mark(face) {
		for (const thumb of this.#sheets.flatMap(({ thumbs }) => thumbs)) {
			markCurrent(thumb.button, sameFace(thumb.face, face));
		}
	}

	/** Ask once more for the portraits that did not come. */
	retryMissing() {
		for (const sheet of this.#sheets) {
			if (sheet.thumbs[0].button.classList.contains("missing")) void drawSheet(sheet);
		}
	}

	/** @type {(face: Face) => Thumb} */
	#thumb(face) {
		const canvas = make("canvas", { width: SIDE, height: SIDE });
		const button = make("button", { type: "button", className: "thumb" }, canvas);
		button.dataset.seed = String(face.seed);
		button.ariaLabel = `Portrait no. ${readableSeed(face.seed)}`;
		button.addEventListener("click", () => this.#onPick(face));
		return { face, button, canvas };
	}
}

/** @param {{url: string, thumbs: Thumb[]}} sheet */
async function drawSheet({ url, thumbs }) {
	const picture = await loadPicture(url).catch(() => null);
	for (const [i, { button, canvas }] of thumbs.entries()) {
		button.classList.toggle("missing", !picture);
		if (picture) drawFace(canvas, picture, i);
	}
}
