// The form with the settings of the next run.

import { ServiceError } from "../shared/api.js";
import { byId } from "../shared/dom.js";
import { blame, complain as complainIn, complaintsOf, forgive, pardon } from "./complaints.js";
import { makeFields, USUAL_DATA } from "./fields.js";
import * as own from "./own.js";
import { check } from "./service.js";
import { bodyOf, OWN, POINTS, settingError, valuesOf } from "./settings.js";
import { MODELS, sizesText } from "./words.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const MAX_SEED = 2 ** 31;
const USUAL_BATCH = 200;
const CALM_MS = 300;
/** Settings that may change in a story without making it another one. */
const SAME_STORY = ["seed", "name"];

const form = byId("settings", HTMLFormElement);
const start = byId("start");
const origin = byId("origin");
let verb = "Start training";
/** @type {Values} */
let usual = {};
/** @type {number | undefined} */
let timer;

/** @type {(onChange: () => void, onStart: () => void) => void} a setting has changed; the run shall start */
export function begin(onChange, onStart) {
	makeFields();
	form.reset(); // browsers like to remember what was typed
	own.begin(() => {
		put("preset", "");
		adapt();
		onChange();
	});
	form.oninput = ({ target }) => {
		const name = target instanceof Element && target.getAttribute("name");
		if (!name) return;
		pardon(fieldOf(name));
		if (!SAME_STORY.includes(name)) put("preset", "");
		adapt();
		onChange();
	};
	form.onsubmit = (event) => {
		event.preventDefault();
		if (start.ariaDisabled !== "true") onStart();
	};
	byId("roll").onclick = () => {
		put("seed", String(Math.floor(Math.random() * MAX_SEED)));
		fieldOf("seed").dispatchEvent(new Event("input", { bubbles: true }));
	};
	byId("usual").onclick = () => {
		const { model, data, seed, data_name } = complete();
		fill({ model, data, seed, ...(data === OWN && { data_name, ...own.values }) });
		onChange();
	};
	adapt();
	usual = complete();
}

/** The settings that are not as usual. @returns {Values} */
export function values() {
	const chosen = Object.entries(complete()).filter(([name, text]) => text !== (usual[name] ?? ""));
	return { ...Object.fromEntries(chosen), ...(isOwn() && own.values) };
}

/** All settings that count for the chosen GAN and data. @returns {Values} */
export function complete() {
	const all = [...new FormData(form)].filter(([name]) => !fieldOf(name).closest("[data-only][hidden]"));
	return Object.fromEntries(all.map(([name, text]) => [name, String(text).trim()]));
}

/** What to send to start a run: a body, and maybe a file. @throws {ServiceError} something cannot be sent */
export function request() {
	for (const field of form.querySelectorAll("input")) {
		if (field.validity.badInput && !field.closest("[hidden]")) throw settingError(field.name, "Expected a number.");
	}
	if (!isOwn()) return { body: bodyOf(complete()) };
	if (!own.factsOf()) throw settingError("data", own.lack());
	const { data = {}, file, ...rest } = own.parcel();
	return { body: { ...rest, ...bodyOf(complete(), data) }, file };
}

/** Show the settings of a run, and what an address says of its points. @type {(job: Job, given?: Values) => void} */
export function mirror(job, given = {}) {
	const found = valuesOf(job);
	const points = found.data === OWN ? POINTS.filter((name) => given[name]) : [];
	fill({ ...found, ...Object.fromEntries(points.map((name) => [name, given[name]])) }, job);
	origin.hidden = !job.parent;
	if (!job.parent) return;
	origin.textContent = `The run that is shown went on from step ${job.parent.step} of another one; a new one begins at step 0.`;
}

/** Show settings, perhaps of a job; those that are left out are as usual. @type {(given: Values, job?: Job) => void} */
export function fill(given, job) {
	clear();
	origin.hidden = true;
	if (given.data === OWN) own.load(given, job);
	for (const [name, text] of Object.entries({ ...usual, ...given })) put(name, text);
	adapt();
}

/** Say what the button starts. @param {string} text */
export function setVerb(text) {
	verb = text;
	setBusy(false);
}

/** @param {boolean} busy whether a run is being started */
export function setBusy(busy) {
	start.ariaDisabled = String(busy);
	start.textContent = busy ? "Starting …" : verb;
}

/** Take all complaints away. */
export function clear() {
	forgive("settings-error");
	forgive("own-error");
	pardonAll();
}

/** Say what is wrong, beside the field that it is about, and go there. @param {ServiceError} error */
export function complain(error) {
	clear();
	const blamed = blameFields(error);
	// What the service refuses and no field is about, is in the points.
	if (blamed.length === 0 && isOwn() && error.status === 422) blamed.push(own.complain(error));
	if (blamed.length === 0) return complainIn("settings-error", error);
	const fold = byId("more-settings", HTMLDetailsElement);
	if (fold.contains(blamed[0])) fold.open = true;
	blamed[0].focus();
}

/** @type {(error: ServiceError) => HTMLElement[]} */
const blameFields = (error) =>
	[...complaintsOf(error)].flatMap(([name, message]) => {
		if (isOwn() && ["data", "size", ...POINTS].includes(name)) return own.complain(message);
		const field = fieldOf(name);
		if (!field?.closest(".setting")) return [];
		pardon(field);
		blame(field, message);
		return field;
	});

function pardonAll() {
	form.querySelectorAll("[aria-invalid]").forEach(pardon);
}

/** Show what belongs to the chosen GAN and data. */
function adapt() {
	const rows = (isOwn() && own.factsOf()?.rows) || USUAL_BATCH;
	const batch = String(Math.min(USUAL_BATCH, rows)); // a few points of one’s own are one batch
	if (fieldOf("batch_size").value === usual.batch_size) put("batch_size", batch);
	usual.batch_size = batch;
	const model = fieldOf("model").value;
	byId("model-help").textContent = MODELS.get(model)?.help ?? "";
	const chosen = [model, isOwn() ? OWN : "toys"];
	for (const part of form.querySelectorAll("[data-only]")) {
		part.toggleAttribute("hidden", !chosen.includes(part.getAttribute("data-only") ?? ""));
	}
	clearTimeout(timer);
	timer = setTimeout(() => void calculate(), CALM_MS);
}

/** Have the service do the arithmetic, and say beside the fields what it would refuse. */
async function calculate() {
	const mine = timer;
	const facts = isOwn() ? own.factsOf() : undefined;
	const sums = byId("sums");
	sums.hidden = isOwn() && !facts;
	if (sums.hidden) return;
	try {
		const sizes = await check(bodyOf({ ...complete(), ...(facts && { data: USUAL_DATA }) }), facts);
		if (mine !== timer) return;
		pardonAll();
		byId("gen_shape", HTMLInputElement).placeholder = sizes.generator.widths.join(", ");
		sums.textContent = sizesText(sizes);
	} catch (error) {
		if (!(error instanceof ServiceError)) throw error;
		if (mine !== timer) return;
		sums.textContent = "";
		pardonAll();
		blameFields(error);
	}
}

const isOwn = () => new FormData(form).get("data") === OWN;

/** @type {(name: string) => Field} */
const fieldOf = (name) => /** @type {Field} */ (form.querySelector(`[name=${name}]`));

/** Fill in a setting. What does not exist changes nothing. @type {(name: string, text: string) => void} */
function put(name, text) {
	const field = /** @type {Field | RadioNodeList | null} */ (form.elements.namedItem(name));
	const options = field instanceof HTMLSelectElement ? [...field.options].map(({ value }) => value) : [text];
	if (field && options.includes(text)) field.value = text;
}
