// The form with the settings of the next run.

import { ServiceError } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { blame, complain, complaintsOf, forgive, pardon } from "./complaints.js";
import { makeFields, USUAL_DATA } from "./fields.js";
import { OwnData } from "./own.js";
import { check } from "./service.js";
import { bodyOf, OWN, POINTS, settingError, valuesOf } from "./settings.js";
import { MODELS, sizesText } from "./words.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const MAX_SEED = 2 ** 31;
const USUAL_BATCH = 200;
const CALM_MS = 300;
/** Settings that may change in a story without making it another one. */
const SAME_STORY = ["seed", "name"];

export class SettingsForm {
	#form = byId("settings", HTMLFormElement);
	#model = byId("model", HTMLSelectElement);
	#start = byId("start");
	#origin = byId("origin");
	#verb = "Start training";
	#fold = byId("more-settings", HTMLDetailsElement);
	/** @type {Values} */
	#usual;
	/** @type {OwnData} */
	#own;
	/** @type {number | undefined} */
	#timer;

	/**
	 * @param {() => void} onChange a setting has changed
	 * @param {() => void} onStart the run shall start
	 */
	constructor(onChange, onStart) {
		makeFields();
		this.#form.reset(); // browsers like to remember what was typed
		this.#usual = this.#all();
		this.#own = new OwnData(() => {
			this.#put("preset", "");
			this.#adapt();
			onChange();
		});
		this.#form.addEventListener("input", ({ target }) => {
			const name = (target instanceof Element && target.getAttribute("name")) || "";
			if (!name) return;
			pardon(this.#field(name));
			if (!SAME_STORY.includes(name)) this.#put("preset", "");
			this.#adapt();
			onChange();
		});
		this.#form.addEventListener("submit", (event) => {
			event.preventDefault();
			if (this.#start.ariaDisabled !== "true") onStart();
		});
		byId("roll").addEventListener("click", () => {
			this.#put("seed", String(crypto.getRandomValues(new Uint32Array(1))[0] % MAX_SEED));
			pardon(this.#field("seed"));
			onChange();
		});
		byId("usual").addEventListener("click", () => {
			const { model, data, seed, data_name } = this.#all();
			this.fill({ model, data, seed, ...(data === OWN && { data_name, ...this.#own.values }) });
			onChange();
		});
		this.#adapt();
	}

	/** The settings that are not as usual. */
	get values() {
		const chosen = Object.entries(this.#all()).filter(([name, text]) => text !== (this.#usual[name] ?? ""));
		return { ...Object.fromEntries(chosen), ...(this.#isOwn && this.#own.values) };
	}

	/** All settings that count for the chosen GAN and data. */
	get complete() {
		return this.#all();
	}

	/** What to send to start a run: a body, and maybe a file. @throws {ServiceError} something cannot be sent */
	get request() {
		const wrong = this.#fields().find((field) => field.validity.badInput && !field.closest("[hidden]"));
		if (wrong) throw settingError(wrong.name, "Expected a number.");
		if (!this.#isOwn) return { body: bodyOf(this.#all()) };
		if (!this.#own.facts) throw settingError("data", this.#own.lack);
		const { data, file, ...usual } = this.#own.parcel;
		return { body: { ...usual, ...bodyOf(this.#all(), data ?? {}) }, file };
	}

	/**
	 * Show the settings of a run.
	 * @param {Job} job
	 * @param {Values} [given] what an address says of its points
	 */
	mirror(job, given = {}) {
		const values = valuesOf(job);
		const points = values.data === OWN ? POINTS.filter((name) => given[name]) : [];
		this.fill({ ...values, ...Object.fromEntries(points.map((name) => [name, given[name]])) }, job);
		const { parent } = job;
		this.#origin.hidden = !parent;
		if (!parent) return;
		this.#origin.textContent = `The run that is shown went on from step ${parent.step} of another one; a new one begins at step 0.`;
	}

	/**
	 * Show settings; those that are left out are as usual.
	 * @param {Values} values
	 * @param {Job} [job] whose they are: it may have points of its own
	 */
	fill(values, job) {
		this.clear();
		this.#origin.hidden = true;
		if (values.data === OWN) this.#own.load(values, job);
		for (const [name, text] of Object.entries({ ...this.#usual, ...values })) this.#put(name, text);
		this.#adapt();
	}

	/** What the button that starts it says. @param {string} verb */
	set verb(verb) {
		this.#verb = verb;
		this.busy = false;
	}

	/** @param {boolean} busy whether a run is being started */
	set busy(busy) {
		this.#start.ariaDisabled = String(busy);
		this.#start.textContent = busy ? "Starting …" : this.#verb;
	}

	/** Take all complaints away. */
	clear() {
		forgive("settings-error");
		this.#own.forgive();
		for (const field of this.#fields()) pardon(field);
	}

	/**
	 * Say what is wrong, beside the field that it is about.
	 * @param {ServiceError} error
	 * @param {boolean} [quietly] only if it is about a field, and without going there
	 */
	complain(error, quietly = false) {
		if (quietly) this.#fields().forEach(pardon);
		else this.clear();
		const blamed = [...complaintsOf(error)].flatMap(([name, message]) => this.#blame(name, message) ?? []);
		if (quietly) return;
		// What the service refuses and no field is about, is in the points.
		if (blamed.length === 0 && this.#isOwn && error.status === 422) blamed.push(this.#own.complain(error));
		if (blamed.length === 0) return complain("settings-error", error);
		if (this.#fold.contains(blamed[0])) this.#fold.open = true;
		blamed[0].focus();
	}

	/** @type {(name: string, message: string) => HTMLElement | undefined} */
	#blame(name, message) {
		if (this.#isOwn && ["data", "data_name", "size"].includes(name)) return this.#own.complain(message);
		const field = this.#field(name);
		pardon(this.#field(name));
		if (field) blame(field, message);
		return field;
	}

	/** Show what belongs to the chosen GAN and data. */
	#adapt() {
		const rows = this.#isOwn ? this.#own.facts?.rows : undefined;
		const batch = String(Math.min(USUAL_BATCH, rows ?? USUAL_BATCH)); // a few points of one’s own are one batch
		if (this.#field("batch_size")?.value === this.#usual.batch_size) this.#put("batch_size", batch);
		this.#usual.batch_size = batch;
		byId("model-help").textContent = MODELS.get(this.#model.value)?.help ?? "";
		for (const part of this.#form.querySelectorAll("[data-only]")) part.toggleAttribute("hidden", !this.#counts(part));
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.#check(), CALM_MS);
	}

	/** Have the service do the arithmetic, and say beside the fields what it would refuse. */
	async #check() {
		const timer = this.#timer;
		const own = this.#isOwn ? this.#own.facts : undefined;
		const sums = byId("sums");
		sums.hidden = this.#isOwn && !own;
		if (sums.hidden) return;
		try {
			const sizes = await check(bodyOf({ ...this.#all(), data: own ? USUAL_DATA : this.#data }), own);
			if (timer !== this.#timer) return;
			this.#fields().forEach(pardon);
			byId("gen_shape", HTMLInputElement).placeholder = sizes.generator.widths.join(", ");
			sums.textContent = sizesText(sizes);
		} catch (error) {
			if (!(error instanceof ServiceError)) throw error;
			if (timer !== this.#timer) return;
			sums.textContent = "";
			this.complain(error, true);
		}
	}

	get #data() {
		return this.#form.querySelector("input[name=data]:checked")?.getAttribute("value") ?? USUAL_DATA;
	}

	get #isOwn() {
		return this.#data === OWN;
	}

	/** @param {Element} part of the form, and whether it is about the chosen GAN and data */
	#counts(part) {
		const only = part.getAttribute("data-only");
		if (only === "toys" || only === OWN) return this.#isOwn === (only === OWN);
		return only === this.#model.value;
	}

	#all() {
		/** @type {Values} */
		const values = {};
		for (const field of this.#fields()) {
			const only = field.closest("[data-only]");
			if (only && !this.#counts(only)) continue;
			if (field instanceof HTMLInputElement && field.type === "radio" && !field.checked) continue;
			values[field.name] = field.value.trim();
		}
		return values;
	}

	/** @param {string} name */
	#field(name) {
		return this.#fields().find((field) => field.name === name);
	}

	#fields() {
		return [...this.#form.elements].filter(isField).filter((field) => field.name);
	}

	/** Fill in a setting. An option that does not exist changes nothing. @type {(name: string, text: string) => void} */
	#put(name, text) {
		for (const field of this.#fields().filter((one) => one.name === name)) {
			if (field instanceof HTMLSelectElement) {
				if ([...field.options].some(({ value }) => value === text)) field.value = text;
			} else if (field.type === "radio") field.checked ||= field.value === text;
			else field.value = text;
		}
	}
}

/** @type {(element: Element) => element is Field} */
const isField = (element) => element instanceof HTMLInputElement || element instanceof HTMLSelectElement;
