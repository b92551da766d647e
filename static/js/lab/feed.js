// The stream of a job's events, picked up again where it broke off.

import { jobUrl } from "./service.js";
import { hasEnded } from "./words.js";

const KINDS = ["state", "phase", "data", "progress", "snapshot", "warnings"];
const AGAIN_MS = 2000;

/** Gives every event of a job once and in order, until the job has ended or the feed is closed. */
export class Feed {
  #last = 0;
  #closed = false;
  /** @type {EventSource | undefined} */
  #source;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {string} id
   * @param {(kind: string, data: any) => void} onEvent
   * @param {(broken: boolean) => void} onTrouble the connection broke, or stands again; the feed keeps trying
   */
  constructor(id, onEvent, onTrouble) {
    this.id = id;
    this.onEvent = onEvent;
    this.onTrouble = onTrouble;
    this.#open();
  }

  /** Stop listening. */
  close() {
    this.#closed = true;
    this.#source?.close();
    clearTimeout(this.#timer);
  }

  #open() {
    const source = new EventSource(jobUrl(this.id, `/events?after=${this.#last}`));
    this.#source = source;
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.#hear(kind, event));
    source.addEventListener("open", () => this.onTrouble(false));
    source.addEventListener("error", () => {
      if (this.#closed) return;
      this.onTrouble(true);
      // The browser itself tries again only where nobody answered; after a refusal, we do.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#timer = setTimeout(() => this.#closed || this.#open(), AGAIN_MS);
    });
  }

  /** @type {(kind: string, event: MessageEvent) => void} */
  #hear(kind, event) {
    const number = Number(event.lastEventId);
    if (this.#closed || number <= this.#last) return;
    this.#last = number;
    const data = JSON.parse(event.data);
    if (kind === "state" && hasEnded(data.status)) this.close();
    this.onEvent(kind, data);
  }
}
