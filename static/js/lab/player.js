// Which moment of the shown runs is seen: the newest one, the one that the reader picked on the slider, or one after the
// other.

import { byId, prefersCalm, put } from "../shared/dom.js";
import { stepName } from "./words.js";

const FRAME_MS = 90;
const SHORTEST_MS = 3500;
const LONGEST_MS = 12_000;
/** Where less motion is asked for, a picture stands at least this long. */
const CALM_MS = 700;

const slider = byId("scrubber", HTMLInputElement);
const button = byId("replay");

/** @type {Run[]} */
export let runs = [];
/** The steps of all pictures of all runs, in order. @type {number[]} */
export let steps = [];
/** How far each network has moved to the next step, in slow motion. @type {{critic: number, share: number} | undefined} */
export let slow;
/** The replay: when it began, and how long it takes at least. @type {{begun: number, shortest: number} | undefined} */
let replayed;
let isFollowing = true; // the newest picture, where it is neither in slow motion nor replayed
let at = 0; // the step that is shown; during a replay also between two pictures
let isWaiting = false;
let drawn = -Infinity;
let draw = () => {};

/** @param {() => void} onDraw at most once a frame of the screen, however many events come together */
export function begin(onDraw) {
	draw = onDraw;
	slider.oninput = () => seek(slider.valueAsNumber);
	button.onclick = () => (replayed ? seek(index()) : replay());
}

/** The shown step; undefined where there is no picture. */
export const step = () => (steps.length ? at : undefined);

/** Index of the shown step; between two pictures, of the earlier one. */
export const index = () =>
	Math.max(
		0,
		steps.findLastIndex((one) => one <= at),
	);

/**
 * What a run shows: its newest picture at or before the step; during a replay, on its way to the next one.
 * @type {(run: Run) => Moment | undefined} undefined where it begins later
 */
export function momentOf({ frames }) {
	const place = frames.findLastIndex((frame) => frame.step <= at);
	const from = frames[place];
	if (!from) return undefined;
	const to = frames[place + 1] ?? from;
	if (slow && to.step === steps[index() + 1]) return { from, to, ...slow };
	return { from, to, share: replayed && to !== from ? (at - from.step) / (to.step - from.step) : 0 };
}

/** Show runs: another first one from its newest moment on, others at the same step. @param {Run[]} wanted */
export function show(wanted) {
	const isOther = wanted[0] !== runs[0];
	runs = wanted;
	if (isOther) seek(Infinity);
	else update();
}

/** Something has changed: draw soon. */
export function update() {
	if (isWaiting) return;
	isWaiting = true;
	const rest = prefersCalm() ? drawn + CALM_MS - performance.now() : 0;
	if (rest > 0) setTimeout(requestAnimationFrame, rest, frame);
	else requestAnimationFrame(frame);
}

/** Show a step; at the last one, follow the runs again. @param {number} place among the steps */
export function seek(place) {
	replayed = slow = undefined;
	at = steps[place] ?? 0;
	isFollowing = place >= steps.length - 1;
	drawn = -Infinity; // the reader moves it, so there is nothing to calm down
	update();
}

/** Show how far each network has moved from the shown step to the next. @param {{critic: number, share: number}} moved */
export function ease(moved) {
	slow = moved;
	update();
}

/** Run through all moments, for so many milliseconds at least. */
export function replay(shortest = SHORTEST_MS) {
	slow = undefined;
	replayed = { begun: performance.now(), shortest };
	update();
}

function frame() {
	isWaiting = false;
	drawn = performance.now();
	steps = [...new Set(runs.flatMap(({ frames }) => frames.map((one) => one.step)))].sort((a, b) => a - b);
	if (replayed) advance(replayed);
	else if (isFollowing && !slow) at = steps.at(-1) ?? 0;
	draw();
	showPlace();
}

/** @param {{begun: number, shortest: number}} replay */
function advance({ begun, shortest }) {
	const last = Math.max(0, steps.length - 1);
	const duration = Math.min(LONGEST_MS, Math.max(shortest, last * FRAME_MS));
	const progress = Math.min(1, (performance.now() - begun) / duration);
	// Each picture stands as long as any other, however many steps are between them.
	const place = prefersCalm() ? Math.round(progress * last) : progress * last;
	const [from, to] = [steps[Math.floor(place)] ?? 0, steps[Math.ceil(place)] ?? 0];
	at = from + (to - from) * (place % 1);
	if (progress < 1) return update();
	replayed = undefined;
	isFollowing = true;
}

/** Show which picture of how many is seen. */
function showPlace() {
	put(byId("film"), { hidden: steps.length < 2 });
	if (steps.length < 2) return;
	const name = `step ${stepName(steps[index()])}`;
	put(slider, { max: String(steps.length - 1) });
	put(slider, { value: String(index()), ariaValueText: name });
	put(byId("shown-step"), { textContent: name });
	put(button, { textContent: replayed ? "Stop" : "Replay" });
}
