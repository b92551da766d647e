// What to change where a run failed: a button that starts it anew with the change.

import { byId } from "../shared/dom.js";
import { valuesOf } from "./settings.js";

const button = byId("remedy");
/** @type {Values | undefined} all settings of the run that would be started */
let offered;

/**
 * Find what to change, in words and as settings.
 * @param {Job} job
 * @returns {[what: string, changes: Record<string, string | number>] | undefined} nothing where nothing is wrong
 */
export function remedyOf({ status, error, warnings, model, step, ...job }) {
	const trouble = status === "failed" ? error : status === "succeeded" && warnings.discriminator_saturated;
	if (!trouble || !model) return undefined;
	const { gen_shape, batch_size, learning_rate, clip, steps_per_epoch } = /** @type {Record<string, any>} */ (job);
	if (/memory|too large/.test(trouble)) {
		const last = gen_shape.length - 1;
		const widths = gen_shape.map((/** @type {number} */ width, /** @type {number} */ i) =>
			i > 0 && i < last ? Math.ceil(width / 2) : width,
		);
		const changes = { gen_shape: widths.join(", "), batch_size: Math.ceil(batch_size / 2) };
		return [" with half as wide layers and half the batch", changes];
	}
	if (/the most a job may/.test(trouble)) {
		const steps = Math.max(1, Math.floor(0.9 * step));
		const epochs = Math.floor(steps / steps_per_epoch);
		return [" with fewer steps", epochs ? { epochs } : { epochs: 1, steps_per_epoch: steps }];
	}
	if (/smaller clip/.test(trouble)) return [` with clip ${clip / 10}`, { clip: clip / 10 }];
	if (/smaller learning_rate/.test(trouble)) {
		const rate = Number((learning_rate / 10).toPrecision(3));
		return [` with learning rate ${rate}`, { learning_rate: rate }];
	}
	return ["", {}];
}

/** Offer what to change about a run, if there is something. @param {Job} job */
export function offerRemedy(job) {
	const [what, changes] = remedyOf(job) ?? [];
	button.hidden = !changes;
	button.textContent = `Start again${what}`;
	offered = changes && {
		...valuesOf(job),
		...Object.fromEntries(Object.entries(changes).map(([k, v]) => [k, String(v)])),
	};
}

/** @param {(values: Values) => void} onTake */
export function followRemedies(onTake) {
	button.addEventListener("click", () => offered && onTake(offered));
}
