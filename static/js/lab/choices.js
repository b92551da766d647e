// The toy data to choose from, each with a picture of 16 × 16 pixels.

import { OWN } from "./settings.js";
import { DATA } from "./words.js";

const SIDE = 16;
const MIDDLE = (SIDE - 1) / 2;
const FULL_CIRCLE = 2 * Math.PI;

/** @typedef {[number, number]} Place column and row of a pixel, from above */

/** @type {Record<string, () => Place[]>} */
const PICTURES = {
  circle: () => along(120, (t) => around(FULL_CIRCLE * t, 6.49)),
  four_clouds: () => lattice([2, 10]).flatMap(cloud),
  ring8: () =>
    along(8, (t) => pixel(7 + 5.6 * Math.cos(FULL_CIRCLE * t), 7 + 5.6 * Math.sin(FULL_CIRCLE * t))).flatMap(dot),
  grid25: () => lattice([1, 4, 7, 10, 13]).flatMap(dot),
  swiss_roll: () => along(160, (t) => around(Math.PI * (1.5 + 3 * t), 6.8 * (0.33 + 0.67 * t))),
  moons: () => [
    ...along(60, (t) => pixel(MIDDLE - 2.2 + 4.2 * Math.cos(Math.PI * t), MIDDLE + 1 - 4.4 * Math.sin(Math.PI * t))),
    ...along(60, (t) => pixel(MIDDLE + 2.2 - 4.2 * Math.cos(Math.PI * t), MIDDLE - 1 + 4.4 * Math.sin(Math.PI * t))),
  ],
  corner_cloud: () => cloud([10, 2]),
  [OWN]: () => [
    [3, 12],
    [4, 9],
    [5, 11],
    [6, 8],
    [7, 10],
    [8, 6],
    [9, 8],
    [10, 4],
    [11, 6],
    [12, 3],
  ],
};

/**
 * Make the choices. The last one, for a run's own points, is hidden until there is such a run.
 * @param {string} chosen
 * @returns {HTMLElement[]}
 */
export function dataChoices(chosen) {
  const own = choice(OWN, "own points", false);
  own.id = "own-points";
  own.hidden = true;
  return [...[...DATA].map(([value, name]) => choice(value, name, value === chosen)), own];
}

/**
 * @param {string} value
 * @param {string} name
 * @param {boolean} chosen
 */
function choice(value, name, chosen) {
  const label = document.createElement("label");
  const radio = document.createElement("input");
  radio.type = "radio";
  radio.name = "data";
  radio.value = value;
  radio.defaultChecked = chosen;
  const text = document.createElement("span");
  text.textContent = name;
  label.className = "choice";
  label.append(radio, picture(PICTURES[value]()), text);
  return label;
}

/** @param {Place[]} places */
function picture(places) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  drawing.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
  drawing.setAttribute("aria-hidden", "true");
  path.setAttribute("d", places.map(([x, y]) => `M${x} ${y}h1v1h-1z`).join(""));
  drawing.append(path);
  return drawing;
}

/**
 * @param {number} amount
 * @param {(t: number) => Place} curve
 */
function along(amount, curve) {
  return Array.from({ length: amount }, (_, i) => curve(i / amount));
}

/**
 * @param {number} angle
 * @param {number} radius
 */
function around(angle, radius) {
  return pixel(MIDDLE + radius * Math.cos(angle), MIDDLE - radius * Math.sin(angle));
}

/**
 * @param {number} x
 * @param {number} y
 * @returns {Place}
 */
function pixel(x, y) {
  return [Math.round(x), Math.round(y)];
}

/** @param {number[]} places */
function lattice(places) {
  return places.flatMap((x) => places.map((y) => /** @type {Place} */ ([x, y])));
}

/**
 * @param {Place} place
 * @returns {Place[]}
 */
function dot([x, y]) {
  return [
    [x, y],
    [x + 1, y],
    [x, y + 1],
    [x + 1, y + 1],
  ];
}

/**
 * @param {Place} place
 * @returns {Place[]} a square of 4 × 4 without its corners
 */
function cloud([left, top]) {
  const middle = (/** @type {number} */ i) => i === 1 || i === 2;
  return lattice([0, 1, 2, 3]).flatMap(([x, y]) =>
    middle(x) || middle(y) ? [/** @type {Place} */ ([left + x, top + y])] : [],
  );
}
