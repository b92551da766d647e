// Names, numbers and times as they are read.

/** The GANs under the exercise's names, and what is special about each. */
export const MODELS = new Map([
	["simple_gan", { name: "Simple_GAN", help: "Least squares: real points should score 1, generated ones −1." }],
	["wgan_clip", { name: "WGAN_clip", help: "Wasserstein: the critic’s weights are clipped to keep it smooth." }],
	["wgan_gp", { name: "WGAN_GP", help: "Wasserstein: a penalty on the critic’s gradient keeps it smooth." }],
]);

/** The toy data, in the order in which they are offered. */
export const DATA = new Map([
	["circle", "circle"],
	["four_clouds", "four clouds"],
	["ring8", "ring of 8"],
	["grid25", "grid of 25"],
	["swiss_roll", "Swiss roll"],
	["moons", "moons"],
	["corner_cloud", "corner cloud"],
]);

/** @type {Record<string, string>} */
const LOSSES = { discr_loss: "discriminator", gen_loss: "generator", gp: "penalty" };

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {string} status of a job */
export const hasEnded = (status) => ["succeeded", "failed", "cancelled"].includes(status);

/** @type {(job: {model: string | null}) => string} */
export const modelName = ({ model }) => MODELS.get(model ?? "")?.name ?? model ?? "unreadable run";

/** @param {Job} job */
export function dataName({ data }) {
	const { name, rows } = data ?? {};
	if (rows) return name || `${count(rows)} points of its own`;
	return name ? (DATA.get(name) ?? name) : "unknown data";
}

/** @param {Job} job */
export const titleOf = (job) => job.name || `${modelName(job)}, ${dataName(job)}`;

/** @param {string} key */
export const lossName = (key) => LOSSES[key] ?? key.replaceAll("_", " ");

/** @param {string} text */
export const sentence = (text) => text[0].toUpperCase() + text.slice(1);

/** A whole number. @param {number} value */
export const count = (value) => whole.format(value).replaceAll(",", "\u202f");

/** A step, which may be half done. @param {number} step */
export const stepName = (step) => `${count(Math.floor(step))}${Number.isInteger(step) ? "" : " ½"}`;

/** A number with a few digits that matter. @param {number} value */
export function number(value) {
	if (value === 0) return "0";
	const size = Math.abs(value);
	const text = size >= 1000 || size < 0.001 ? value.toExponential(1) : value.toPrecision(3);
	return minus(text.replace(/e\+?/, "e"));
}

/** Always so many digits: a number that changes keeps its place. @type {(value: number, digits: number) => string} */
export const steady = (value, digits) => minus(value.toFixed(digits));

/** A round number with as few digits as it has. @param {number} value */
export function short(value) {
	const size = Math.abs(value);
	return minus(size >= 10_000 || (size > 0 && size < 0.001) ? value.toExponential().replace("e+", "e") : `${value}`);
}

/** @param {number} seconds */
export function span(seconds) {
	const all = Math.max(1, Math.ceil(seconds));
	if (all < 60) return `${all} s`;
	if (all < 3600) return `${Math.floor(all / 60)} min ${all % 60} s`;
	return `${Math.floor(all / 3600)} h ${Math.round((all % 3600) / 60)} min`;
}

/** @param {string} text */
const minus = (text) => text.replaceAll("-", "−");

/** How large a run is. @param {Estimate} estimate */
export function sizesText({ steps, generator, discriminator, memory }) {
	const [made, judged] = [generator, discriminator].map(
		({ weights, widths }) => `${count(weights)} weights (${widths.join("–")})`,
	);
	return `${count(steps)} steps. Generator: ${made}. Discriminator: ${judged}. About ${count(Math.ceil(memory / 2 ** 20))} MiB.`;
}
