// The place of a run among those that are shown: its picture and, where several are compared, what tells it from them.

import { make, put } from "../shared/dom.js";
import { describe } from "./report.js";
import { seen } from "./seen.js";
import { Stage } from "./stage.js";
import { stepName, titleOf } from "./words.js";

/** How the lines of a run look, and its letter. @param {number} place among the runs */
export const keyOf = (place) => [make("i", { className: `line run-${place}` }), "ABC"[place]];

export class Panel {
	#head = make("div", { className: "head" });
	#step = make("span", { className: "small-print" });

	/** Without a canvas and a place for words of the page, it makes its own. */
	constructor(canvas = make("canvas", { role: "img" }), empty = make("p", { className: "empty" })) {
		this.canvas = canvas;
		this.empty = empty;
		this.stage = new Stage(canvas);
		const framed = canvas.parentElement ?? make("div", { className: "framed" }, canvas, empty);
		this.element = framed.parentElement ?? make("div", { className: "panel" }, framed);
	}

	/** Show a run that is not compared. */
	alone() {
		this.#head.remove();
	}

	/** Say above the picture which of several runs it is. */
	/** @type {(place: number, job: Job, differing: {label: string, value: string}[], onRemove: () => void) => void} */
	compare(place, job, differing, onRemove) {
		const title = titleOf(job);
		const ariaLabel = `Compare no longer: ${title}`;
		const remove = make("button", { type: "button", className: "button", ariaLabel }, "✕");
		remove.addEventListener("click", onRemove);
		const settings = differing.map(({ label, value }) => make("span", {}, `${label} `, make("b", {}, value)));
		this.#head.replaceChildren(
			make("h3", {}, ...keyOf(place), ` · ${title}`),
			remove,
			make("p", { className: "differs" }, ...settings),
			this.#step,
		);
		this.element.prepend(this.#head);
	}

	/** @type {(run: Run | undefined, moment: Moment | undefined) => void} */
	draw(run, moment) {
		const frame = moment?.from;
		this.stage.draw(run?.real, moment, seen);
		put(this.#step, { textContent: frame ? `step ${stepName(frame.step)}` : "" });
		describe(this.canvas, this.empty, run, frame);
	}
}
