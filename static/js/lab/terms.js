// What the words of the lab mean: each said once, behind a small button beside the word.

import { byId, make } from "../shared/dom.js";

/** Labels of fields have the field's name, other words the name in their data-term. */
/** @type {Record<string, [title: string, text: string]>} */
const TERMS = {
	model: [
		"GAN",
		"Two networks learn against each other: the generator makes up points, the discriminator tells them from real ones. The three GANs differ in the discriminator’s loss.",
	],
	made: ["Generator", "Makes points of random numbers. It never sees a real point: all it learns from are scores."],
	score: [
		"Discriminator, critic",
		"The network that scores every place, high where points look real. Colours show this landscape; generated points are pulled uphill. In a Wasserstein GAN it is called critic, and only differences of its scores count.",
	],
	losses: [
		"Losses",
		"What each network makes small. They work against each other, so losses need not fall: look at the points. The level of a Wasserstein loss means nothing, as a critic may add the same number to all scores.",
	],
	near: [
		"3 σ",
		"σ is how far real points scatter around a mode, where they crowd. In the plane, 98.9 % of them lie within 3 σ.",
	],
	modes_fairly_covered: [
		"Modes covered",
		"Modes are places where real points crowd. Covered are those where enough generated points lie.",
	],
	high_quality: ["Within 3 σ of a mode", "Share of 2,500 generated points that lie where real ones would."],
	reverse_kl: ["Reverse KL", "How unevenly the good points are shared out among the modes: 0 is even."],
	sliced_wasserstein: [
		"Sliced Wasserstein distance",
		"How far generated points must move to lie like the real ones, in the mean of many directions. Even between two sets of real points it is not 0.",
	],
	mean_squared_distance: ["Mean distance²", "Of 500 generated points from the cloud’s centre. Real ones have .1225."],
	barycentre_squared_distance: [
		"Distance² of the barycentre",
		"From the mean of 500 generated points to the cloud’s centre. Real ones have .0002.",
	],
	seed: ["Seed", "Decides every random number: points, first weights, batches. Same seed and settings, same run."],
	gen_shape: ["Layers", "How many numbers each layer has, from the random numbers to a point’s coordinates."],
	latent_type: ["Latent numbers", "The random numbers that the generator turns into points, and how they are drawn."],
	epochs: ["Epoch", "A stretch of the training. Epochs × steps an epoch are the steps of the run."],
	steps_per_epoch: ["Step", "The discriminator makes its updates, then the generator makes one."],
	batch_size: ["Batch", "How many real points, and how many generated ones, each update looks at."],
	learning_rate: [
		"Learning rate",
		"How far an update moves the weights. Too far, and nothing holds; too little, and nothing happens.",
	],
	beta_1: ["β₁", "How much of its last direction the optimizer, Adam, keeps. GANs like little."],
	beta_2: ["β₂", "How slowly Adam forgets how large the gradients were."],
	ema: ["EMA", "Shows a moving average of the generator’s weights: .999 averages about 1,000 steps. It is calmer."],
	lambda_gp: [
		"Penalty",
		"Between real and generated points the critic’s slope should be 1. The penalty is the mean of (slope − 1)²; λ is its weight.",
	],
	clip: [
		"Clipping",
		"Each update cuts the critic’s weights off at ± this, which keeps its slope finite. Tight bounds make it simple, wide ones let it saturate.",
	],
	critic_activation: ["tanh", "Holds scores between −1 and 1. At the ends it has no slope, and nothing is learnt."],
	manifold: ["Manifold", "Where the generator puts a regular net of latent numbers: how it folds and stretches them."],
	gradient: ["Gradient", "Which way, and how strongly, the generator’s loss pulls each point."],
};
const WIDTH = 320;
const ROOM = 8;

const card = byId("term"); // its focus lets it be read out, and goes back where it came from
/** @type {Element | undefined} whose word is explained */
let shown;

/** Make the button that explains a word, if there is something to say. @param {string} name */
export function explain(name) {
	const term = TERMS[name];
	if (!term) return [];
	const ariaLabel = `What is meant by “${term[0]}”?`;
	const button = make("button", { className: "term", type: "button", ariaLabel }, "?");
	button.popoverTargetElement = card;
	button.addEventListener("click", () => {
		if (shown !== button) card.hidePopover(); // what follows would only hide it
		shown = button;
		[byId("term-title").textContent, byId("term-text").textContent] = term;
		place(button.getBoundingClientRect());
	});
	return [button];
}

/** Put the card below a button, or above it in the lower half of the window. @param {DOMRect} button */
function place({ left, top, bottom }) {
	const width = document.documentElement.clientWidth;
	const isLow = top > innerHeight / 2;
	card.style.left = `${Math.max(ROOM, Math.min(left - ROOM, width - WIDTH - ROOM))}px`;
	card.style.top = `${scrollY + (isLow ? top - ROOM : bottom + ROOM)}px`;
	card.classList.toggle("above", isLow);
}

/** Explain the words that the page has. */
export function explainAll() {
	for (const label of document.querySelectorAll("label")) label.after(...explain(label.htmlFor));
	for (const word of document.querySelectorAll("[data-term]"))
		word.append(...explain(word.getAttribute("data-term") ?? ""));
}
