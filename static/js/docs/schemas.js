// What a schema asks for: in words, as rows of a table, as an example.

import { isObject } from "./description.js";

/** @typedef {import("./description.js").Description} Description */
/** @typedef {import("./description.js").Json} Json */
/**
 * @typedef {object} Row
 * @property {string} name with its path, such as `plan.steps` or `errors[].field`
 * @property {boolean} required
 * @property {Json} schema
 * @property {string} [heading] of the rows that follow, which one of several shapes has
 */

const DEEPEST = 6;
/** @type {Record<string, string>} */
const MANY = { object: "objects", list: "lists", string: "strings", number: "numbers", integer: "integers", boolean: "booleans" };

/**
 * A schema with its references followed, and without the null that only says "may be left out".
 * @param {Description} description
 * @param {unknown} node
 * @returns {Json}
 */
export function plain(description, node) {
  let schema = description.resolve(node);
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((/** @type {string} */ type) => type !== "null");
    schema = { ...schema, type: types.length === 1 ? types[0] : undefined };
  }
  const choices = choicesOf(schema);
  if (!choices) return schema;
  const { anyOf, oneOf, ...rest } = schema;
  const real = choices.map((choice) => description.resolve(choice)).filter((choice) => choice.type !== "null");
  if (real.length === 1) return { ...plain(description, real[0]), ...rest };
  return { ...rest, anyOf: real };
}

/**
 * The type, in words.
 * @param {Description} description
 * @param {unknown} node
 * @param {number} [depth]
 * @returns {string}
 */
export function typeWords(description, node, depth = 0) {
  const schema = plain(description, node);
  const choices = choicesOf(schema);
  if (choices) return [...new Set(choices.map((choice) => typeWords(description, choice, depth + 1)))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum && depth > 0) return schema.enum.map((/** @type {unknown} */ value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") {
    const count = span(schema.minItems, schema.maxItems);
    const items = depth < DEEPEST ? many(typeWords(description, schema.items, depth + 1)) : "";
    return `list${count && ` (${count})`}${items && ` of ${items}`}`;
  }
  const extra = schema.type === "object" && isObject(schema.additionalProperties) && depth < DEEPEST;
  if (extra) return `object of ${many(typeWords(description, schema.additionalProperties, depth + 1))}`;
  const word = schema.type ?? (schema.properties ? "object" : schema.enum ? "one of" : "anything");
  const format = schema.format && schema.format !== word ? ` (${schema.format})` : "";
  return word + format + (depth > 0 && rangeWords(schema) ? ` ${rangeWords(schema)}` : "");
}

/** @param {string} words */
function many(words) {
  return words.replace(/^(\w+)/, (word) => MANY[word] ?? word);
}

/**
 * The limits of a number or a text, in words; empty where there are none.
 * @param {Json} schema
 * @returns {string}
 */
export function rangeWords(schema) {
  const parts = [span(schema.minimum, schema.maximum)];
  if (schema.exclusiveMinimum !== undefined) parts.push(`> ${signed(schema.exclusiveMinimum)}`);
  if (schema.exclusiveMaximum !== undefined) parts.push(`< ${signed(schema.exclusiveMaximum)}`);
  if (schema.multipleOf !== undefined) parts.push(`multiple of ${schema.multipleOf}`);
  const length = span(schema.minLength, schema.maxLength);
  if (length) parts.push(`${length} characters`);
  if (schema.pattern) parts.push(`matches ${schema.pattern}`);
  return parts.filter(Boolean).join(", ");
}

/**
 * @param {number | undefined} from
 * @param {number | undefined} to
 */
function span(from, to) {
  if (from === undefined && to === undefined) return "";
  if (from === to) return signed(from);
  if (from === undefined) return `≤ ${signed(to)}`;
  return to === undefined ? `≥ ${signed(from)}` : `${signed(from)} … ${signed(to)}`;
}

/** @param {number | undefined} value */
function signed(value) {
  return String(value).replace(/^-/, "−");
}

/**
 * The fields of an object, those of the objects inside it included.
 * @param {Description} description
 * @param {unknown} node
 * @param {string} [prefix]
 * @param {unknown[]} [around] the fields of the objects that this one is in
 * @returns {Row[]} none where the schema has no fields, or those of an object that it is in
 */
export function rowsOf(description, node, prefix = "", around = []) {
  const schema = plain(description, node);
  if (around.length > DEEPEST || around.includes(schema.properties ?? schema)) return [];
  const inside = [...around, schema.properties ?? schema];
  if (schema.type === "array") return rowsOf(description, schema.items, `${prefix}[]`, inside);
  /** @type {Row[]} */
  const rows = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const path = prefix ? `${prefix}.${name}` : name;
    rows.push({ name: path, required: schema.required?.includes(name) ?? false, schema: plain(description, property) });
    rows.push(...rowsOf(description, property, path, inside));
  }
  const shapes = (choicesOf(schema) ?? []).map((choice) => plain(description, choice)).filter((choice) => choice.properties);
  for (const shape of shapes) {
    const heading = `${prefix ? `${prefix}: ` : ""}${shape.title ?? "one way"}`;
    rows.push({ name: "", required: false, schema: shape, heading }, ...rowsOf(description, shape, prefix, inside));
  }
  return rows;
}

