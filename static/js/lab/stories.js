// Runs that are known to work: each starts with one click, and says what to watch while it trains.

import { byId, icon, make } from "../shared/dom.js";
import { presets } from "./service.js";
import { count, modelName } from "./words.js";

/** @type {Preset[]} */
let known = [];

/** Offer the stories. @param {(preset: Preset) => void} onStart */
export async function offerStories(onStart) {
	known = await presets();
	byId("stories").replaceChildren(...known.map((preset) => make("li", {}, card(preset, onStart))));
}

/** The story that a run tells, if it is one. @param {Job} job */
export const storyOf = (job) => known.find(({ name }) => name === job.preset);

/** @type {(preset: Preset, onStart: (preset: Preset) => void) => HTMLElement} */
function card(preset, onStart) {
	const { title, job } = preset;
	const button = make(
		"button",
		{ className: "story", type: "button", innerHTML: icon(`toy-${job.data.name}`) },
		make("span", { className: "story-title" }, title),
		make("span", { className: "help" }, `${modelName(job)}, ${count(job.epochs * job.steps_per_epoch)} steps`),
	);
	button.addEventListener("click", () => onStart(preset));
	return button;
}
