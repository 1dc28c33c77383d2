// A job's record, again and again until the job is over: at every event, and every two seconds besides, which
// moves the estimate on and stands in for the events where they do not get through.

import { events } from "./events.js";

const POLL_MS = 2000;
const OVER = new Set(["succeeded", "failed", "canceled"]);

export const isOver = (job) => OVER.has(job.status);

/** Calls `see(job)` with each record, `lost(error)` where one can't be had. Ends with the job, or by `signal`. */
export async function follow(api, id, { see, lost, signal }) {
  const bell = new Bell(signal);
  const quiet = new AbortController();
  signal.addEventListener("abort", () => quiet.abort());
  listen(api, id, bell, quiet.signal);
  try {
    while (!signal.aborted) {
      const answer = await api.json(`v1/jobs/${id}`, { signal }).catch((error) => error);
      if (signal.aborted) return;
      if (answer instanceof Error) {
        lost(answer);
        if (answer.status === 404 || answer.status === 401) return;
      } else {
        see(answer);
        if (isOver(answer)) return;
      }
      await bell.next(POLL_MS);
    }
  } finally {
    quiet.abort();
  }
}

async function listen(api, id, bell, signal) {
  let last = "0";
  while (!signal.aborted) {
    try {
      const response = await api.ask(`v1/jobs/${id}/events`, { headers: { "last-event-id": last }, signal });
      for await (const event of events(response)) {
        last = event.id;
        bell.ring();
        if (OVER.has(event.type)) return;
      }
    } catch {
      // Polling goes on, and tells what is wrong.
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Remembers a ring that came while nobody waited. */
class Bell {
  #rung = false;
  #wake = () => {};

  constructor(signal) {
    signal.addEventListener("abort", () => this.ring());
  }

  ring() {
    this.#rung = true;
    this.#wake();
  }

  async next(timeoutMs) {
    if (!this.#rung) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => { clearTimeout(timer); resolve(); };
      });
    }
    this.#rung = false;
  }
}
