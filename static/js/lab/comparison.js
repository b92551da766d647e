// Runs side by side, below their pictures: their losses on common axes, and the table of their figures.

import { byId, make, put } from "../shared/dom.js";
import { keyOf } from "./panel.js";
import { Plot } from "./plot.js";
import { figuresOf } from "./report.js";
import { count, lossName, span, steady } from "./words.js";

/** @typedef {{label: string, texts: string[], best?: boolean[]}} Row best: which are better than others */

/** Figures of which more is better; of all others, less. */
const HIGHER = ["modes_fairly_covered", "modes_covered", "high_quality"];

const plots = ["discr_loss", "gen_loss", "gp"].map((name) => {
	const canvas = make("canvas", { role: "img", ariaLabel: `Loss of all runs: ${lossName(name)}` });
	const title = make("figcaption", {}, lossName(name));
	const part = make("figure", {}, title, make("div", { className: "plot" }, canvas));
	byId("over").append(part);
	return { name, part, plot: new Plot(canvas, name) };
});
let written = "";

/** @type {(runs: Run[], step: number | undefined) => void} */
export function draw(runs, step) {
	for (const { name, part, plot } of plots) {
		put(part, { hidden: !runs.some(({ losses }) => losses.values[name]) });
		plot.draw(runs, step);
	}
}

/** Write the table, unless it is there. @type {(runs: Run[], frames: (Frame | undefined)[]) => void} */
export function write(runs, frames) {
	const rows = rowsOf(runs, frames);
	const text = JSON.stringify(rows);
	if (text !== written) byId("table").replaceChildren(headOf(runs), make("tbody", {}, ...rows.map(lineOf)));
	written = text;
}

/** @param {Run[]} runs */
function headOf(runs) {
	const letters = runs.map((_, i) => make("th", { scope: "col" }, ...keyOf(i)));
	return make("thead", {}, make("tr", {}, make("td"), ...letters));
}

/** @param {Row} row */
function lineOf({ label, texts, best = [] }) {
	const cells = texts.map((text, i) =>
		best[i]
			? make("td", {}, make("span", { className: "best" }, text), make("small", {}, " best"))
			: make("td", {}, text),
	);
	return make("tr", {}, make("th", { scope: "row" }, label), ...cells);
}

/** @type {(runs: Run[], frames: (Frame | undefined)[]) => Row[]} */
function rowsOf(runs, frames) {
	const figures = runs.map((run, i) => figuresOf(run, frames[i]));
	const labels = new Map(figures.flat().map(({ name, label }) => [name, label]));
	const isComparable = new Set(runs.map(({ job }) => JSON.stringify(job.data))).size === 1;
	const rows = [...labels].map(([name, label]) => {
		const readings = figures.map((all) => all.find((one) => one.name === name));
		const values = readings.map((one) => one?.value ?? null);
		const best = isComparable ? bestOf(values, HIGHER.includes(name)) : [];
		return { label, texts: readings.map((one) => one?.text ?? "–"), best };
	});
	// Seconds tell more than the length only where the runs are equally long.
	const lengths = new Set(runs.map(({ job, ended }) => (ended ? job.step - job.first_step : NaN)));
	const seconds = runs.map(({ job }) => job.seconds || null);
	return [
		...rows,
		{ label: "steps trained", texts: runs.map(({ step }) => count(step)) },
		{
			label: "time",
			texts: seconds.map((value) => (value ? duration(value) : "–")),
			best: lengths.size === 1 && !lengths.has(NaN) ? bestOf(seconds, false) : [],
		},
	];
}

/** @param {number} seconds */
const duration = (seconds) => (seconds < 60 ? `${steady(seconds, 1)} s` : span(seconds));

/** @type {(values: (number | null)[], higher: boolean) => boolean[]} */
function bestOf(values, higher) {
	const known = values.filter((value) => value !== null);
	const best = higher ? Math.max(...known) : Math.min(...known);
	return values.map((value) => value === best && new Set(known).size > 1);
}
