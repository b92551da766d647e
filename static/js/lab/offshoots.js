// Runs that come of the one that is shown: forks, and the other two GANs on the same.

import { byId, put } from "../shared/dom.js";
import { complain, forgive } from "./complaints.js";
import { owner } from "./owner.js";
import { act, submit } from "./service.js";
import { bodyOf, valuesOf } from "./settings.js";
import { count, MODELS } from "./words.js";

/** @import { SettingsForm } from "./form.js" */

/** What may change in a fork. */
const FORKABLE = [
	...["epochs", "steps_per_epoch", "batch_size", "disc_iter", "learning_rate", "lambda_gp", "clip"],
	...["seed", "name"],
];

export class Offshoots {
	/** @type {Job | undefined} */
	#job;
	#shown = 0;
	/** @type {{job: Job, step: number, before: Values} | undefined} the fork that is being prepared */
	#fork;

	/**
	 * @param {SettingsForm} form
	 * @param {(job: Job, others: Job[]) => void} onStart
	 */
	constructor(form, onStart) {
		this.form = form;
		this.onStart = onStart;
		byId("fork").addEventListener("click", () => this.#prepare());
		byId("no-fork").addEventListener("click", () => this.end());
		byId("others").addEventListener("click", () => void this.#startOthers());
	}

	/** Whether a fork is being prepared. */
	get forking() {
		return this.#fork !== undefined;
	}

	/** Offer what can come of a run at a step. @type {(run: Run | undefined, step: number | undefined) => void} */
	offer(run, step = 0) {
		[this.#job, this.#shown] = [run?.job, step];
		put(byId("fork"), { hidden: this.#checkpoint === undefined });
		put(byId("others"), { hidden: !MODELS.has(run?.job.model ?? "") });
	}

	get #checkpoint() {
		return this.#job?.checkpoints.findLast((step) => step <= this.#shown);
	}

	/** Start the fork that the form describes. */
	async start() {
		if (!this.#fork) return;
		const { job, step, before } = this.#fork;
		const changed = Object.entries(this.form.complete).filter(
			([name, text]) => FORKABLE.includes(name) && text !== before[name],
		);
		const { data, ...changes } = bodyOf({ ...Object.fromEntries(changed), data: "" });
		this.onStart(await act(job.id, "fork", { ...changes, step, owner }), [job]);
	}

	/** Prepare no fork. */
	end() {
		if (this.#fork) this.#restrict(undefined);
	}

	#prepare() {
		const [job, step] = [this.#job, this.#checkpoint];
		if (!job || step === undefined) return;
		this.form.mirror(job);
		this.#restrict({ job, step, before: this.form.complete });
		if (step === job.steps) this.form.fill({ ...this.form.values, epochs: String(2 * Number(job.epochs)) });
		const nearest = step < this.#shown ? `, the last checkpoint before step ${count(this.#shown)}` : "";
		byId("fork-text").textContent =
			`A fork goes on from step ${count(step)}${nearest}. Epochs and steps count from the beginning.`;
		byId("fork-note").scrollIntoView({ block: "center" });
		byId("fork-note").focus({ preventScroll: true });
	}

	/** What a fork cannot change is out of reach. @param {{job: Job, step: number, before: Values} | undefined} fork */
	#restrict(fork) {
		this.#fork = fork;
		for (const part of document.querySelectorAll("#stories-part, #settings .setting")) {
			const changes = FORKABLE.some((name) => part.querySelector(`[name="${name}"]`));
			part.toggleAttribute("inert", fork !== undefined && !changes);
		}
		byId("fork-note").hidden = !fork;
		byId("usual").hidden = fork !== undefined;
		this.form.verb = fork ? "Start the fork" : "Start training";
		if (fork) byId("more-settings", HTMLDetailsElement).open = true;
	}

	async #startOthers() {
		const job = this.#job;
		const button = byId("others");
		if (!job || button.ariaDisabled === "true") return;
		forgive("run-error");
		button.ariaDisabled = "true";
		/** @type {Job[]} */
		const others = [];
		try {
			const { model: own, preset, name, lambda_gp, clip, data, ...values } = valuesOf(job);
			const body = { ...bodyOf({ ...values, data: "" }), data: { job: job.id }, views: job.views, owner };
			for (const model of [...MODELS.keys()].filter((one) => one !== own)) {
				// The same key: asked for again, they are there already.
				others.push(await submit({ ...body, model }, `${owner} ${model} on ${job.id}`));
			}
		} catch (error) {
			complain("run-error", error);
		} finally {
			button.ariaDisabled = "false";
			if (others.length > 0) this.onStart(job, others);
		}
	}
}
