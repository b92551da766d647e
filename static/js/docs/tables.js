// Parameters, fields and headers as tables.

import { el, inline, table } from "./elements.js";
import { examplesOf, rangeWords, rowsOf, typeWords } from "./schemas.js";

/** @typedef {import("./description.js").Description} Description */
/** @typedef {import("./description.js").Json} Json */
/** @typedef {import("./elements.js").Child} Child */
/** @typedef {import("./fields.js").Field} Field */

/**
 * The parameters, each with the control that gives it a value.
 * @param {Description} description
 * @param {Field[]} fields
 * @returns {HTMLTableElement}
 */
export function parameterTable(description, fields) {
  const rows = fields.map(({ parameter, schema, control }) => {
    const name = control ? el("label", { for: control.id }, el("code", {}, parameter.name)) : el("code", {}, parameter.name);
    const place = parameter.in + (parameter.required ? ", required" : "");
    return [
      [name, el("span", { class: "place" }, place)],
      takes(description, schema, examplesOf(parameter)),
      inline(parameter.description ?? schema.description ?? ""),
      [control ?? el("span", { class: "help" }, "sent by the browser itself")],
    ];
  });
  return table("Parameters", "parameters", ["Parameter", "Takes", "Meaning", "Value"], rows);
}

/**
 * The fields of a JSON body.
 * @param {Description} description
 * @param {unknown} schema
 * @param {string} label
 * @returns {HTMLElement | null} null where it has no fields to list
 */
export function fieldTable(description, schema, label) {
  const rows = rowsOf(description, schema);
  if (rows.length === 0) return null;
  return table(label, "fields", ["Field", "Type", "Meaning"], rows.map((row) => {
    if (row.heading) return [[el("span", { class: "shape" }, row.heading)], [], inline(row.schema.description ?? "")];
    return [
      [el("code", {}, row.name), row.required ? el("span", { class: "place" }, "required") : null],
      takes(description, row.schema, []),
      inline(row.schema.description ?? ""),
    ];
  }));
}

/**
 * The headers of an answer.
 * @param {Description} description
 * @param {Json} headers
 * @returns {HTMLElement}
 */
export function headerTable(description, headers) {
  const rows = Object.entries(headers).map(([name, header]) => [
    [el("code", {}, name)],
    inline(description.resolve(header).description ?? ""),
  ]);
  return table("Headers", "headers", ["Header", "Meaning"], rows);
}

/**
 * What a value may be: type, range, choices, default, example.
 * @param {Description} description
 * @param {Json} schema
 * @param {{ value: unknown }[]} examples beside those of the schema
 * @returns {Child[]}
 */
function takes(description, schema, examples) {
  const lines = [schema.enum ? values("one of", schema.enum) : line(typeWords(description, schema), rangeWords(schema))];
  if (schema.default !== undefined && schema.default !== null) lines.push(values("default", [schema.default]));
  const given = [...examples, ...examplesOf(schema)].map(({ value }) => value).filter((value) => typeof value !== "object");
  if (given.length > 0) lines.push(values("such as", given.slice(0, 3)));
  return lines;
}

/**
 * @param {string} type
 * @param {string} range
 */
function line(type, range) {
  return el("span", { class: "line" }, range ? `${type}, ${range}` : type);
}

/**
 * @param {string} before
 * @param {unknown[]} list
 */
function values(before, list) {
  const codes = list.flatMap((value, at) => [at ? ", " : "", el("code", {}, shown(value))]);
  return el("span", { class: "line" }, `${before} `, codes);
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === "string" && value ? value : JSON.stringify(value);
}
