// A run in the list: its picture, its name, what is special about it, and where it stands.

import { ServiceError } from "../shared/api.js";
import { make, markCurrent, put } from "../shared/dom.js";
import { announce } from "../shared/notice.js";
import { factsOf } from "./differences.js";
import { isMine, mayChange } from "./owner.js";
import { stageName, waitOf } from "./report.js";
import { rename } from "./service.js";
import { Thumbnail } from "./thumbnails.js";
import { compare, pick } from "./visit.js";
import { count, hasEnded, titleOf } from "./words.js";

/** @type {(className: string) => HTMLElement} */
const line = (className) => make("span", { className });
/** @type {(title: string, sign: string) => HTMLElement} */
const tool = (title, sign) => make("button", { type: "button", className: "run-tool", title }, sign);

export class Row {
	#title = line("run-title");
	#facts = line("run-facts small-print");
	#state = line("run-state small-print");
	#bar = make("progress", { ariaHidden: "true" });
	#text = make("span", { className: "run-text" }, this.#title, this.#facts, this.#state, this.#bar);
	#open = make("button", { type: "button", className: "run-open" }, this.#text);
	#compare = tool("Compare", "◫");
	#pen = tool("Rename", "✎");
	#tools = make("span", { className: "run-tools" }, this.#compare, this.#pen);
	#check = make("input", { type: "checkbox" });
	#label = make("label", { className: "run-tool run-select" }, this.#check);
	/** Where the name is changed, in place of what opens the run. */
	#field = make("input", { className: "field", maxLength: 200, hidden: true });
	#error = make("p", { className: "error", role: "alert", hidden: true });
	element = make("li", { className: "run" }, this.#open, this.#field, this.#label, this.#tools, this.#error);

	/** @param {Job} job @param {() => void} onSelect */
	constructor(job, onSelect) {
		this.job = job;
		this.thumbnail = new Thumbnail(job);
		this.#open.prepend(this.thumbnail.element);
		this.#open.onclick = () => pick(this.job);
		this.#compare.onclick = () => compare(this.job);
		this.#check.onchange = onSelect;
		this.#pen.onclick = () => this.#edit(true);
		this.#field.onblur = () => this.#save();
		this.#field.onkeydown = ({ key, isComposing }) => {
			if (key === "Enter" && !isComposing) void this.#save();
			if (key === "Escape") this.#edit(false);
		};
	}

	/** Whether it is to be deleted. */
	get selected() {
		return this.#check.checked && !this.#label.hidden;
	}

	/** @type {(current: boolean, shown: boolean) => void} whether the run is the one that is shown, or one of several */
	mark(current, shown) {
		markCurrent(this.#open, current);
		put(this.#compare, { hidden: current, ariaPressed: String(shown) });
	}

	/** @type {(job: Job, below: Job | undefined) => void} below: the next run in the list */
	update(job, below) {
		const { step, steps, status } = job;
		const title = titleOf(job);
		this.job = job;
		this.element.dataset.status = status;
		this.thumbnail.show(job);
		const facts = factsOf(job, below).map(({ text, differs }) => make(differs ? "b" : "span", {}, text));
		this.#facts.replaceChildren(...facts.flatMap((fact) => [" · ", fact]).slice(1));
		put(this.#title, { textContent: title });
		put(this.#state, { textContent: stateOf(job) });
		put(this.#bar, { max: steps, value: step, hidden: hasEnded(status) || status === "queued" });
		put(this.#pen, { hidden: !mayChange(job), ariaLabel: `Rename ${title}` });
		put(this.#label, { hidden: !mayChange(job) || !hasEnded(status) });
		put(this.#compare, { ariaLabel: `Compare ${title}` });
		put(this.#check, { ariaLabel: `Select ${title}` });
	}

	/** @param {boolean} on whether the name can be typed */
	#edit(on) {
		const hadFocus = document.activeElement === this.#field;
		this.#open.hidden = on;
		put(this.#field, { hidden: !on, value: this.job.name ?? "", ariaLabel: `New name of ${titleOf(this.job)}` });
		this.#blame("");
		if (on) this.#field.select();
		else if (hadFocus) this.#pen.focus();
	}

	async #save() {
		if (this.#field.hidden || this.#field.readOnly) return; // it is being saved
		const name = this.#field.value.trim() || null;
		if (name === this.job.name) return this.#edit(false);
		this.#field.readOnly = true;
		try {
			await rename(this.job.id, name);
			this.#edit(false);
			announce(`The run is called ${titleOf(this.job)}.`);
		} catch (error) {
			if (!(error instanceof ServiceError)) throw error;
			this.#blame(error.message); // what was typed stays
		} finally {
			this.#field.readOnly = false;
		}
	}

	/** @param {string} message what is wrong with the name that was typed, if anything is */
	#blame(message) {
		put(this.#error, { textContent: message, hidden: message === "" });
		this.#field.ariaInvalid = String(message !== "");
	}
}

/** Say where a run stands. @param {Job} job */
function stateOf(job) {
	const { status, step, steps, warnings } = job;
	const facts = [stageName(job)];
	if (status === "queued") facts.push(...waitOf(job));
	else if (!hasEnded(status)) facts.push(`${Math.floor((100 * step) / steps)} %`);
	else if (status !== "succeeded") facts[0] += ` at step ${count(step)}`;
	if (warnings.discriminator_saturated) facts.push("saturated");
	if (!isMine(job)) facts.push("somebody else’s");
	return facts.join(" · ");
}
