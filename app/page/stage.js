// The job that is shown: its video, how far it is, and what can be done with it.

import { follow, isOver } from "./follow.js";
import { Player } from "./player.js";
import { detail, duration, state } from "./words.js";

/** "shown" once there is something to see, "none" if there never will be, else "waiting". */
function screen(job) {
  if (job.segments.length) return "shown";
  return isOver(job) ? "none" : "waiting";
}

const element = (id) => document.getElementById(id);

export class Stage {
  #api;
  #player;
  #onSeen;
  #onDeleted;
  #id = null;
  #following = new AbortController();

  /** `onSeen(job)` with each record of the job that is shown, `onDeleted(id)` once one is gone. */
  constructor(api, { onSeen, onDeleted }) {
    this.#api = api;
    this.#player = new Player(element("video"), api);
    this.#onSeen = onSeen;
    this.#onDeleted = onDeleted;
    element("cancel").addEventListener("click", () => this.#act(() => this.#cancel()));
    element("download").addEventListener("click", () => this.#act(() => this.#download()));
    element("delete").addEventListener("click", () => this.#act(() => this.#delete()));
  }

  show(id) {
    this.#following.abort();
    this.#following = new AbortController();
    this.#id = id;
    this.#player.close();
    for (const name of ["shown", "detail", "stage-error"]) element(name).textContent = "";
    element("progress").value = 0;
    this.#buttons({});
    this.#set("waiting", "The first second comes right after the queue.");
    const { signal } = this.#following;
    follow(this.#api, id, { see: (job) => this.#see(job), lost: (error) => this.#lost(error), signal });
  }

  clear(words) {
    this.#following.abort();
    this.#id = null;
    this.#player.close();
    element("shown").textContent = "";
    element("going").hidden = true;
    this.#buttons({});
    this.#set("none", "Your video plays here while it is being made.");
    this.#say(words);
  }

  #see(job) {
    element("stage-error").textContent = "";
    element("shown").textContent = `${job.prompt} (${duration(job.seconds)}, seed ${job.seed})`;
    this.#say(state(job));
    element("going").hidden = isOver(job);
    element("progress").value = job.progress;
    element("detail").textContent = detail(job);
    this.#buttons({ cancel: !isOver(job), download: Boolean(job.video_url), delete: isOver(job) });
    this.#set(screen(job), isOver(job) ? "Nothing of it was finished." : "The first second is on its way.");
    this.#player.show(job);
    this.#onSeen(job);
  }

  /** `state` as page.css knows it; the words are shown where there is no picture yet. */
  #set(state, words) {
    element("stage").dataset.state = state;
    element("screen-words").textContent = words;
  }

  #lost(error) {
    if (error.status === 404) this.clear("This video is gone.");
    else element("stage-error").textContent = error.message;
  }

  /** A live region is read out whenever it is written, so only what is new is written. */
  #say(words) {
    if (element("status").textContent !== words) element("status").textContent = words;
  }

  #buttons(shown) {
    for (const name of ["cancel", "download", "delete"]) {
      const button = element(name);
      // Who pressed a button that goes away would be left nowhere.
      if (!shown[name] && document.activeElement === button) element("history-title").focus({ preventScroll: true });
      button.hidden = !shown[name];
    }
  }

  async #act(deed) {
    try {
      await deed();
    } catch (error) {
      element("stage-error").textContent = error.message;
    }
  }

  async #cancel() {
    await this.#api.ask(`v1/jobs/${this.#id}/cancel`, { method: "POST" });
  }

  async #download() {
    const link = document.createElement("a");
    link.download = `${this.#id}.mp4`;
    // A link sends no key, so the page fetches the file and hands it over.
    link.href = URL.createObjectURL(await this.#api.blob(`v1/videos/${this.#id}/content`));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  async #delete() {
    const id = this.#id;
    if (!confirm("Delete this video? It can't be brought back.")) return;
    await this.#api.ask(`v1/videos/${id}`, { method: "DELETE" });
    this.clear("Deleted.");
    this.#onDeleted(id);
  }
}
