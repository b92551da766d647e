// The data that several scripts share. Only the type checker reads this file.

/** What makes a face: its seed, a whole number 0 … 2^53 − 1, and how far it is from the average face, 0 … 1. */
type Face = { seed: number; truncation: number };

/** The way from a face to another seed: the one that was just played, else the one that a morph would play. */
type Walk = { from: Face; to: number };

/** Where the service has pictures. Those that are given away name no weights, so they work for good. */
type Addresses = {
	/** The page with a face. */
	page(face: Face): string;
	/** A face, 16 pixels large. */
	face(face: Face): string;
	/** To give away. */
	portrait(face: Face, size: number): string;
	/** Faces side by side, whose seeds follow one by one. */
	sheet(first: Face, count: number): string;
	/** The frames of a walk, side by side. */
	walk(walk: Walk, steps: number): string;
	/** An animation to give away. */
	gif(walk: Walk): string;
};

/** A job as the service describes it. What is stored may be unreadable; then its settings are null. */
type Job = {
	id: string;
	name: string | null;
	owner: string | null;
	status: string;
	phase: string | null;
	step: number;
	steps: number;
	first_step: number;
	created: string;
	weights_step: number | null;
	seconds: number;
	queue_position: number | null;
	estimated_start: string | null;
	warnings: Record<string, string>;
	error: string | null;
	parent: { id: string; step: number } | null;
	checkpoints: number[];
	model: string | null;
	data: {
		name?: string;
		rows?: number;
		dimensions?: number;
		size?: number;
		noise?: number | null;
		titles?: string[] | null;
		/** From the networks’ 0 … 1 to the units of own points, by column. */
		transform?: { scale: number[]; offset: number[] } | null;
	} | null;
	views?: string[];
	seed: number | null;
	[setting: string]: unknown;
};

/** A run that is known to work; `job` is the body that starts it. */
type Preset = {
	name: string;
	title: string;
	watch: string;
	job: {
		model: string;
		data: { name: string; size: number };
		epochs: number;
		steps_per_epoch: number;
		[setting: string]: unknown;
	};
};

/** What the service finds in a file of points; `points` are some of them. */
type Preview = {
	name: string | null;
	rows: number;
	dimensions: number;
	titles: string[] | null;
	skipped: string[];
	warnings: string[];
	points: number[][];
};

type Network = { widths: number[]; weights: number };

/** How large a run would be; the memory in bytes. */
type Estimate = { steps: number; generator: Network; discriminator: Network; memory: number };

type JobPage = { jobs: Job[]; next: string | null };

/** Which jobs: whose, and words that occur in what they are called. */
type Which = { owner?: string; search?: string };

/** What the lab asks of the training service. */
type Service = {
	/** Start a job; a file has the points, in place of the data. The same key never starts a second one. */
	submit(body: object, file?: File, key?: string): Promise<Job>;
	/** What a file of points holds. */
	lookAt(file: File): Promise<Preview>;
	/** How large a run would be; `own` are points that are not in the body. */
	check(body: object, own?: { rows: number; dimensions: number }): Promise<Estimate>;
	/** The runs that are known to work. */
	presets(): Promise<Preset[]>;
	/** Jobs, newest first, after the page whose `next` it is. */
	list(part: Which & { limit: number; after?: string | null; statuses?: string[] }): Promise<JobPage>;
	newest(count: number, which: Which): Promise<JobPage>;
	/** A job, unless it was deleted. */
	lookFor(id: string): Promise<Job | undefined>;
	act(id: string, action: string, body?: object): Promise<Job>;
	rename(id: string, name: string | null): Promise<Job>;
	/** Delete up to 100 jobs, as far as they have ended. */
	deleteJobs(ids: string[]): Promise<unknown>;
	/** Points that the generator of a job makes. */
	samples(id: string, count: number): Promise<number[][]>;
	history(id: string): Promise<LossHistory>;
	eventsAfter(id: string, after: number): Promise<{ events: EventOfJob[]; ended: boolean }>;
};

/** An event; its data depend on its kind. */
type EventOfJob = { id: number; event: string; data: unknown };

/** Losses of every step, by their names. */
type LossHistory = { first_step: number; losses: Record<string, number[]> };

/** Settings by name, as texts; those that are left out have their defaults. */
type Values = Record<string, string>;

/** Points, one after the other. */
type Points = { count: number; dimensions: number; values: Float64Array };

/** Points of a line or a grid, row by row. */
type Net = Points & { columns: number };

type Interval = [low: number, high: number];

/** The real points, and what is known of them. */
type Real = {
	points: Points;
	/** Of an example; the points may have only the first few of them. */
	dimensions: number;
	/** What the picture shows, by coordinate. */
	box: Interval[];
	modes: number[][] | null;
	/** Distance from a mode that counts as near: 3 σ. */
	radius: number;
	/** Whether they are the caller's, in units that the picture has to tell. */
	own: boolean;
};

/** What the networks could do at a step. */
type Frame = {
	/** With a half, the discriminator has made its updates of the next step, and the generator not. */
	step: number;
	/** Generated points; the same place always holds the point of the same latent vector. */
	made: Points;
	/** The discriminator's, row by row from the bottom of the box. */
	scores: Float32Array | null;
	/** Rows and columns of the scores. */
	side: number;
	/** Of the scores. */
	range: Interval;
	figures: Record<string, number | null>;
	/** Whether each mode has its fair share of the generated points. */
	covered: boolean[] | null;
	/** The generator's image of a line or a grid of latent numbers. */
	manifold: Net | null;
	/** Where the generator's loss pulls the first generated points: steps from them. */
	pull: Points | null;
};

/**
 * A moment between two frames: share 0 is the first, 1 the second. In slow motion the critic goes ahead: its share is
 * that of the scores, the other one that of the points.
 */
type Moment = { from: Frame; to: Frame; share: number; critic?: number };

/** What of a run the picture shows: names of layers, and of axes. */
type Seen = { layers: ReadonlySet<string>; axes: string };

/** An axis of a picture, 0 … 1: a factor for each coordinate, and where 0 lies. */
type Line = { factors: number[]; origin: number };

/** The plane of a picture in pixels, first across, then down. */
type Plane = { factors: number[][]; origin: number[] };

/** Losses by their names. */
type Losses = { steps: number[]; values: Record<string, number[]> };

/** What is said of the generator of a frame: a figure, and how it is written. */
type Reading = { name: string; label: string; text: string; value: number | null };

type Run = import("./static/js/lab/run.js").Run;

type Context = CanvasRenderingContext2D;

/** Paints on a canvas that is so large, in CSS pixels. */
type Painter = (context: Context, width: number, height: number) => void;

/** A picture that is being drawn, in CSS pixels; the size is that of a point. */
type View = { context: Context; width: number; height: number; size: number; real: Real; axes: string; plane: Plane };
