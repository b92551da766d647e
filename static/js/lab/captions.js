// What the numbers of a run say at one of its pictures: sentences, each by a rule of its own.

import { extremes } from "./stretches.js";

/**
 * What the rules look at: covered and good are the modes and points that are right, loss and penalty the means of the
 * last steps, warnings their names.
 * @typedef {{job: Job, status: string, warnings: string[], frame: Frame, critic: string, modes: number, covered: number,
 *   good: number, loss: number, penalty: number, hovers: boolean, falls: boolean}} Facts
 */
/** @typedef {[holds: (facts: Facts) => boolean, say: (facts: Facts) => string]} Rule */

const MOST = 2;
/** Pictures that are asked: what is said stands in most of them, so that nothing flickers. */
const ASKED = 3;
const NARROW = 0.06; // of the range of a loss: what moves less hovers
const FEW_STEPS = 300;
const SOME = 5;

/** @type {(facts: Facts) => boolean} whether a tanh has no slope anywhere in the plane, which is all there is */
const isFlat = ({ job, frame }) =>
	job.critic_activation !== "linear" &&
	frame.made.dimensions === 2 &&
	Boolean(frame.scores?.every((score) => Math.abs(score) >= 0.995));
/** @type {(facts: Facts) => boolean} */
const isSaturated = (facts) => facts.warnings.includes("discriminator_saturated") || isFlat(facts);

/** The most important first. */
/** @type {Rule[]} */
const RULES = [
	[
		({ job, status }) => status === "failed" && /became -?(nan|inf)/i.test(job.error ?? ""),
		() => "Diverged: a loss is no longer a number.",
	],
	[isSaturated, ({ critic }) => `The ${critic} is saturated: all scores at ±1, nothing is learnt any more.`],
	[
		({ frame, warnings }) => frame.step > 0 && warnings.includes("generator_constant"),
		() => "The generator makes one and the same point of all random numbers.",
	],
	[({ frame }) => frame.step === 0, () => "Untrained: the points lie where chance has put them."],
	[
		({ modes, covered, good }) => covered <= 0.75 * modes && good >= 0.6,
		({ modes, covered }) => `${covered} of ${modes} modes: collapse.`,
	],
	[
		({ job, loss }) => loss < (job.model === "simple_gan" ? 0.5 : -1.5) && job.critic_activation !== "linear",
		({ critic }) => `The ${critic} is far ahead: the generator has little to learn from.`,
	],
	[
		({ modes, covered, good }) => covered === modes && good >= 0.9,
		({ modes }) => `All ${modes} modes are found, and few points lie elsewhere.`,
	],
	[
		({ modes, covered, good }) => covered === modes && good < 0.9,
		({ modes }) => `All ${modes} modes are found, but many points still lie between them.`,
	],
	[
		(facts) =>
			facts.job.model === "wgan_clip" && facts.frame.step > 0 && !isSaturated(facts) && isOneSlope(facts.frame),
		() => "Clipping keeps the critic simple: its landscape is one slope.",
	],
	[({ penalty }) => penalty > 0.5, () => "The critic’s slope is far from 1: the penalty has yet to get hold of it."],
	[
		({ falls }) => falls,
		({ status }) =>
			status === "succeeded" ? "The distance fell until the end: train longer." : "The distance still falls.",
	],
	[({ penalty }) => penalty < 0.1, () => "The penalty holds the slope near 1."],
	[
		(facts) => facts.hovers && !isSaturated(facts),
		() => "Losses hover: that is what equilibrium looks like, a good one or a bad one.",
	],
];

/**
 * Say what there is to say.
 * @param {Run} run
 * @param {number} index of the picture
 * @returns {string[]} at most two
 */
export function captionsOf(run, index) {
	const status = index === run.frames.length - 1 ? run.status : "running"; // as it was
	const first = Math.max(0, index + 1 - ASKED);
	const asked = run.frames.slice(first, index + 1).map((_, i) => factsOf(run, first + i, status));
	return RULES.flatMap(([holds, say]) => {
		const some = asked.filter(holds);
		return 2 * some.length > asked.length ? say(some[some.length - 1]) : [];
	}).slice(0, MOST);
}

/** @type {(run: Run, index: number, status: string) => Facts} */
function factsOf({ job, warnings, real, frames, losses }, index, status) {
	const frame = frames[index];
	const { figures, step } = frame;
	/** @type {(name: string, from: number, to?: number) => number[]} */
	const values = (name, from, to = step) => (losses.values[name] ?? []).slice(...between(losses.steps, from, to));
	const last = step - Math.max(20, step / 10);
	const half = frames.findLastIndex((one) => one.step <= step / 2);
	const names = Object.keys(losses.values).filter((name) => name !== "gp");
	return {
		job,
		status,
		warnings: Object.keys(warnings).filter((name) => step >= beginOf(warnings[name])),
		frame,
		critic: job.model === "simple_gan" ? "discriminator" : "critic",
		modes: real?.modes?.length ?? 0,
		covered: figures.modes_fairly_covered ?? NaN,
		good: figures.high_quality ?? NaN,
		loss: mean(values("discr_loss", last)),
		penalty: mean(values("gp", last)),
		hovers:
			step >= FEW_STEPS &&
			names.length > 0 &&
			names.every((name) => {
				const [low, high] = extremes(values(name, 0));
				const change = mean(values(name, 0.6 * step, 0.8 * step)) - mean(values(name, 0.8 * step));
				return Math.abs(change) < NARROW * (high - low);
			}),
		falls: half >= 0 && Math.max(...distances(frames, index)) < 0.8 * Math.min(...distances(frames, half)),
	};
}

/** The step since which a warning holds. @param {string} warning */
const beginOf = (warning) => Number(/since step ([\d,]+)/.exec(warning)?.[1].replaceAll(",", "") ?? 0);

/** Places of the steps after one and up to another. @type {(steps: number[], from: number, to: number) => Interval} */
function between(steps, from, to) {
	const first = steps.findIndex((step) => step > from);
	return first < 0 ? [0, 0] : [first, steps.findLastIndex((step) => step <= to) + 1];
}

/** How far off some pictures are, up to one of them. @type {(frames: Frame[], index: number) => number[]} */
function distances(frames, index) {
	const some = frames.slice(Math.max(0, index + 1 - SOME), index + 1);
	return some.map(({ figures }) => figures.sliced_wasserstein ?? figures.mean_squared_distance ?? NaN);
}

/** @type {(values: number[]) => number} NaN of none, and then no rule holds */
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
