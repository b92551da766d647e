// Which moment of one or several runs is shown: the newest one, the one that the reader picked, or one after the other.

import { byId, prefersCalm, put } from "../shared/dom.js";
import { stepName } from "./words.js";

const FRAME_MS = 90;
const SHORTEST_MS = 3500;
const LONGEST_MS = 12_000;
/** Where less motion is asked for, a picture stands at least this long. */
const CALM_MS = 700;

/** Draws at most once a frame of the screen, however many events come together. */
export class Viewer {
	/** @type {Run[]} */
	#runs = [];
	/** @type {number[]} the steps of all pictures of all runs, in order */
	#steps = [];
	#counted = -1; // how many pictures these are of
	#at = 0; // the step that is shown; during a replay also between two pictures
	#following = true;
	/** @type {number | undefined} when the replay began */
	#begun;
	/** @type {{critic: number, share: number} | undefined} how far each network has moved, in slow motion */
	#slow;
	#shortest = SHORTEST_MS;
	#waiting = false;
	#drawn = -Infinity;

	/** @param {(viewer: Viewer) => void} draw */
	constructor(draw) {
		this.draw = draw;
	}

	get run() {
		return /** @type {Run | undefined} */ (this.#runs[0]);
	}

	get runs() {
		return this.#runs;
	}

	/** The shown step; undefined where there is no picture. */
	get step() {
		return this.steps.length ? this.#at : undefined;
	}

	get replaying() {
		return this.#begun !== undefined;
	}

	get slow() {
		return this.#slow;
	}

	/** The steps that have a picture, of any run. */
	get steps() {
		const count = this.#runs.reduce((sum, { frames }) => sum + frames.length, 0);
		if (count !== this.#counted) {
			this.#counted = count;
			const all = this.#runs.flatMap(({ frames }) => frames.map(({ step }) => step));
			this.#steps = [...new Set(all)].sort((a, b) => a - b);
		}
		return this.#steps;
	}

	/** Index of the shown step; between two pictures, of the earlier one. */
	get index() {
		return Math.max(
			0,
			this.steps.findLastIndex((step) => step <= this.#at),
		);
	}

	get #last() {
		return Math.max(0, this.steps.length - 1);
	}

	/** The moment of the first run. */
	get moment() {
		return this.run && this.momentOf(this.run);
	}

	/**
	 * What a run shows: its newest picture at or before the step; during a replay, on its way to the next one.
	 * @param {Run} run
	 * @returns {Moment | undefined} undefined where it begins later
	 */
	momentOf({ frames }) {
		const index = frames.findLastIndex(({ step }) => step <= this.#at);
		const from = frames[index];
		if (!from) return undefined;
		const to = frames[index + 1] ?? from;
		if (this.#slow)
			return to.step === this.steps[this.index + 1] ? { from, to, ...this.#slow } : { from, to, share: 0 };
		const share = this.replaying && to !== from ? (this.#at - from.step) / (to.step - from.step) : 0;
		return { from, to, share };
	}

	/** Show other runs, from their newest moment on. @param {Run[]} runs */
	show(runs) {
		this.#runs = runs;
		this.#counted = -1;
		this.seek(0);
		this.#following = true;
	}

	/** Show others beside the first run, at the same step. @param {Run[]} others */
	compare(others) {
		this.#runs = [...this.#runs.slice(0, 1), ...others];
		this.#counted = -1;
		this.update();
	}

	/** Something has changed: draw soon. */
	update() {
		if (this.#waiting) return;
		this.#waiting = true;
		const rest = prefersCalm() ? this.#drawn + CALM_MS - performance.now() : 0;
		if (rest > 0) setTimeout(() => requestAnimationFrame(this.#frame), rest);
		else requestAnimationFrame(this.#frame);
	}

	/** Show a step; at the last one, follow the runs again. @param {number} index */
	seek(index) {
		this.#begun = this.#slow = undefined;
		this.#at = this.steps[index] ?? 0;
		this.#following = index >= this.#last;
		this.#drawn = -Infinity; // the reader moves it, so there is nothing to calm down
		this.update();
	}

	/** Show how far each network has moved from the shown step to the next. @param {{critic: number, share: number}} slow */
	ease(slow) {
		this.#slow = slow;
		this.#following = false;
		this.update();
	}

	/** Run through all moments, or stop doing so. @param {number} shortest how long it takes at least */
	replay(shortest = SHORTEST_MS) {
		if (this.replaying) return this.seek(this.index);
		this.#following = false;
		this.#slow = undefined;
		this.#at = this.steps[0] ?? 0;
		this.#begun = performance.now();
		this.#shortest = shortest;
		this.update();
	}

	#frame = () => {
		this.#waiting = false;
		this.#drawn = performance.now();
		if (this.#begun !== undefined) this.#advance(this.#begun);
		else if (this.#following) this.#at = this.steps[this.#last] ?? 0;
		this.draw(this);
	};

	/** @param {number} begun */
	#advance(begun) {
		const { steps } = this;
		const duration = Math.min(LONGEST_MS, Math.max(this.#shortest, this.#last * FRAME_MS));
		const progress = Math.min(1, (performance.now() - begun) / duration);
		// Each picture stands as long as any other, however many steps are between them.
		const place = prefersCalm() ? Math.round(progress * this.#last) : progress * this.#last;
		const [from, to] = [steps[Math.floor(place)] ?? 0, steps[Math.ceil(place)] ?? 0];
		this.#at = from + (to - from) * (place % 1);
		if (progress < 1) return this.update();
		this.#begun = undefined;
		this.#following = true;
	}
}

/** The controls of a viewer: a slider over the pictures that came, and the replay of them all. */
export class Film {
	#slider = byId("scrubber", HTMLInputElement);
	#replay = byId("replay");

	/** @param {Viewer} viewer */
	constructor(viewer) {
		this.#slider.addEventListener("input", () => viewer.seek(this.#slider.valueAsNumber));
		this.#replay.addEventListener("click", () => viewer.replay());
	}

	/** Show which picture of how many is seen. @param {Viewer} viewer */
	show({ steps, index, replaying }) {
		const isShort = steps.length < 2;
		put(byId("film"), { hidden: isShort });
		if (isShort) return;
		const step = `step ${stepName(steps[index])}`;
		put(this.#slider, { max: String(steps.length - 1) });
		put(this.#slider, { value: String(index), ariaValueText: step });
		put(byId("shown-step"), { textContent: step });
		put(this.#replay, { textContent: replaying ? "Stop" : "Replay" });
	}
}