/**
 * The examples that the document gives for a value.
 * @param {Json} holder a parameter, a media type or a schema
 * @returns {{ name: string, value: unknown }[]}
 */
export function examplesOf(holder) {
  if (Array.isArray(holder.examples)) return holder.examples.map((value, at) => ({ name: `Example ${at + 1}`, value }));
  if (isObject(holder.examples)) {
    return Object.entries(holder.examples)
      .filter(([, example]) => isObject(example) && "value" in example)
      .map(([name, example]) => ({ name: example.summary ?? name, value: example.value }));
  }
  return holder.example === undefined ? [] : [{ name: "Example", value: holder.example }];
}

/**
 * Make a value that fits: the given example or default, else the least that the schema asks for.
 * @param {Description} description
 * @param {unknown} node
 * @param {number} [depth]
 * @returns {unknown}
 */
export function exampleFor(description, node, depth = 0) {
  const schema = plain(description, node);
  const given = examplesOf(schema)[0];
  if (given) return given.value;
  for (const value of [schema.default, schema.const, schema.enum?.[0]]) if (value !== undefined) return value;
  if (depth > DEEPEST) return null;
  const choices = choicesOf(schema);
  if (choices) return exampleFor(description, choices[0], depth + 1);
  if (schema.type === "array") {
    return Array.from({ length: schema.minItems ?? 0 }, () => exampleFor(description, schema.items, depth + 1));
  }
  if (schema.type === "object" || schema.properties) {
    const needed = (schema.required ?? []).filter((/** @type {string} */ name) => name in (schema.properties ?? {}));
    return Object.fromEntries(
      needed.map((/** @type {string} */ name) => [name, exampleFor(description, schema.properties[name], depth + 1)]),
    );
  }
  return { string: "", boolean: false, integer: within(schema, 0), number: within(schema, 0) }[schema.type] ?? null;
}

/**
 * The number that fits and is closest to the one wished for.
 * @param {Json} schema
 * @param {number} wish
 * @returns {number}
 */
export function within(schema, wish) {
  const step = schema.multipleOf ?? (schema.type === "integer" ? 1 : 0.01);
  const least = Math.max(schema.minimum ?? -Infinity, (schema.exclusiveMinimum ?? -Infinity) + step);
  const most = Math.min(schema.maximum ?? Infinity, (schema.exclusiveMaximum ?? Infinity) - step);
  return Math.min(Math.max(wish, least), most);
}

/**
 * @param {Json} schema
 * @returns {unknown[] | undefined}
 */
function choicesOf(schema) {
  return schema.anyOf ?? schema.oneOf;
}
