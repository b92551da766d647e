// What the picture shows of a run: its layers and axes. The address has what is not as usual, and it stays while one
// looks at other runs.

import { byId, make, put } from "../shared/dom.js";
import { axesOf, COLOURS, chosenAxes, circledPair, PRINCIPAL, principal, SCORED } from "./axes.js";

/** Layers that a run has only if it was started with these views. */
export const VIEWS = ["manifold", "gradient"];
const USUAL = ["real", "generated", "scores"];
const LAYERS = [...USUAL, ...VIEWS];

const axes = byId("axes", HTMLSelectElement);

/** What shall be seen, whether or not the run that is shown has it. */
export const seen = { layers: new Set(USUAL), axes: "" };

/** The run whose axes are offered. @type {Real | undefined} */
let offered;

/** Let the reader choose. @param {() => void} onChange */
export function offerSeen(onChange) {
	for (const layer of LAYERS) {
		const button = byId(`see-${layer}`);
		button.addEventListener("click", () => {
			if (button.ariaDisabled === "true") return;
			if (!seen.layers.delete(layer)) seen.layers.add(layer);
			onChange();
		});
	}
	axes.addEventListener("change", () => {
		seen.axes = axes.value;
		onChange();
	});
}

/** Take over what an address says. @param {string} search the part of it from its question mark */
export function readSeen(search) {
	const query = new URLSearchParams(search);
	seen.layers = new Set(query.get("see")?.split(" ") ?? USUAL);
	seen.axes = query.get("axes") ?? "";
}

/** What an address has to say. @returns {Values} */
export function seenValues() {
	const see = LAYERS.filter((layer) => seen.layers.has(layer)).join(" ");
	return { ...(see !== USUAL.join(" ") && { see }), ...(seen.axes && { axes: seen.axes }) };
}

/** Whether the scores of a run are seen. @param {Real} [real] */
export const scoresSeen = (real) => seen.layers.has("scores") && hasScores(real);

/** @param {Real} [real] */
const hasScores = (real) => !real || (real.dimensions > 1 && chosenAxes(real, seen.axes) === SCORED);

/** Show what is seen of a run, and what it lacks. @param {Run} [run] */
export function showSeen(run) {
	const real = run?.real;
	if (real !== offered) offerAxes(real, run?.job.data?.titles);
	const shown = real ? chosenAxes(real, seen.axes) : SCORED;
	const lacking = VIEWS.filter((view) => run && !run.job.views?.includes(view));
	for (const layer of LAYERS) {
		const missing = layer === "scores" ? !hasScores(real) : lacking.includes(layer);
		put(byId(`see-${layer}`), { ariaPressed: String(seen.layers.has(layer)), ariaDisabled: String(missing) });
	}
	const without = lacking.length ? ` This run was started without ${lacking.join(" and ")}.` : "";
	put(byId("seen"), { hidden: !run });
	put(axes, { value: shown });
	put(byId("near"), { hidden: !real || !circledPair(real, shown).length });
	put(byId("seen-note"), { textContent: (real ? noteOn(real, shown) : "") + without });
}

/** @type {(real?: Real, titles?: string[] | null) => void} */
function offerAxes(real, titles) {
	offered = real;
	const choices = real ? axesOf(real) : [];
	axes.hidden = choices.length < 2;
	axes.replaceChildren(
		...choices.map((value) => {
			const pair = value.split(" ").map((axis) => titles?.[Number(axis)] ?? axis);
			const name = { [PRINCIPAL]: "principal components", [COLOURS]: "in their colours" }[value];
			return make("option", { value }, name ?? `${titles ? "" : "coordinates "}${pair.join(", ")}`);
		}),
	);
}

/** What axes mean. @type {(real: Real, shown: string) => string} */
function noteOn(real, shown) {
	const { dimensions, points } = real;
	if (dimensions === 1) return "Scores are drawn where points have two coordinates.";
	if (dimensions === 2) return "";
	if (shown === SCORED) return "Scores: where the other coordinates are at their mean.";
	const plane = "Scores are known of coordinates 0, 1 only.";
	if (shown === COLOURS) return `Coordinates 0, 1 are the place, 2 to 4 red, green and blue. ${plane}`;
	if (shown !== PRINCIPAL) return plane;
	const part = dimensions > points.dimensions ? ` of coordinates 0 to ${points.dimensions - 1}` : "";
	return `Where the real points vary most: ${Math.round(100 * principal(real).variance)} % of the variance${part}. ${plane}`;
}
