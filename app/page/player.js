// Plays a job's HLS playlist while it grows, and afterwards: hls.js where the browser has Media Source Extensions,
// else the browser's own HLS, else the finished file.

import { SignedUrls } from "./signed.js";

const HLS = new URL("./vendor/hls.js-1.7.4/hls.light.min.mjs", import.meta.url);
const HLS_TYPE = "application/vnd.apple.mpegurl";
const TRIES = 7;
const PAUSE_MS = 250;

export class Player {
  #video;
  #api;
  #job = null;
  #hls = null;
  #file = null;
  /** null, "playlist", "file", or "none" while neither can be had. */
  #way = null;
  #tries = 0;

  constructor(video, api) {
    this.#video = video;
    this.#api = api;
    // Who asked for less motion presses play.
    video.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** Called with every record of the job; starts playing with the first one that has a segment. */
  async show(job) {
    if (job.id !== this.#job?.id) this.close();
    this.#job = job;
    if (this.#way === null && job.segments.length) {
      this.#way = "playlist";
      await this.#openPlaylist(job.id, 0);
    } else if (this.#way === "none" && job.video_url) {
      this.#way = "file";
      await this.#openFile(job.id);
    }
  }

  close() {
    this.#hls?.destroy();
    if (this.#file) URL.revokeObjectURL(this.#file);
    this.#job = this.#hls = this.#file = this.#way = null;
    this.#tries = 0;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  async #openPlaylist(id, startPosition) {
    const url = this.#api.url(`v1/videos/${id}/playlist.m3u8`);
    const { default: Hls } = await import(HLS);
    if (this.#job?.id !== id) return;
    if (Hls.isSupported()) {
      this.#hls?.destroy();
      this.#hls = this.#stream(Hls, url, startPosition);
    } else if (this.#video.canPlayType(HLS_TYPE) && !this.#api.key) {
      const failed = () => { if (this.#job?.id === id && this.#way === "playlist") this.#giveUp(); };
      this.#video.addEventListener("error", failed, { once: true });
      this.#video.src = url;
    } else {
      this.#giveUp();
    }
  }

  #stream(Hls, url, startPosition) {
    const signed = new SignedUrls(this.#api, url);
    const hls = new Hls({
      startPosition,
      enableWorker: false,
      // The same URL again for half a minute would not help where it expired: every error is ours.
      fragLoadPolicy: { default: { ...Hls.DefaultConfig.fragLoadPolicy.default, errorRetry: null } },
      xhrSetup: (xhr, asked) => {
        xhr.open("GET", signed.latest(asked));
        // The key is the API's; the storage's URLs carry signatures of their own.
        if (!asked.startsWith(this.#api.base)) return;
        for (const [name, value] of Object.entries(this.#api.headers)) xhr.setRequestHeader(name, value);
      },
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => { this.#tries = 0; });
    hls.on(Hls.Events.ERROR, async (_, { fatal, type, frag }) => {
      if (!fatal) return;
      if (++this.#tries > TRIES) return this.#giveUp();
      if (type === Hls.ErrorTypes.MEDIA_ERROR) return hls.recoverMediaError();
      const pause = PAUSE_MS * (2 ** (this.#tries - 1) - 1);
      await new Promise((resolve) => setTimeout(resolve, pause));
      // A segment that can't be had was signed too long ago: 403, 400, or nothing that a script may read.
      if (frag) await signed.renew();
      if (this.#hls !== hls) return;
      if (hls.levels.length) hls.startLoad();
      else hls.loadSource(url);
    });
    hls.loadSource(url);
    hls.attachMedia(this.#video);
    return hls;
  }

  async #openFile(id) {
    const file = URL.createObjectURL(await this.#api.blob(`v1/videos/${id}/content`));
    if (this.#job?.id !== id) return URL.revokeObjectURL(file);
    this.#file = file;
    this.#video.src = file;
  }

  #giveUp() {
    this.#hls?.destroy();
    this.#hls = null;
    this.#way = "none";
    this.show(this.#job);
  }
}
