// Signed URLs expire, and a finished video's playlist is read once: this asks for it again, and knows what has
// become of each URL in it.

const unsigned = (url) => url.split("?", 1)[0];

export class SignedUrls {
  #api;
  #playlist;
  #latest = new Map();

  constructor(api, playlist) {
    this.#api = api;
    this.#playlist = playlist;
  }

  latest(url) {
    return this.#latest.get(unsigned(url)) ?? url;
  }

  /** Signs everything anew. Where the server does not answer, nothing changes. */
  async renew() {
    const response = await this.#api.ask(this.#playlist, { cache: "no-store" }).catch(() => null);
    const text = response ? await response.text() : "";
    for (const [url] of text.matchAll(/https?:[^"\s]+/g)) this.#latest.set(unsigned(url), url);
  }
}
