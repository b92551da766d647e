// The fields of the form, but for those that stand above.

import { byId, icon, make } from "../shared/dom.js";
import { DATA, MODELS } from "./words.js";

/** @typedef {[name: string, label: string, usual?: string | string[], only?: string]} Row */

/**
 * Settings by groups. What is usual is a value, or choices of which the first is. A setting may count with one kind of
 * data or one GAN only.
 * @type {Record<string, Row[]>}
 */
const GROUPS = {
	Data: [
		["size", "Real points", "1000", "toys"],
		["noise", "Noise σ of the points", "", "toys"],
		["normalize", "Scale to 0 … 1", ["", "true", "false"], "own"],
	],
	Networks: [
		["gen_shape", "Layers of the generator, mirrored by the discriminator", ""],
		["latent_type", "Random numbers", ["normal", "uniform", "spheric"]],
		["critic_activation", "Discriminator ends in", ["tanh", "linear"]],
		["generator_gain", "Generator starts wider ×", "1"],
		["critic_gain", "Discriminator wider ×", "1"],
	],
	Training: [
		["epochs", "Epochs", "16"],
		["steps_per_epoch", "Steps an epoch", "100"],
		["batch_size", "Batch size", "200"],
		["disc_iter", "Discriminator updates", "2"],
		["learning_rate", "Learning rate", "0.005"],
		["final_rate", "… falls to this share", "1"],
		["beta_1", "Adam’s β₁", ""],
		["beta_2", "Adam’s β₂", ""],
		["ema", "Average of the generator"],
	],
	"Only of this GAN": [
		["lambda_gp", "Penalty weight λ", "10", "wgan_gp"],
		["clip", "Clip weights at ±", "1", "wgan_clip"],
	],
	"The run": [["name", "Name of the run"]],
};
const ROWS = Object.values(GROUPS).flat();
export const USUAL_DATA = "four_clouds";
const TEXTS = ["gen_shape", "name"];

/** @type {Record<string, string | undefined>} */
export const USUAL = Object.fromEntries(ROWS.map(([name, , usual]) => [name, [usual ?? ""].flat()[0]]));

export const NUMBERS = [
	"seed",
	...ROWS.filter(([name, , usual]) => !TEXTS.includes(name) && !Array.isArray(usual)).map(([name]) => name),
];

export function makeFields() {
	byId("model").append(...[...MODELS].map(([value, { name }]) => new Option(name, value)));
	byId("data").append(...[...DATA, ["own", "your own"]].map(([value, name]) => dataChoice(value, name)));
	for (const [title, rows] of Object.entries(GROUPS)) {
		byId("usual").before(make("fieldset", { className: "fold" }, make("legend", {}, title), ...rows.map(setting)));
	}
}

/** @param {Row} row */
function setting([name, label, usual, only]) {
	const field = Array.isArray(usual) ? choice(name, usual) : input(name, usual);
	const part = make("div", { className: "setting" }, make("label", { htmlFor: name }, label), field);
	part.classList.toggle("wide", TEXTS.includes(name));
	if (only) part.dataset.only = only;
	return part;
}

/** @type {(name: string, values: string[]) => HTMLElement} */
const choice = (name, values) =>
	make("select", { id: name, name }, ...values.map((one) => new Option(one || "the usual", one)));

/** @type {(name: string, usual?: string) => HTMLElement} */
function input(name, usual) {
	const kind = TEXTS.includes(name) ? { maxLength: 200, spellcheck: false } : { type: "number", step: "any" };
	const placeholder = usual === undefined ? "none" : "the usual";
	return make("input", { id: name, name, className: "field", defaultValue: usual ?? "", placeholder, ...kind });
}

/** @type {(value: string, name: string) => HTMLElement} */
function dataChoice(value, name) {
	const radio = make("input", { type: "radio", name: "data", value, defaultChecked: value === USUAL_DATA });
	const label = make("label", { className: "choice" }, radio, make("span", {}, name));
	radio.insertAdjacentHTML("afterend", icon(`toy-${value}`));
	return label;
}
