// The controls of a form: one a parameter, and a text area for the body.

import { el } from "./elements.js";
import { isJson, isText, pretty } from "./media.js";
import { exampleFor, examplesOf, plain, within } from "./schemas.js";

/** @typedef {import("./description.js").Description} Description */
/** @typedef {import("./description.js").Json} Json */
/** @typedef {import("./description.js").Operation} Operation */
/** @typedef {import("./description.js").Parameter} Parameter */
/** @typedef {HTMLInputElement | HTMLSelectElement} Control */
/**
 * @typedef {object} Field
 * @property {Parameter} parameter
 * @property {Json} schema
 * @property {Control | undefined} control none for what only the browser may set
 */
/**
 * @typedef {object} BodyField
 * @property {string} type media type
 * @property {Json} schema
 * @property {HTMLTextAreaElement | undefined} area none where the body is no text
 * @property {HTMLSelectElement | undefined} choice of examples, where there are several
 */

const MOST_LINES = 14;

/**
 * Make the controls of the parameters.
 * @param {Description} description
 * @param {Operation} operation
 * @returns {Field[]}
 */
export function parameterFields(description, operation) {
  let numbers = 0;
  return operation.parameters.map((parameter) => {
    const schema = plain(description, parameter.schema ?? Object.values(parameter.content ?? {})[0]?.schema);
    if (parameter.in === "cookie") return { parameter, schema, control: undefined };
    const control = controlFor(schema, parameter.required ?? false);
    control.id = `${operation.id}-${parameter.in}-${parameter.name}`;
    control.setAttribute("name", parameter.name);
    if (parameter.required) {
      control.required = true;
      // Different numbers, so that "from" and "to" are not the same.
      if (isNumber(schema)) numbers += 1;
      const start = examplesOf(parameter)[0]?.value ?? startOf(description, schema, numbers);
      control.value = typeof start === "object" ? JSON.stringify(start) : String(start);
    }
    return { parameter, schema, control };
  });
}

/**
 * @param {Description} description
 * @param {Json} schema
 * @param {number} wish
 */
function startOf(description, schema, wish) {
  if (isNumber(schema) && schema.default === undefined && !examplesOf(schema).length) return within(schema, wish);
  return exampleFor(description, schema) ?? "";
}

/**
 * @param {Json} schema
 * @param {boolean} required
 * @returns {Control}
 */
function controlFor(schema, required) {
  const choices = schema.type === "boolean" ? [true, false] : schema.enum;
  if (choices) return choiceOf(choices, schema.default, required);
  const placeholder = schema.default === undefined || schema.default === null ? undefined : String(schema.default);
  if (!isNumber(schema)) {
    const { minLength: minlength, maxLength: maxlength } = schema;
    return el("input", { class: "field", type: "text", autocomplete: "off", spellcheck: "false", minlength, maxlength, placeholder });
  }
  const whole = schema.type === "integer";
  const nudge = whole ? 1 : 0;
  return el("input", {
    class: "field",
    type: "number",
    autocomplete: "off",
    min: schema.minimum ?? plus(schema.exclusiveMinimum, nudge),
    max: schema.maximum ?? plus(schema.exclusiveMaximum, -nudge),
    step: whole ? (schema.multipleOf ?? 1) : "any",
    placeholder,
  });
}

/**
 * @param {unknown[]} values
 * @param {unknown} standard
 * @param {boolean} required
 */
function choiceOf(values, standard, required) {
  const select = el("select", { class: "button" });
  if (!required) {
    const known = standard !== undefined && standard !== null;
    select.append(el("option", { value: "" }, known ? `${standard} (default)` : "–"));
  }
  const rest = required ? values : values.filter((value) => value !== standard && value !== null);
  select.append(...rest.map((value) => el("option", { value: String(value) }, String(value))));
  return select;
}

/**
 * Make the text area of the body, with its example in it.
 * @param {Description} description
 * @param {Operation} operation
 * @returns {BodyField | undefined}
 */
export function bodyField(description, operation) {
  /** @type {[string, Json][]} */
  const contents = Object.entries(operation.body?.content ?? {});
  const [type, media] = contents.find(([each]) => isJson(each)) ?? contents.find(([each]) => isText(each)) ?? contents[0] ?? [];
  if (!type || !media) return undefined;
  const schema = plain(description, media.schema);
  if (!isText(type)) return { type, schema, area: undefined, choice: undefined };

  const given = [...examplesOf(media), ...examplesOf(schema)];
  const examples = given.length > 0 ? given : [{ name: "Example", value: exampleFor(description, schema) }];
  const texts = examples.map(({ value }) => (typeof value === "string" && !isJson(type) ? value : pretty(value)));
  const area = el("textarea", { class: "field", id: `${operation.id}-body`, spellcheck: "false", autocomplete: "off" });
  fill(area, texts[0]);
  if (examples.length === 1) return { type, schema, area, choice: undefined };

  const options = examples.map(({ name }, at) => el("option", { value: at }, name));
  const choice = el("select", { class: "button", "aria-label": "Example" }, options);
  choice.addEventListener("change", () => fill(area, texts[Number(choice.value)]));
  return { type, schema, area, choice };
}

/**
 * @param {HTMLTextAreaElement} area
 * @param {string} text
 */
function fill(area, text) {
  area.value = text;
  area.rows = Math.min(text.split("\n").length + 1, MOST_LINES);
}

/** @param {Json} schema */
function isNumber(schema) {
  return schema.type === "integer" || schema.type === "number";
}

/**
 * @param {number | undefined} limit
 * @param {number} nudge
 */
function plus(limit, nudge) {
  return limit === undefined ? undefined : limit + nudge;
}
