// Server-sent events over fetch: EventSource can't send a key.

/** Yields {id, type} of each event of a Response; what else an event says is in the job's record. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
        if (fields.event) yield { id: fields.id, type: fields.event };
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
