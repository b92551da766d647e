// The OpenAPI document: its references followed, its operations listed.

/** @typedef {Record<string, any>} Json */
/** @typedef {Json & { name: string, in: string, required?: boolean, description?: string }} Parameter */
/**
 * @typedef {object} Operation
 * @property {string} id of its place on the page
 * @property {string} method in capitals
 * @property {string} path
 * @property {string} tag
 * @property {string | undefined} summary
 * @property {string | undefined} description
 * @property {boolean} deprecated
 * @property {Parameter[]} parameters
 * @property {Json | undefined} body
 * @property {[string, Json][]} responses by status
 */

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options", "trace"];

export class Description {
  /** @type {WeakMap<object, Json>} */
  #targets = new WeakMap();

  /** @param {Json} document a parsed OpenAPI 3 document */
  constructor(document) {
    this.document = document;
    this.#follow(document, {});
  }

  /** Where its paths begin, without a slash at the end. */
  get server() {
    const url = new URL(this.document.servers?.[0]?.url ?? "/", location.href);
    return url.href.replace(/\/$/, "");
  }

  /**
   * Follow references, and take `allOf` together.
   * @param {unknown} node
   * @returns {Json} an empty object where there is nothing, or a schema that is only true or false
   */
  resolve(node) {
    let result = isObject(node) ? node : {};
    for (let depth = 0; this.#targets.has(result) && depth < 20; depth += 1) {
      const { $ref, ...beside } = result;
      const target = /** @type {Json} */ (this.#targets.get(result));
      result = Object.keys(beside).length ? this.#beside(target, beside) : target;
    }
    if (!Array.isArray(result.allOf)) return result;
    const { allOf, ...rest } = result;
    return [...allOf.map((part) => this.resolve(part)), rest].reduce(merged, {});
  }

  /**
   * @param {Json} target
   * @param {Json} beside what stands next to the reference
   */
  #beside(target, beside) {
    const both = { ...target, ...beside };
    const next = this.#targets.get(target);
    if (next) this.#targets.set(both, next);
    return both;
  }

  /** @returns {Operation[]} in the document's order */
  get operations() {
    return Object.entries(this.document.paths ?? {}).flatMap(([path, item]) => {
      const calls = this.resolve(item);
      return METHODS.filter((method) => isObject(calls[method])).map((method) => this.#operation(path, method, calls));
    });
  }

  /** @returns {{ name: string, description: string | undefined, operations: Operation[] }[]} */
  get tags() {
    const operations = this.operations;
    const declared = (this.document.tags ?? []).map((/** @type {Json} */ tag) => tag.name);
    const names = new Set([...declared, ...operations.map((operation) => operation.tag)]);
    return [...names]
      .map((name) => ({
        name,
        description: (this.document.tags ?? []).find((/** @type {Json} */ tag) => tag.name === name)?.description,
        operations: operations.filter((operation) => operation.tag === name),
      }))
      .filter((tag) => tag.operations.length > 0);
  }

  /**
   * @param {string} path
   * @param {string} method
   * @param {Json} item the path's entry
   * @returns {Operation}
   */
  #operation(path, method, item) {
    const call = item[method];
    const parameters = new Map();
    for (const each of [...(item.parameters ?? []), ...(call.parameters ?? [])]) {
      const parameter = this.resolve(each);
      parameters.set(`${parameter.in} ${parameter.name}`, parameter);
    }
    return {
      id: `${method}-${path}`.replace(/[^\w.]+/g, "-").replace(/-$/, ""),
      method: method.toUpperCase(),
      path,
      tag: call.tags?.[0] ?? "other",
      summary: wordsOfItsOwn(call),
      description: call.description,
      deprecated: call.deprecated === true,
      parameters: [...parameters.values()],
      body: call.requestBody && this.resolve(call.requestBody),
      responses: Object.entries(call.responses ?? {}).map(([status, response]) => [status, this.resolve(response)]),
    };
  }

  /**
   * Note where each reference leads. `#/$defs/…` is looked up in the nearest `$defs` around it as well: a schema that
   * was made by itself and then put into the document brings its own.
   * @param {unknown} node
   * @param {Json} definitions
   */
  #follow(node, definitions) {
    if (typeof node !== "object" || node === null) return;
    const known = isObject(node) && isObject(node.$defs) ? { ...definitions, ...node.$defs } : definitions;
    if (isObject(node) && typeof node.$ref === "string") {
      const target = this.#lookUp(node.$ref) ?? known[node.$ref.replace("#/$defs/", "")];
      if (isObject(target)) this.#targets.set(node, target);
    }
    for (const child of Object.values(node)) this.#follow(child, known);
  }

  /** @param {string} pointer */
  #lookUp(pointer) {
    const steps = pointer.replace(/^#\//, "").split("/");
    return steps.reduce(
      (/** @type {any} */ node, step) => node?.[decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")],
      this.document,
    );
  }
}

/**
 * @param {unknown} value
 * @returns {value is Json}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {Json} one
 * @param {Json} other
 */
function merged(one, other) {
  const both = { ...one, ...other };
  if (one.properties && other.properties) both.properties = { ...one.properties, ...other.properties };
  if (one.required && other.required) both.required = [...one.required, ...other.required];
  return both;
}

/**
 * The summary, unless it only repeats the name of the function behind the call.
 * @param {Json} call
 */
function wordsOfItsOwn(call) {
  const asName = (call.summary ?? "").toLowerCase().replaceAll(" ", "_");
  return asName && !String(call.operationId ?? "").startsWith(asName) ? call.summary : undefined;
}
