// Watching one run: its events come in, its picture and what is said about it go out.

import { followService } from "../shared/api.js";
import { byId, prefersCalm } from "../shared/dom.js";
import { Beside } from "./beside.js";
import { showCaptions } from "./captions.js";
import { Feed } from "./feed.js";
import { Followed } from "./follow.js";
import { linesOf, Plot } from "./plot.js";
import { describe, isWaiting, showFigures, showLosses, showState } from "./report.js";
import { scoresSeen, seen, showSeen } from "./seen.js";
import { SlowMotion } from "./slow.js";
import { Stage } from "./stage.js";
import { Film, Viewer } from "./viewer.js";
import { steady } from "./words.js";

const TICK_MS = 500;
const EXAMPLE_MS = 10_000;

const picture = byId("picture", HTMLCanvasElement);

export class Watch {
	#stage = new Stage(picture);
	#plot = new Plot(byId("plot", HTMLCanvasElement));
	#viewer = new Viewer(() => this.#draw());
	#film = new Film(this.#viewer);
	#slow = new SlowMotion(this.#viewer);
	#beside;
	/** @type {Followed | undefined} */
	#followed;
	#silent = false; // no answers come
	/** The real points that were seen last, and what they are. */
	#real = { data: "", points: /** @type {Real | undefined} */ (undefined) };
	/** @type {number | undefined} */
	#ticking;
	/** Whether there is more to say than the picture shows; a replay changes the picture only. */
	#news = true;
	/** @type {(Frame | undefined)[]} of all runs, what the words beside the pictures are about */
	#frames = [];

	/**
	 * @param {(run: Run) => void} onJob the service's word about the run is new
	 * @param {(id: string) => void} onGone a run was deleted
	 * @param {(id: string) => void} onRemove a run shall no longer be compared
	 * @param {(run: Run | undefined, step: number | undefined) => void} onSeen what is seen of the run is new
	 */
	constructor(onJob, onGone, onRemove, onSeen) {
		this.onSeen = onSeen;
		this.onJob = onJob;
		this.onGone = onGone;
		this.#beside = new Beside(() => this.repaint(), onRemove, onGone);
		followService((reached) => {
			if (this.#silent === !reached) return;
			this.#silent = !reached;
			this.repaint();
		});
	}

	/** Id of the run that is watched. */
	get id() {
		return this.#viewer.run?.job.id || null; // an example has none
	}

	/** Play a run that the page itself has. @param {Run} run */
	play(run) {
		this.show(undefined);
		this.#viewer.show([run]);
		if (!prefersCalm()) this.#viewer.replay(EXAMPLE_MS);
	}

	/** All runs that are shown, this one first. */
	get jobs() {
		return this.#viewer.runs.map(({ job }) => job).filter(({ id }) => id);
	}

	/** Watch a run, or none, beside others. @type {(job: Job | undefined, others?: Job[]) => void} */
	show(job, others = []) {
		if (!job || job.id !== this.id) this.#follow(job);
		this.#beside.show(job, others);
		this.#viewer.compare(this.#beside.runs);
		this.repaint();
	}

	/** @param {Job | undefined} job */
	#follow(job) {
		this.#followed?.close();
		this.#followed = job && new Followed(job, Feed, () => this.repaint(), this.onJob, this.onGone);
		const run = this.#followed?.run;
		if (run && this.#real.data === dataOf(run)) run.real = this.#real.points; // until its own come
		this.#news = true;
		this.#viewer.show(run ? [run] : []);
		if (run) this.onJob(run);
	}

	/** Take in what the service says about the run. @param {Job} job */
	update(job) {
		if (this.id === job.id) this.#followed?.update(job);
	}

	/** Something has changed: the run, or how things look. */
	repaint() {
		this.#news = true;
		this.#viewer.update();
	}

	#draw() {
		const { run, runs, step } = this.#viewer;
		const moments = runs.map((one) => this.#viewer.momentOf(one));
		const frames = moments.map((moment) => moment?.from);
		const [frame] = frames;
		const [news, moved] = [this.#news, frames.some((one, i) => one !== this.#frames[i])];
		this.#news = false;
		this.#frames = frames;
		if (news) this.#report(run, frame);
		if (news || moved) this.#caption(run, frame);
		this.#stage.draw(run?.real, moments[0], seen);
		this.#plot.draw(run ? linesOf(run) : [], [run?.first ?? 0, run?.job.steps ?? 1], frame && step, run?.forks);
		this.#beside.draw(moments, step);
		this.#film.show(this.#viewer);
		this.#slow.show();
	}

	/** Say what is new about the run. @type {(run: Run | undefined, frame: Frame | undefined) => void} */
	#report(run, frame) {
		showSeen(run);
		byId("watch").hidden = byId("take").hidden = !run?.job.id;
		byId("legend").hidden = !frame;
		showLosses(run);
		byId("studio").dataset.status = run?.status ?? "";
		clearTimeout(this.#ticking);
		if (run?.real) this.#real = { data: dataOf(run), points: run.real };
		if (!run?.job.id) return;
		if (isWaiting(run)) this.#ticking = setTimeout(() => this.repaint(), TICK_MS); // the seconds count
		showState(run, this.#followed?.deaf || this.#silent);
	}

	/** Say what is about the shown step. @type {(run: Run | undefined, frame: Frame | undefined) => void} */
	#caption(run, frame) {
		showFigures(run, frame);
		showScale(scoresSeen(run?.real) ? frame : undefined);
		showCaptions(run, frame);
		describe(picture, byId("empty"), run, frame);
		this.#beside.report(this.#viewer.runs, this.#frames, this.#viewer.step);
		this.onSeen(run?.job.id ? run : undefined, this.#viewer.step);
	}
}

/** @type {(run: Run) => string} what two runs on the same data have in common */
const dataOf = ({ job }) => JSON.stringify(job.data);

/** @param {Frame | undefined} frame */
function showScale(frame) {
	byId("scale").hidden = !frame?.scores;
	if (!frame?.scores) return;
	const digits = frame.range.every(Number.isInteger) ? 0 : 2;
	const [low, high] = frame.range.map((value) => steady(value, digits));
	byId("scale-low").textContent = low;
	byId("scale-high").textContent = high;
}
