// Media types, and JSON as text.

/**
 * @param {string} type media type, with or without parameters
 * @returns {boolean} whether it is JSON of some kind
 */
export function isJson(type) {
  return /^[^;]*[/+]json\b/.test(type);
}

/**
 * @param {string} type
 * @returns {boolean} whether people can read it as it is
 */
export function isText(type) {
  return isJson(type) || /^text\/|[/+](xml|yaml|javascript|x-ndjson|jsonl)\b/.test(type.replace(/^image\/.*/, ""));
}

/**
 * @param {string} type
 * @returns {boolean} whether it is a stream of server-sent events
 */
export function isEvents(type) {
  return /^text\/event-stream\b/.test(type);
}

/**
 * @param {string} type
 * @returns {string} how files of that type end, without the dot
 */
export function extension(type) {
  const subtype = type.split(";")[0].split("/")[1] ?? "";
  /** @type {Record<string, string>} */
  const special = { jpeg: "jpg", "octet-stream": "bin", "x-hdf5": "h5", "x-hdf": "h5" };
  return special[subtype] ?? subtype.replace(/\+.*/, "").replace(/^(x-|vnd\.).*/, "bin");
}

/**
 * JSON for people: lists of plain values stay on one line.
 * @param {unknown} value
 * @param {string} [indent]
 * @returns {string}
 */
export function pretty(value, indent = "") {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== "object" || item === null)) {
      return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
    }
    return `[\n${value.map((item) => deeper + pretty(item, deeper)).join(",\n")}\n${indent}]`;
  }
  const fields = Object.entries(value);
  if (fields.length === 0) return "{}";
  const lines = fields.map(([name, item]) => `${deeper}${JSON.stringify(name)}: ${pretty(item, deeper)}`);
  return `{\n${lines.join(",\n")}\n${indent}}`;
}

/**
 * @param {number} bytes
 * @returns {string}
 */
export function sizeWords(bytes) {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1e6)} MB`;
}
