// The runs that are shown: they are followed, and seen side by side. What is said is about the first of them.

import { followService } from "../shared/api.js";
import { byId, prefersCalm, put } from "../shared/dom.js";
import { offerActions } from "./actions.js";
import { showCaptions } from "./captions.js";
import * as comparison from "./comparison.js";
import { differences } from "./differences.js";
import { Followed } from "./follow.js";
import { offerFork } from "./fork.js";
import { Panel } from "./panel.js";
import * as player from "./player.js";
import { Plot } from "./plot.js";
import { isWaiting, showFigures, showLosses, showState } from "./report.js";
import { scoresSeen, showSeen } from "./seen.js";
import { followJobs } from "./service.js";
import { showSlow } from "./slow.js";
import { compare, followVisit } from "./visit.js";
import { steady } from "./words.js";

const TICK_MS = 500;
const EXAMPLE_MS = 10_000;

const panels = [new Panel(byId("picture", HTMLCanvasElement), byId("empty")), new Panel(), new Panel()];
const plot = new Plot(byId("plot", HTMLCanvasElement));

/** @type {Followed[]} */
let all = [];
let isSilent = false; // no answers come
let ticking = 0;
/** Whether there is more to say than the pictures show; a replay changes the pictures only. */
let hasNews = true;
/** What the words beside the pictures are about. @type {(Frame | undefined)[]} */
let frames = [];

/** Play a run that the page itself has. @param {Run} run */
export function play(run) {
	player.show([run]);
	if (!prefersCalm()) player.replay(EXAMPLE_MS);
	repaint();
}

/** @param {Job[]} wanted */
function show(wanted) {
	const before = all;
	all = wanted.map((job, i) => {
		const known = before.find(({ run, streams }) => run.job.id === job.id && streams === (i === 0));
		return known ?? follow(job, i === 0);
	});
	for (const one of before) if (!all.includes(one)) one.close();
	const isAlone = wanted.length < 2;
	const shown = panels.slice(0, Math.max(1, wanted.length));
	for (const [i, panel] of shown.entries()) {
		if (isAlone) panel.alone();
		else panel.compare(i, wanted[i], differences(wanted)[i], () => compare(wanted[i]));
	}
	byId("panels").replaceChildren(...shown.map(({ element }) => element));
	byId("compare").hidden = isAlone;
	document.querySelector(".lab")?.classList.toggle("comparing", !isAlone);
	player.show(all.map(({ run }) => run));
	repaint();
}

/** @type {(job: Job, streams: boolean) => Followed} */
function follow(job, streams) {
	const data = JSON.stringify(job.data);
	const followed = new Followed(job, streams, repaint);
	followed.run.real = player.runs.find((run) => JSON.stringify(run.job.data) === data)?.real; // until its own come
	return followed;
}

/** Something has changed: a run, or how things look. */
export function repaint() {
	hasNews = true;
	player.update();
}

function draw() {
	const { runs } = player;
	const step = player.step();
	const moments = runs.map(player.momentOf);
	const before = frames;
	frames = moments.map((moment) => moment?.from);
	const isNew = hasNews || frames.some((frame, i) => frame !== before[i]);
	hasNews = false;
	for (const [i, panel] of panels.entries()) panel.draw(runs[i], moments[i]);
	plot.draw(runs, step);
	if (runs.length > 1) comparison.draw(runs, step);
	if (runs.length > 1 && isNew) comparison.write(runs, frames);
	if (isNew) say();
	showSlow();
}

/** Say what is new about the first run, or about another picture of it. */
function say() {
	const [[followed], [run], [frame]] = [all, player.runs, frames];
	byId("studio").dataset.status = run?.status ?? "";
	byId("watch").hidden = byId("take").hidden = !followed;
	byId("legend").hidden = !frame;
	showSeen(run);
	showScale(scoresSeen(run?.real) ? frame : undefined);
	showCaptions(run, frame);
	showLosses(run);
	showFigures(run, frame);
	offerActions(followed?.run);
	offerFork(followed?.run, player.step());
	clearTimeout(ticking);
	if (!followed) return;
	if (isWaiting(run)) ticking = setTimeout(repaint, TICK_MS); // the seconds count
	showState(run, run.deaf || isSilent);
}

/** @param {Frame | undefined} frame */
function showScale(frame) {
	const range = frame?.range ?? [-1, 1];
	const digits = range.every(Number.isInteger) ? 0 : 2;
	const [low, high] = range.map((value) => steady(value, digits));
	put(byId("scale"), { hidden: !frame?.scores });
	put(byId("scale-low"), { textContent: low });
	put(byId("scale-high"), { textContent: high });
}

player.begin(draw);
followVisit(show);
followJobs((id, job) => job && all.find(({ run }) => run.job.id === id)?.update(job));
followService((isReached) => {
	if (isSilent !== isReached) return;
	isSilent = !isReached;
	repaint();
});
