// Points of one’s own: drawn, pasted, from a file, or those of a run, which the service has.

import { byId } from "../shared/dom.js";
import { forgive, complain as say } from "./complaints.js";
import { addressOf, pointsAt, pointsOf } from "./packing.js";
import { openPad, showPad } from "./pad.js";
import { lookAt } from "./service.js";
import { extremes } from "./stretches.js";
import { count, sentence } from "./words.js";

/** Points, which may be drawn; or a file, and what it holds; or the job that has them; or nothing, and why. */
/** @typedef {{points?: number[][], drawn?: boolean, file?: File, facts?: Preview, job?: Job, lack?: string}} Own */

const ELSEWHERE = "The points of this address are in the browser that made it, not here: draw, drop or paste others.";

const said = byId("own-said");
const name = byId("data_name", HTMLInputElement);
const text = byId("paste", HTMLTextAreaElement);

/** @type {Own} */
let own = {};
/** @type {Own[]} */
let past = [];
/** What an address says of them; not of a file, whose points the service has as soon as it is learnt. @type {Values} */
export let values = {};
let turn = 0; // files take time: only the last one counts
let onChange = () => {};

/** Let the reader bring points. @param {() => void} follower there are others */
export function begin(follower) {
	onChange = follower;
	openPad((points) => take({ points, drawn: true }));
	byId("undo").onclick = () => set(past.pop() ?? {});
	byId("clear").onclick = () => take({});
	const file = byId("file", HTMLInputElement);
	file.onchange = () => file.files?.[0] && read(file.files[0]);
	const form = byId("settings");
	form.ondragover = (event) => event.preventDefault();
	form.ondrop = (event) => {
		const dropped = event.dataTransfer?.files[0];
		if (!dropped) return;
		event.preventDefault();
		form.querySelector("input[value=own]")?.dispatchEvent(new MouseEvent("click"));
		void read(dropped);
	};
	text.onchange = paste;
	text.onpaste = () => setTimeout(paste);
	show();
}

/** How many there are, and of how many numbers each. */
export function factsOf() {
	const { points, facts, job } = own;
	if (points?.length) return { rows: points.length, dimensions: points[0].length };
	if (facts || !job?.data) return facts;
	return { rows: job.data.rows ?? 0, dimensions: job.data.dimensions ?? 0 };
}

/** What to send for them. @returns {{data?: object, normalize?: boolean, file?: File}} */
export function parcel() {
	const { points, drawn, file, job } = own;
	const title = name.value.trim();
	if (file) {
		const stem = (title || "points").replaceAll("/", "-");
		return { file: new File([file], stem + file.name.replace(/.*(?=\.)/, "")) };
	}
	if (!points?.length) return { data: { job: job?.id } };
	return { data: { points, ...(title && { name: title }) }, ...(drawn && { normalize: false }) };
}

/** Why there are none. */
export const lack = () => own.lack ?? "Draw, drop or paste points first.";

/** Show the points of an address, else those of a run. @type {(given: Values, job?: Job) => void} */
export function load({ points, kept }, job) {
	if ((points || kept) && points === values.points && kept === values.kept) return; // they are there
	const found = pointsAt({ points, kept });
	turn += 1;
	past = [];
	values = !found ? {} : points ? { points } : { kept };
	own = found ?? { job, lack: points || kept ? ELSEWHERE : undefined };
	show();
}

/** Say what is wrong with them. @param {unknown} problem */
export function complain(problem) {
	say("own-error", problem);
	return text;
}

/** Numbers are points; of anything else, the service knows more. */
function paste() {
	const points = pointsOf(text.value);
	if (points) {
		take({ points });
		text.value = "";
	} else if (text.value.trim()) void read(new File([text.value], "pasted.csv"));
}

/** Take a file: the service says what it holds. @param {File} file */
async function read(file) {
	const mine = ++turn;
	said.textContent = `Reading ${file.name} …`;
	try {
		const facts = await lookAt(file);
		if (mine !== turn) return;
		name.value = facts.name ?? "";
		take({ file, facts });
	} catch (error) {
		show();
		complain(error);
	}
}

/** Take points, in place of those that there are. @param {Own} taken */
function take(taken) {
	past.push(own);
	set(taken);
}

/** @param {Own} taken */
function set(taken) {
	turn += 1;
	own = taken;
	values = own.points?.length ? addressOf(own.points, own.drawn) : {};
	show();
	onChange();
}

function show() {
	const { points = [], drawn, facts, file } = own;
	showPad(drawn ? points : inSquare(facts?.points ?? points), !file && (drawn || points.length === 0));
	byId("undo", HTMLButtonElement).disabled = past.length === 0;
	byId("clear", HTMLButtonElement).disabled = !factsOf();
	byId("pad-empty").hidden = points.length > 0 || Boolean(file);
	said.textContent = words();
	forgive("own-error");
}

function words() {
	const { facts: read, job } = own;
	const facts = factsOf();
	if (!facts) return own.lack ?? "No points yet.";
	const size = `${numbered(facts.rows, "point")} in ${numbered(facts.dimensions, "dimension")}`;
	if (job) return `The ${size} of the run that is shown.`;
	const { titles, skipped = [], warnings = [] } = read ?? {};
	const columns = titles ? [`columns ${titles.join(", ")}`] : [];
	const parts = [size, ...columns, ...skipped.map((one) => `not among them: ${one}`), ...warnings];
	return parts.map((one) => `${sentence(one)}.`).join(" ");
}

/** @type {(amount: number, noun: string) => string} */
const numbered = (amount, noun) => `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;

/** The first two coordinates of points, in the unit square. @param {number[][]} points */
function inSquare(points) {
	const ends = [0, 1].map((axis) => extremes(points.map((point) => point[axis] ?? 0)));
	return points.map((point) =>
		ends.map(([low, high], axis) => (high > low ? 0.05 + (0.9 * (point[axis] - low)) / (high - low) : 0.5)),
	);
}
