// The wall: the face that hangs there, the one that comes next, the faces that were seen, as the browser's history, and
// the keys and swipes by which one moves along it.

import { announce, clear, guard } from "../shared/notice.js";
import { faceUrl, pageUrl, randomSeed, readableSeed } from "./faces.js";
import { loadPicture } from "./portrait.js";

/** @import { Portrait } from "./portrait.js" */

const SWIPE_PIXELS = 40;

export class Wall {
	#portrait;
	#onChange;
	#trail = new Trail((face) => guard(() => this.#hang(face, () => {})));
	#upcoming = randomSeed();
	#face;

	/**
	 * @param {Portrait} portrait
	 * @param {Face} face the first one
	 * @param {(face: Face, walk: Walk) => void} onChange called whenever another face hangs
	 */
	constructor(portrait, face, onChange) {
		this.#portrait = portrait;
		this.#face = face;
		this.#onChange = onChange;
	}

	/** Whether there is a face before this one. */
	get hasPast() {
		return this.#trail.hasPast;
	}

	/** Hang the first face. */
	open() {
		const face = this.#face;
		return guard(() => this.#hang(face, () => this.#trail.replace(face)));
	}

	/** Hang someone new. */
	next() {
		return this.pick({ seed: this.#upcoming, truncation: this.#face.truncation });
	}

	/** Hang this face. @param {Face} face */
	pick(face) {
		return guard(() => this.#hang(face, () => this.#trail.add(face)));
	}

	/** Go back to the face before, if there is one. */
	back() {
		if (this.#trail.hasPast) history.back();
		else announce("This is the first face.");
	}

	/** Go forward to where one came back from, else to someone new. */
	forward() {
		if (this.#trail.hasFuture) history.forward();
		else void this.next();
	}

	/** Let the face become the next one. */
	morph() {
		const from = this.#face;
		const walk = { from, to: this.#upcoming };
		return guard(async () => {
			if (!(await this.#portrait.morph(walk))) return;
			const face = { seed: walk.to, truncation: from.truncation };
			this.#trail.add(face);
			this.#arrive(face, walk);
		});
	}

	/** Show how the face would be at another truncation. @param {number} truncation */
	preview(truncation) {
		return guard(() => this.#portrait.swap({ ...this.#face, truncation }));
	}

	/** Hang the same face at another truncation. @param {number} truncation */
	retune(truncation) {
		const face = { ...this.#face, truncation };
		return guard(async () => {
			if (!(await this.#portrait.swap(face))) return;
			this.#trail.replace(face);
			this.#arrive(face);
		});
	}

	/** @type {(face: Face, onArrival: () => void) => Promise<boolean>} */
	#hang(face, onArrival) {
		return this.#portrait.show(face, () => {
			onArrival();
			this.#arrive(face);
		});
	}

	/** @type {(face: Face, walk?: Walk) => void} */
	#arrive(face, walk) {
		this.#face = face;
		if (face.seed === this.#upcoming) this.#upcoming = randomSeed();
		void loadPicture(faceUrl({ ...face, seed: this.#upcoming }));
		clear();
		announce(`No. ${readableSeed(face.seed)}`);
		this.#onChange(face, walk ?? { from: face, to: this.#upcoming });
	}
}

/**
 * Listen to the keys of the whole page: space and → to go on, ← to go back. Fields, and space on a button, keep their
 * own meaning.
 * @param {{next: () => void, forward: () => void, back: () => void}} moves
 * @param {() => boolean} busy while it is true, a key that is held down does nothing
 */
export function listenToKeys({ next, forward, back }, busy) {
	const moves = new Map([
		[" ", next],
		["ArrowRight", forward],
		["ArrowLeft", back],
	]);
	document.addEventListener("keydown", (event) => {
		const move = moves.get(event.key);
		if (!move || event.defaultPrevented || hasModifier(event) || hasOwnMeaning(event)) return;
		event.preventDefault();
		if (!(event.repeat && busy())) move();
	});
}

/**
 * Listen to a finger that swipes: to the left to go on, to the right to go back.
 * @param {HTMLElement} area whose style leaves such a movement to the page (touch-action)
 * @param {{forward: () => void, back: () => void}} moves
 */
export function listenToSwipes(area, { forward, back }) {
	/** @type {PointerEvent | null} */
	let start = null;
	area.addEventListener("pointerdown", (event) => {
		const oneFinger = event.isPrimary && event.pointerType !== "mouse";
		start = oneFinger ? event : null;
	});
	area.addEventListener("pointercancel", () => {
		start = null; // the browser scrolls
	});
	area.addEventListener("pointerup", (event) => {
		if (!start || !event.isPrimary) return;
		const across = event.clientX - start.clientX;
		const along = event.clientY - start.clientY;
		start = null;
		if (Math.abs(across) < SWIPE_PIXELS || Math.abs(across) < 2 * Math.abs(along)) return;
		if (across < 0) forward();
		else back();
	});
}

/** The faces that were seen, as the browser's own history. */
class Trail {
	#last = position();

	/** @param {(face: Face) => void} onMove called when the reader went back or forward */
	constructor(onMove) {
		window.addEventListener("popstate", ({ state }) => {
			if (state?.face) onMove(state.face);
			else location.reload(); // an address that this page has not written
		});
	}

	/** Add a face to the history. @param {Face} face */
	add(face) {
		const at = position() + 1;
		if (write("pushState", at, face)) this.#last = at;
	}

	/** Put a face in place of the present one. @param {Face} face */
	replace(face) {
		const at = position();
		if (write("replaceState", at, face)) this.#last = Math.max(this.#last, at);
	}

	/** Whether there is a face before this one. */
	get hasPast() {
		return position() > 0;
	}

	/** Whether one went back, and can go forward again. */
	get hasFuture() {
		return position() < this.#last;
	}
}

function position() {
	return Number(history.state?.at ?? 0);
}

/**
 * @param {"pushState" | "replaceState"} how
 * @param {number} at
 * @param {Face} face
 * @returns {boolean} false where the browser refuses, as after too many entries; the old address stays
 */
function write(how, at, face) {
	try {
		history[how]({ at, face }, "", pageUrl(face));
		return true;
	} catch {
		return false;
	}
}

/** @param {KeyboardEvent} event */
function hasModifier(event) {
	return event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
}

/** @param {KeyboardEvent} event */
function hasOwnMeaning(event) {
	const target = event.target instanceof Element ? event.target : document.body;
	return target.closest(event.key === " " ? "input, select, button, a" : "input, select") !== null;
}
