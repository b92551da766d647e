// Runs that are known to work: each starts with one click, and says what to watch while it trains.

import { byId, make } from "../shared/dom.js";
import { presets } from "./service.js";
import { count, MODELS } from "./words.js";

/** @type {Map<string, Preset>} */
let known = new Map();

/**
 * Offer the stories.
 * @param {(preset: Preset) => void} onStart
 */
export async function offerStories(onStart) {
	const list = await presets();
	known = new Map(list.map((preset) => [preset.name, preset]));
	byId("stories").replaceChildren(...list.map((preset) => make("li", {}, card(preset, onStart))));
}

/** The story that a run tells, if it is one. @param {Job} job */
export const storyOf = (job) => known.get(String(job.preset));

/** @type {(preset: Preset, onStart: (preset: Preset) => void) => HTMLElement} */
function card(preset, onStart) {
	const { data, model, epochs, steps_per_epoch } = preset.job;
	const facts = `${MODELS.get(model)?.name ?? model}, ${count(epochs * steps_per_epoch)} steps`;
	const button = make(
		"button",
		{ className: "story", type: "button" },
		make("span", { className: "story-title" }, preset.title),
		make("span", { className: "help" }, facts),
	);
	button.insertAdjacentHTML(
		"afterbegin",
		`<svg aria-hidden="true"><use href="/static/icons.svg#toy-${data.name}"/></svg>`,
	);
	button.addEventListener("click", () => onStart(preset));
	return button;
}
