// How one moves along the wall: buttons, keys and swipes.

import { byId } from "../shared/dom.js";
import { back, forward, morph, next } from "./wall.js";

const SWIPE_PIXELS = 40;
const KEYS = new Map([
	[" ", next],
	["ArrowRight", forward],
	["ArrowLeft", back],
]);

/** Listen to the buttons, to the keys of the whole page, and to fingers. */
export function listen() {
	byId("someone-new").onsubmit = (event) => {
		event.preventDefault(); // without this script, it opens the page anew
		void next();
	};
	byId("back").onclick = back;
	byId("morph").onclick = morph;
	document.addEventListener("keydown", press);
	listenToSwipes();
}

/** @param {KeyboardEvent} event */
function press(event) {
	const move = KEYS.get(event.key);
	const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
	if (!move || modified || event.defaultPrevented || hasOwnMeaning(event)) return;
	event.preventDefault();
	if (!event.repeat || byId("portrait").dataset.state === "still") void move();
}

/** Fields, and space on a button, keep their own meaning. @param {KeyboardEvent} event */
function hasOwnMeaning({ key, target }) {
	return target instanceof Element && target.closest(key === " " ? "input, select, button, a" : "input, select");
}

/** A finger that swipes to the left goes on, to the right back. The area's style leaves that to the page. */
function listenToSwipes() {
	const area = byId("hanging");
	/** @type {PointerEvent | null} */
	let start = null;
	area.onpointerdown = (event) => {
		start = event.isPrimary && event.pointerType !== "mouse" ? event : null;
	};
	area.onpointercancel = () => {
		start = null; // the browser scrolls
	};
	area.onpointerup = (event) => {
		if (!start || !event.isPrimary) return;
		const across = event.clientX - start.clientX;
		const along = event.clientY - start.clientY;
		start = null;
		if (Math.abs(across) < SWIPE_PIXELS || Math.abs(across) < 2 * Math.abs(along)) return;
		if (across < 0) forward();
		else back();
	};
}
