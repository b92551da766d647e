// What is said below the picture: sentences about the numbers of the run there, each by a rule of its own.

import { byId, make } from "../shared/dom.js";
import { extremes } from "./stretches.js";

/** @typedef {ReturnType<typeof factsOf>} Facts */

const EXAMPLE = "An example that was trained earlier: press Start training for your own.";
/** What is said stands at least this long. */
const STANDS_MS = 1500;
const MOST = 2;
/** Pictures that are asked: what is said stands in most of them, so that nothing flickers. */
const ASKED = 3;
const NARROW = 0.06; // of the range of a loss: what moves less hovers
const FEW_STEPS = 300;
const SOME = 5;

/** What is said where it holds, the most important first. @type {((facts: Facts) => string | false)[]} */
const RULES = [
	({ job, status }) =>
		status === "failed" && /became -?(nan|inf)/i.test(job.error ?? "") && "Diverged: a loss is no longer a number.",
	({ saturated, critic }) => saturated && `The ${critic} is saturated: all scores at ±1, nothing is learnt any more.`,
	({ frame, warnings }) =>
		frame.step > 0 &&
		warnings.includes("generator_constant") &&
		"The generator makes one and the same point of all random numbers.",
	({ frame }) => frame.step === 0 && "Untrained: the points lie where chance has put them.",
	({ modes, covered, good }) => covered <= 0.75 * modes && good >= 0.6 && `${covered} of ${modes} modes: collapse.`,
	({ job, bounded, loss, critic }) =>
		bounded &&
		loss < (job.model === "simple_gan" ? 0.5 : -1.5) &&
		`The ${critic} is far ahead: the generator has little to learn from.`,
	({ modes, covered, good }) =>
		covered === modes && good >= 0.9 && `All ${modes} modes are found, and few points lie elsewhere.`,
	({ modes, covered, good }) =>
		covered === modes && good < 0.9 && `All ${modes} modes are found, but many points still lie between them.`,
	({ job, frame, saturated }) =>
		job.model === "wgan_clip" &&
		frame.step > 0 &&
		!saturated &&
		isOneSlope(frame) &&
		"Clipping keeps the critic simple: its landscape is one slope.",
	({ penalty }) => penalty > 0.5 && "The critic’s slope is far from 1: the penalty has yet to get hold of it.",
	({ falls, status }) =>
		falls && (status === "succeeded" ? "The distance fell until the end: train longer." : "The distance still falls."),
	({ penalty }) => penalty < 0.1 && "The penalty holds the slope near 1.",
	({ hovers, saturated }) =>
		hovers && !saturated && "Losses hover: that is what equilibrium looks like, a good one or a bad one.",
];

/** @type {Run | undefined} what it is said of */
let about;
let since = 0;
/** @type {number | undefined} */
let timer;

/** Say what the numbers say. @type {(run?: Run, frame?: Frame) => void} */
export function showCaptions(run, frame) {
	const texts = run && frame ? captionsOf(run, run.frames.indexOf(frame)) : [];
	clearTimeout(timer);
	const rest = run === about ? since + STANDS_MS - performance.now() : 0;
	if (rest > 0) timer = setTimeout(say, rest, run, texts);
	else say(run, texts);
}

/** @type {(run: Run | undefined, texts: string[]) => void} */
function say(run, texts) {
	const place = byId("captions");
	const all = run?.status === "example" ? [EXAMPLE, ...texts.slice(0, 1)] : texts;
	about = run;
	if (place.textContent === all.join("")) return; // else screen readers would say it again
	since = performance.now();
	place.replaceChildren(...all.map((text) => make("span", {}, text)));
}

/** What there is to say at a picture, at most two sentences. @type {(run: Run, index: number) => string[]} */
export function captionsOf(run, index) {
	const status = index === run.frames.length - 1 ? run.status : "running"; // as it was
	const first = Math.max(0, index + 1 - ASKED);
	const asked = run.frames.slice(first, index + 1).map((frame) => factsOf(run, frame, status));
	return RULES.flatMap((rule) => {
		const said = asked.flatMap((facts) => rule(facts) || []);
		return 2 * said.length > asked.length ? said.slice(-1) : [];
	}).slice(0, MOST);
}

/** What the rules look at. Of numbers that are NaN, not known, no rule holds. */
/** @param {Run} run @param {Frame} frame @param {string} status */
function factsOf({ job, warnings, real, frames, losses }, frame, status) {
	const { figures, step, scores, made } = frame;
	const amountUntil = (/** @type {number} */ end) => losses.steps.findLastIndex((one) => one <= end) + 1;
	/** @type {(name: string, from: number, to?: number) => number[]} */
	const values = (name, from, to = step) => losses.values[name]?.slice(amountUntil(from), amountUntil(to)) ?? [];
	const early = distances(frames, step / 2);
	const last = step - Math.max(20, step / 10);
	const held = Object.keys(warnings).filter((name) => step >= beginOf(warnings[name]));
	const bounded = job.critic_activation !== "linear";
	// Where points have two coordinates, scores of the plane are all there are: a tanh may have no slope anywhere.
	const flat = bounded && made.dimensions === 2 && scores?.every((score) => Math.abs(score) >= 0.995);
	return {
		job,
		status,
		frame,
		bounded,
		warnings: held,
		saturated: flat || held.includes("discriminator_saturated"),
		critic: job.model === "simple_gan" ? "discriminator" : "critic",
		modes: real?.modes?.length ?? 0,
		covered: figures.modes_fairly_covered ?? NaN,
		good: figures.high_quality ?? NaN, // of the points
		loss: mean(values("discr_loss", last)),
		penalty: mean(values("gp", last)),
		hovers:
			step >= FEW_STEPS &&
			["discr_loss", "gen_loss"].every((name) => {
				const [low, high] = extremes(values(name, 0));
				const change = mean(values(name, 0.6 * step, 0.8 * step)) - mean(values(name, 0.8 * step));
				return Math.abs(change) < NARROW * (high - low);
			}),
		falls: early.length > 0 && Math.max(...distances(frames, step)) < 0.8 * Math.min(...early),
	};
}

/** The step since which a warning holds. @param {string} warning */
const beginOf = (warning) => Number(/since step ([\d,]+)/.exec(warning)?.[1].replaceAll(",", "") ?? 0);

/** How far off the last pictures until a step are. @type {(frames: Frame[], until: number) => number[]} */
function distances(frames, until) {
	const some = frames.filter(({ step }) => step <= until).slice(-SOME);
	return some.map(({ figures }) => figures.sliced_wasserstein ?? figures.mean_squared_distance ?? NaN);
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Whether scores lie on a plane, as far as they differ: its share of their variance. @param {Frame} frame */
function isOneSlope({ scores, side }) {
	if (!scores) return false;
	const middle = (side - 1) / 2;
	const level = mean([...scores]);
	let [all, across, up] = [0, 0, 0];
	for (const [i, score] of scores.entries()) {
		all += (score - level) ** 2;
		across += (score - level) * ((i % side) - middle);
		up += (score - level) * (Math.floor(i / side) - middle);
	}
	const spread = (side ** 2 * (side ** 2 - 1)) / 12; // of a coordinate over the grid
	return all > 0 && across ** 2 + up ** 2 > 0.9 * all * spread;
}
