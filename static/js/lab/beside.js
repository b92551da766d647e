// Runs side by side: a panel for each, their losses on common axes, and the table of their figures.

import { byId, make, put } from "../shared/dom.js";
import { differences, tableOf } from "./comparing.js";
import { Poll } from "./feed.js";
import { Followed } from "./follow.js";
import { linesOver, Plot, RUN_STYLES } from "./plot.js";
import { describe } from "./report.js";
import { seen } from "./seen.js";
import { Stage } from "./stage.js";
import { lossName, stepName, titleOf } from "./words.js";

/** @import { Row } from "./comparing.js" */

/** As many as have room, and styles of lines. */
export const MOST_RUNS = RUN_STYLES.length;
const LETTERS = "ABC";

export class Beside {
	/** @type {Panel[]} */
	#panels = [];
	/** @type {Head[]} of all runs, the shown one first */
	#heads = [];
	#plots = ["discr_loss", "gen_loss", "gp"].map(plotOf);

	/**
	 * @param {() => void} onChange
	 * @param {(id: string) => void} onRemove a run shall no longer be compared
	 * @param {(id: string) => void} onGone it was deleted
	 */
	constructor(onChange, onRemove, onGone) {
		this.onChange = onChange;
		this.onRemove = onRemove;
		this.onGone = onGone;
	}

	get runs() {
		return this.#panels.map(({ followed }) => followed.run);
	}

	/** Show runs beside the first one. @type {(first: Job | undefined, jobs: Job[]) => void} */
	show(first, jobs) {
		const before = this.#panels;
		this.#panels = jobs.map(
			(job) =>
				before.find(({ followed }) => followed.run.job.id === job.id) ??
				new Panel(new Followed(job, Poll, this.onChange, () => {}, this.onGone)),
		);
		for (const panel of before) if (!this.#panels.includes(panel)) panel.close();
		for (const { element } of this.#heads) element.remove();
		const all = first && jobs.length > 0 ? [first, ...jobs] : [];
		this.#heads = all.map((job, i) => new Head(i, job, differences(all)[i], () => this.onRemove(job.id)));
		byId("panels").append(...this.#panels.map(({ element }) => element));
		for (const [i, { element }] of this.#heads.entries()) byId("panels").children[i].prepend(element);
		byId("compare").hidden = all.length === 0;
		document.querySelector(".lab")?.classList.toggle("comparing", all.length > 0);
	}

	/** Draw what changes with the step. @type {(moments: (Moment | undefined)[], step: number | undefined) => void} */
	draw(moments, step) {
		if (this.#panels.length === 0) return;
		for (const [i, { stage, followed }] of this.#panels.entries()) stage.draw(followed.run.real, moments[i + 1], seen);
		for (const [i, head] of this.#heads.entries()) head.say(moments[i]?.from);
		for (const { plot } of this.#plots) plot.point(step);
	}

	/** Say what is new, or about other pictures. @type {(runs: Run[], frames: (Frame | undefined)[], step?: number) => void} */
	report(runs, frames, step) {
		if (this.#panels.length === 0) return;
		for (const [i, panel] of this.#panels.entries()) panel.say(frames[i + 1]);
		writeTable(tableOf(runs, frames));
		const first = Math.min(...runs.map((run) => run.first));
		const last = Math.max(...runs.map((run) => (run.ended ? run.step : run.job.steps)));
		const forks = [...new Set(runs.flatMap((run) => run.forks))];
		for (const { name, part, plot } of this.#plots) {
			const lines = linesOver(runs, name);
			part.hidden = lines.length === 0;
			plot.draw(lines, [first, last], step, forks);
		}
	}
}

/** @param {string} name of a loss */
function plotOf(name) {
	const canvas = make("canvas", { role: "img", ariaLabel: `Loss of all runs: ${lossName(name)}` });
	const title = make("figcaption", {}, lossName(name));
	const part = make("figure", {}, title, make("div", { className: "plot" }, canvas));
	byId("over").append(part);
	return { name, part, plot: new Plot(canvas) };
}

/** How the lines of a run look. @param {number} place among the runs */
const keyOf = (place) => make("i", { className: `line run-${place}` });

/** What is above the picture of a run. */
class Head {
	#step = make("span", { className: "small-print" });

	/**
	 * @param {number} place among the runs
	 * @param {Job} job
	 * @param {{label: string, value: string}[]} differing
	 * @param {() => void} onRemove
	 */
	constructor(place, job, differing, onRemove) {
		const title = titleOf(job);
		const remove = make(
			"button",
			{ type: "button", className: "button", ariaLabel: `Compare no longer: ${title}` },
			"✕",
		);
		remove.addEventListener("click", onRemove);
		this.element = make(
			"div",
			{ className: "head" },
			make("h3", {}, keyOf(place), `${LETTERS[place]} · ${title}`),
			remove,
			make(
				"p",
				{ className: "differs" },
				...differing.map(({ label, value }) => make("span", {}, `${label} `, make("b", {}, value))),
			),
			this.#step,
		);
	}

	/** @param {Frame | undefined} frame */
	say(frame) {
		put(this.#step, { textContent: frame ? `step ${stepName(frame.step)}` : "" });
	}
}

/** A run beside the one that is shown. */
class Panel {
	#canvas = make("canvas", { role: "img" });
	#empty = make("p", { className: "empty" });
	stage = new Stage(this.#canvas);
	element = make("div", { className: "panel" }, make("div", { className: "framed" }, this.#canvas, this.#empty));

	/** @param {Followed} followed */
	constructor(followed) {
		this.followed = followed;
	}

	close() {
		this.followed.close();
		this.element.remove();
	}

	/** @param {Frame | undefined} frame */
	say(frame) {
		describe(this.#canvas, this.#empty, this.followed.run, frame);
	}
}

/** Write the table of figures; what stays the same is not touched. @param {Row[]} rows */
function writeTable(rows) {
	const table = byId("table");
	const labels = [rows[0].cells.length, ...rows.map(({ label }) => label)].join();
	if (table.dataset.labels !== labels) table.replaceChildren(...makeTable(rows));
	table.dataset.labels = labels;
	const parts = table.querySelectorAll("td > *");
	for (const [i, { text, best }] of rows.flatMap(({ cells }) => cells).entries()) {
		put(/** @type {HTMLElement} */ (parts[2 * i]), { textContent: text, className: best ? "best" : "" });
		put(/** @type {HTMLElement} */ (parts[2 * i + 1]), { hidden: !best });
	}
}

/** @param {Row[]} rows */
function makeTable(rows) {
	const cell = () => make("td", {}, make("span"), make("small", {}, " best"));
	const letters = rows[0].cells.map((_, i) => make("th", { scope: "col" }, keyOf(i), LETTERS[i]));
	const lines = rows.map(({ label, cells }) => make("tr", {}, make("th", { scope: "row" }, label), ...cells.map(cell)));
	return [make("thead", {}, make("tr", {}, make("td"), ...letters)), make("tbody", {}, ...lines)];
}
