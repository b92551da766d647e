// Points of one’s own: drawn, pasted, from a file, or those of a run, which the service has.

import { byId } from "../shared/dom.js";
import { complain, forgive } from "./complaints.js";
import { addressOf, pointsAt, pointsOf } from "./packing.js";
import { Pad } from "./pad.js";
import { lookAt } from "./service.js";
import { extremes } from "./stretches.js";
import { count, sentence } from "./words.js";

/** Points, which may be drawn; or a file, and what it holds; or the job that has them; or nothing, and why. */
/** @typedef {{points?: number[][], drawn?: boolean, file?: File, facts?: Preview, job?: Job, lack?: string}} Own */

const ELSEWHERE = "The points of this address are in the browser that made it, not here: draw, drop or paste others.";

export class OwnData {
	/** @type {Own} */
	#own = {};
	/** @type {Own[]} */
	#past = [];
	/** What an address says of them; not of a file, whose points the service has as soon as it is learnt. @type {Values} */
	values = {};
	/** Files take time: only the last one counts. */
	#turn = 0;
	#said = byId("own-said");
	#name = byId("data_name", HTMLInputElement);
	#pad = new Pad(byId("pad", HTMLCanvasElement), (points) => this.#take({ points, drawn: true }));

	/** @param {() => void} onChange there are other points */
	constructor(onChange) {
		this.onChange = onChange;
		byId("eraser").onclick = () => {
			this.#pad.erasing = !this.#pad.erasing;
			this.#show();
		};
		byId("undo").onclick = () => this.#set(this.#past.pop() ?? {});
		byId("clear").onclick = () => this.#take({});
		const file = byId("file", HTMLInputElement);
		file.onchange = () => file.files?.[0] && this.read(file.files[0]);
		const form = byId("settings");
		form.ondragover = (event) => event.preventDefault();
		form.ondrop = (event) => {
			const dropped = event.dataTransfer?.files[0];
			if (!dropped) return;
			event.preventDefault();
			form.querySelector("input[value=own]")?.dispatchEvent(new MouseEvent("click"));
			void this.read(dropped);
		};
		const text = byId("paste", HTMLTextAreaElement);
		text.onchange = () => this.#paste(text);
		text.onpaste = () => setTimeout(() => this.#paste(text));
		this.#show();
	}

	/** How many there are, and of how many numbers each. */
	get facts() {
		const { points, facts, job } = this.#own;
		if (points?.length) return { rows: points.length, dimensions: points[0].length };
		if (facts || !job?.data) return facts;
		return { rows: job.data.rows ?? 0, dimensions: job.data.dimensions ?? 0 };
	}

	/** What to send for them. @returns {{data?: object, normalize?: boolean, file?: File}} */
	get parcel() {
		const { points, drawn, file, job } = this.#own;
		const name = this.#name.value.trim();
		if (file)
			return { file: new File([file], (name || "points").replaceAll("/", "-") + file.name.replace(/.*(?=\.)/, "")) };
		if (!points?.length) return { data: { job: job?.id } };
		return { data: { points, ...(name && { name }) }, ...(drawn && { normalize: false }) };
	}

	/** Why there are none. */
	get lack() {
		return this.#own.lack ?? "Draw, drop or paste points first.";
	}

	/**
	 * Show the points of an address, else those of a run.
	 * @param {Values} values
	 * @param {Job} [job]
	 */
	load({ points, kept }, job) {
		if ((points || kept) && points === this.values.points && kept === this.values.kept) return; // they are there
		const found = pointsAt({ points, kept });
		this.#turn += 1;
		this.#past = [];
		this.values = !found ? {} : points ? { points } : { kept };
		this.#own = found ?? { job, lack: points || kept ? ELSEWHERE : undefined };
		this.#show();
	}

	/** Say what is wrong with them. @param {unknown} problem */
	complain(problem) {
		complain("own-error", problem);
		return byId("paste");
	}

	forgive() {
		forgive("own-error");
	}

	/** Numbers are points; of anything else, the service knows more. @param {HTMLTextAreaElement} text */
	#paste(text) {
		const points = pointsOf(text.value);
		if (points) this.#take({ points });
		else if (text.value.trim()) void this.read(new File([text.value], "pasted.csv"));
		if (points) text.value = "";
	}

	/** Take a file: the service says what it holds. @param {File} file */
	async read(file) {
		const turn = ++this.#turn;
		this.#said.textContent = `Reading ${file.name} …`;
		try {
			const facts = await lookAt(file);
			if (turn !== this.#turn) return;
			this.#name.value = facts.name ?? "";
			this.#take({ file, facts });
		} catch (error) {
			this.#show();
			this.complain(error);
		}
	}

	/** Take points, in place of those that there are. @param {Own} own */
	#take(own) {
		this.#past.push(this.#own);
		this.#set(own);
	}

	/** @param {Own} own */
	#set(own) {
		this.#turn += 1;
		this.#own = own;
		this.values = own.points?.length ? addressOf(own.points, own.drawn) : {};
		this.#show();
		this.onChange();
	}

	#show() {
		const { points = [], drawn, facts, file } = this.#own;
		const isOpen = !file && (drawn || points.length === 0);
		this.#pad.show(drawn ? points : inSquare(facts?.points ?? points), isOpen);
		const eraser = byId("eraser", HTMLButtonElement);
		eraser.ariaPressed = String(this.#pad.erasing);
		eraser.disabled = !isOpen;
		byId("undo", HTMLButtonElement).disabled = this.#past.length === 0;
		byId("clear", HTMLButtonElement).disabled = !this.facts;
		byId("pad-empty").hidden = points.length > 0 || Boolean(file);
		this.#said.textContent = this.#words();
		forgive("own-error");
	}

	#words() {
		const { facts: read, job } = this.#own;
		if (!this.facts) return this.#own.lack ?? "No points yet.";
		const { rows, dimensions } = this.facts;
		const size = `${count(rows)} point${rows === 1 ? "" : "s"} in ${dimensions} dimension${dimensions === 1 ? "" : "s"}`;
		if (job) return `The ${size} of the run that is shown.`;
		const { titles, skipped = [], warnings = [] } = read ?? {};
		const columns = titles ? [`columns ${titles.join(", ")}`] : [];
		const parts = [size, ...columns, ...skipped.map((one) => `not among them: ${one}`), ...warnings];
		return parts.map((one) => `${sentence(one)}.`).join(" ");
	}
}

/** The first two coordinates of points, in the unit square. @param {number[][]} points */
function inSquare(points) {
	const ends = [0, 1].map((axis) => extremes(points.map((point) => point[axis] ?? 0)));
	return points.map((point) =>
		ends.map(([low, high], axis) => (high > low ? 0.05 + (0.9 * (point[axis] - low)) / (high - low) : 0.5)),
	);
}
