// What to change where a run failed: a button that starts it anew with the change.

import { byId } from "../shared/dom.js";
import { valuesOf } from "./settings.js";

/** What helps against which trouble, in words and as settings; the last one against any. */
/** @type {[trouble: RegExp, find: (job: any) => [what: string, changes: object]][]} */
const REMEDIES = [
	[
		/memory|too large/,
		({ gen_shape, batch_size }) => {
			const half = (/** @type {number} */ one) => Math.ceil(one / 2);
			const shape = [gen_shape[0], ...gen_shape.slice(1, -1).map(half), gen_shape.at(-1)];
			return [" with half as wide layers and half the batch", { gen_shape: shape, batch_size: half(batch_size) }];
		},
	],
	[
		/the most a job may/,
		({ step, steps_per_epoch }) => {
			const steps = Math.max(1, Math.floor(0.9 * step));
			const epochs = Math.floor(steps / steps_per_epoch);
			return [" with fewer steps", epochs ? { epochs } : { epochs: 1, steps_per_epoch: steps }];
		},
	],
	[/smaller clip/, ({ clip }) => [` with clip ${clip / 10}`, { clip: clip / 10 }]],
	[
		/smaller learning_rate/,
		(job) => {
			const learning_rate = Number((job.learning_rate / 10).toPrecision(3));
			return [` with learning rate ${learning_rate}`, { learning_rate }];
		},
	],
	[/^/, () => ["", {}]],
];

const button = byId("remedy");
/** @type {Values} all settings of the run that would be started */
let offered;

/** Offer what to change about a run, where something is wrong. @param {Job} job */
export function offerRemedy(job) {
	const { status, error, warnings, model } = job;
	const trouble = status === "failed" ? error : status === "succeeded" && warnings.discriminator_saturated;
	const said = (model && trouble) || "";
	const [what, changes] = REMEDIES.find(([pattern]) => pattern.test(said))?.[1](job) ?? [];
	button.hidden = !said;
	button.textContent = `Start again${what}`;
	offered = valuesOf({ ...job, ...changes });
}

/** @param {(values: Values) => void} onTake */
export function followRemedies(onTake) {
	button.addEventListener("click", () => onTake(offered));
}
