// The HTTP API as this page calls it: the key goes with every call, an error envelope becomes an ApiError.

export class ApiError extends Error {
  /** `status` is 0 where nobody answered; `param` names the field at fault, or is null. */
  constructor(status, { code = "unknown", message = `the server answered ${status}`, param = null } = {}) {
    super(param ? message.replace(`${param}: `, "") : message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

export class Api {
  constructor(base, key = "") {
    this.base = base;
    this.key = key;
  }

  url(path) {
    return new URL(path, this.base).href;
  }

  get headers() {
    return this.key ? { authorization: `Bearer ${this.key}` } : {};
  }

  /** A Response that is ok. Raises ApiError, or AbortError when `signal` says so. */
  async ask(path, { headers = {}, ...options } = {}) {
    let response;
    try {
      response = await fetch(this.url(path), { ...options, headers: { ...headers, ...this.headers } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, { code: "unreachable", message: "The server does not answer." });
    }
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw new ApiError(response.status, body.error);
  }

  async json(path, options) {
    return (await this.ask(path, options)).json();
  }

  async blob(path, options) {
    return (await this.ask(path, options)).blob();
  }
}
