// The wall: the face that hangs there, the one that comes next, and those that were seen, as the browser's history.

import { byId, prefersCalm } from "../shared/dom.js";
import { announce, clear, guard } from "../shared/notice.js";
import { addressOf, randomSeed, readableSeed } from "./faces.js";
import { loadPicture, morph as playMorph, rememberFirst, show, swap } from "./portrait.js";

const frame = byId("portrait");

/** The face that hangs. The first one comes with the page. @type {Face} */
export let face = { seed: Number(frame.dataset.seed), truncation: Number(frame.dataset.truncation) };
let upcoming = randomSeed();
/** The last place of the history that one can go forward to. */
let last = position();

/** @type {((walk: Walk) => void)[]} */
const followers = [];

/** Call back whenever another face hangs. @param {(walk: Walk) => void} follower */
export function followWall(follower) {
	followers.push(follower);
}

/** Whether there is a face before this one. */
export const hasPast = () => position() > 0;

/** Hang the first face. */
export function open() {
	rememberFirst(face);
	return hang(face, () => write("replaceState", position(), face));
}

/** Hang this face. @param {Face} picked */
export const pick = (picked) => hang(picked, () => add(picked));

/** Hang this face, and let the reader see it. @param {Face} picked */
export function pickAndLook(picked) {
	void pick(picked);
	const { top, bottom } = frame.getBoundingClientRect();
	if (top >= 0 && bottom <= innerHeight) return;
	frame.focus({ preventScroll: true });
	frame.scrollIntoView({ block: "center", behavior: prefersCalm() ? "auto" : "smooth" });
}

/** Hang someone new. */
export const next = () => pick({ ...face, seed: upcoming });

export function back() {
	if (hasPast()) history.back();
	else announce("This is the first face.");
}

/** Go forward to where one came back from, else to someone new. */
export function forward() {
	if (position() < last) history.forward();
	else void next();
}

/** Let the face become the next one. */
export function morph() {
	const walk = { from: face, to: upcoming };
	return guard(async () => {
		if (!(await playMorph(walk))) return;
		const target = { ...walk.from, seed: walk.to };
		add(target);
		arrive(target, walk);
	});
}

/** Show how the face would be. @param {number} truncation */
export const preview = (truncation) => guard(() => swap({ ...face, truncation }));

/** Hang it so. @param {number} truncation */
export function retune(truncation) {
	const tuned = { ...face, truncation };
	return guard(async () => {
		if (!(await swap(tuned))) return;
		write("replaceState", position(), tuned);
		arrive(tuned);
	});
}

/** @type {(newcomer: Face, note?: () => void) => Promise<void>} */
function hang(newcomer, note) {
	return guard(() =>
		show(newcomer, () => {
			note?.();
			arrive(newcomer);
		}),
	);
}

/** @type {(newcomer: Face, walk?: Walk) => void} */
function arrive(newcomer, walk) {
	face = newcomer;
	if (face.seed === upcoming) upcoming = randomSeed();
	void loadPicture(addressOf.face({ ...face, seed: upcoming }));
	clear();
	announce(`No. ${readableSeed(face.seed)}`);
	for (const follow of followers) follow(walk ?? { from: face, to: upcoming });
}

function position() {
	return Number(history.state?.at ?? 0);
}

/** Add a face to the history. @param {Face} newcomer */
function add(newcomer) {
	write("pushState", position() + 1, newcomer);
	last = position();
}

/** @type {(how: "pushState" | "replaceState", at: number, newcomer: Face) => void} */
function write(how, at, newcomer) {
	try {
		history[how]({ at, face: newcomer }, "", addressOf.page(newcomer));
	} catch {
		// The browser refuses, as after too many entries: the old address stays.
	}
}

window.addEventListener("popstate", ({ state }) => {
	if (!state?.face) return location.reload(); // an address that this page has not written
	last = Math.max(last, position());
	void hang(state.face);
});
