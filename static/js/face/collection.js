// Small portraits: passers-by, the faces that the reader keeps, and the face of a name.

import { ask, ServiceError } from "../shared/api.js";
import { byId, make, markCurrent } from "../shared/dom.js";
import { announce, clear, guard, show } from "../shared/notice.js";
import { addressOf, MAX_SEED, randomSeed, readableSeed, sameFace } from "./faces.js";
import { decodePicture, drawFace, loadPicture, SIDE } from "./portrait.js";
import { face, followWall, pickAndLook } from "./wall.js";

const BATCH = 24;
const STORED_AS = "nobody.kept";

/** A list of small portraits, each a button that hangs its face on the wall. */
class Thumbs {
	/** @type {{own: Face, button: HTMLElement, draw: () => Promise<void>}[]} */
	#thumbs = [];
	#list;

	/** @param {string} id of the list */
	constructor(id) {
		this.#list = byId(id);
	}

	clear() {
		this.#thumbs = [];
		this.#list.replaceChildren();
	}

	/** Show faces after the others; a picture has them side by side. @type {(faces: Face[], url: string) => void} */
	append(faces, url) {
		for (const [place, own] of faces.entries()) {
			const canvas = make("canvas", { width: SIDE, height: SIDE });
			const ariaLabel = `Portrait no. ${readableSeed(own.seed)}`;
			const button = make("button", { className: "thumb", ariaLabel, onclick: () => pickAndLook(own) }, canvas);
			button.dataset.seed = String(own.seed);
			const draw = async () => {
				const picture = await loadPicture(url).catch(() => null);
				button.classList.toggle("missing", !picture);
				if (picture) drawFace(canvas, picture, place);
			};
			this.#thumbs.push({ own, button, draw });
			this.#list.append(make("li", {}, button));
			void draw();
		}
		this.update();
	}

	/** Mark the face that hangs, and ask once more for the portraits that did not come. */
	update() {
		for (const { own, button, draw } of this.#thumbs) {
			markCurrent(button, sameFace(own, face));
			if (button.classList.contains("missing")) void draw();
		}
	}
}

/** Show passers-by, with the truncation of the face that hangs, and more of them on demand. */
export function openGallery() {
	const thumbs = new Thumbs("gallery");
	/** The first seed of each batch; its others follow. @type {number[]} */
	const firsts = [];
	let { truncation } = face;

	/** @param {number} first */
	function append(first) {
		const faces = Array.from({ length: BATCH }, (_, i) => ({ seed: first + i, truncation }));
		thumbs.append(faces, addressOf.sheet(faces[0], BATCH));
	}

	function bringMore() {
		firsts.push(randomSeed(BATCH - 1));
		append(firsts[firsts.length - 1]);
	}

	byId("more").onclick = () => {
		bringMore();
		announce(`${BATCH} more people`);
	};
	followWall(() => {
		if (firsts.length === 0) return bringMore();
		if (truncation === face.truncation) return thumbs.update();
		({ truncation } = face);
		thumbs.clear();
		firsts.forEach(append);
	});
}

/** Show the kept faces, and the button that keeps the one that hangs. */
export function openKeeping() {
	const button = byId("keep");
	const thumbs = new Thumbs("kept");
	let kept = readKept(); // the latest first
	const isKept = () => kept.some((one) => sameFace(one, face));

	function mark() {
		button.ariaPressed = String(isKept());
		thumbs.update();
	}

	function draw() {
		thumbs.clear();
		for (const one of kept) thumbs.append([one], addressOf.face(one));
		byId("kept-empty").hidden = kept.length > 0;
		mark();
	}

	button.onclick = () => {
		kept = isKept() ? kept.filter((one) => !sameFace(one, face)) : [face, ...kept];
		try {
			localStorage.setItem(STORED_AS, JSON.stringify(kept));
		} catch {
			show("This browser does not let pages store anything: kept until the page closes.");
		}
		announce(isKept() ? "Kept" : "No longer kept");
		draw();
	};
	window.addEventListener("storage", ({ key }) => {
		if (key !== STORED_AS && key !== null) return;
		kept = readKept(); // another tab changed them
		draw();
	});
	followWall(mark);
	draw();
}

/** @returns {Face[]} */
function readKept() {
	try {
		return JSON.parse(localStorage.getItem(STORED_AS) ?? "[]").filter(isFace);
	} catch {
		return []; // storage is forbidden, or spoilt
	}
}

/** @param {any} value */
function isFace(value) {
	const { seed, truncation } = value ?? {};
	return Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED && truncation >= 0 && truncation <= 1;
}

/** Answer the form that asks for a name. */
export function openNames() {
	const canvas = byId("name-face", HTMLCanvasElement);
	const caption = byId("name-caption");

	/** @param {string} name */
	async function answer(name) {
		const reply = await ask(avatarUrl(name));
		const seed = Number(reply.headers.get("X-Seed"));
		drawFace(canvas, await decodePicture(reply));
		canvas.ariaLabel = `The face of ${name}`;
		caption.textContent = `${name} is no. ${readableSeed(seed)}`;
		byId("name-open").onclick = () => pickAndLook({ seed, truncation: 1 });
		byId("name-result").hidden = false;
		clear();
		announce(caption.textContent);
	}

	byId("name-form").onsubmit = (event) => {
		event.preventDefault();
		const name = byId("name", HTMLInputElement).value.trim().normalize();
		if (name) void guard(() => answer(name));
	};
}

/** @param {string} name */
function avatarUrl(name) {
	try {
		return `/avatar/${encodeURIComponent(name)}.png`; // the ending is the format's, so that a name may have one too
	} catch {
		throw new ServiceError("This text has half a character in it; please type it anew.");
	}
}
