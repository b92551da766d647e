// A fork of the run that is shown: it goes on from a checkpoint, with other settings, which are chosen in the form.

import { byId, put } from "../shared/dom.js";
import * as form from "./form.js";
import { owner } from "./owner.js";
import { act } from "./service.js";
import { bodyOf } from "./settings.js";
import { followVisit } from "./visit.js";
import { count } from "./words.js";

/** What may change in a fork. */
const FORKABLE = [
	...["epochs", "steps_per_epoch", "batch_size", "disc_iter", "learning_rate", "lambda_gp", "clip"],
	...["seed", "name"],
];

/** What could be forked: the newest checkpoint at the shown step. @type {{job: Job, step: number, shown: number} | undefined} */
let offered;
/** What is being prepared, and the form before. @type {{job: Job, step: number, before: Values} | undefined} */
let prepared;

/** Whether one is being prepared. */
export const isPrepared = () => prepared !== undefined;

/** @type {(run: Run | undefined, shown: number | undefined) => void} */
export function offerFork(run, shown = 0) {
	const step = run?.job.checkpoints.findLast((one) => one <= shown);
	offered = run && step !== undefined ? { job: run.job, step, shown } : undefined;
	put(byId("fork"), { hidden: !offered });
}

/** Start the fork that the form describes: it and the run that it goes on from. @returns {Promise<Job[]>} */
export async function start() {
	if (!prepared) return [];
	const { job, step, before } = prepared;
	const changed = Object.entries(form.complete()).filter(
		([name, text]) => FORKABLE.includes(name) && text !== before[name],
	);
	const { data, ...changes } = bodyOf({ ...Object.fromEntries(changed), data: "" });
	return [await act(job.id, "fork", { ...changes, step, owner }), job];
}

/** Prepare none. */
function end() {
	if (prepared) restrict(undefined);
}

function prepare() {
	if (!offered) return;
	const { job, step, shown } = offered;
	form.mirror(job);
	restrict({ job, step, before: form.complete() });
	if (step === job.steps) form.fill({ ...form.values(), epochs: String(2 * Number(job.epochs)) });
	const nearest = step < shown ? `, the last checkpoint before step ${count(shown)}` : "";
	byId("fork-text").textContent =
		`A fork goes on from step ${count(step)}${nearest}. Epochs and steps count from the beginning.`;
	byId("fork-note").scrollIntoView({ block: "center" });
	byId("fork-note").focus({ preventScroll: true });
}

/** What a fork cannot change is out of reach. @param {typeof prepared} fork */
function restrict(fork) {
	prepared = fork;
	for (const part of document.querySelectorAll("#stories-part, #settings .setting")) {
		const changes = FORKABLE.some((name) => part.querySelector(`[name="${name}"]`));
		part.toggleAttribute("inert", fork !== undefined && !changes);
	}
	byId("fork-note").hidden = !fork;
	byId("usual").hidden = fork !== undefined;
	form.setVerb(fork ? "Start the fork" : "Start training");
	if (fork) byId("more-settings", HTMLDetailsElement).open = true;
}

followVisit(end);
byId("fork").onclick = prepare;
byId("no-fork").onclick = end;
