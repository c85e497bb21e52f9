// The stream of workspace events for one person, with resuming: after a break it asks for
// what came since the last event it saw. It never interprets the events.

// An idle stream still brings a comment every 15 seconds; silence for longer means a dead line.
const LONGEST_SILENCE = 40000;
const LONGEST_WAIT = 5000;

export class EventStream {
  // onEvent gets each decoded event; onStatus gets "connecting", "live" or "lost";
  // onResume is called when the stream is live again after a break.
  constructor({ token, onEvent, onStatus, onResume }) {
    this.token = token;
    this.onEvent = onEvent;
    this.onStatus = onStatus;
    this.onResume = onResume;
    this.lastId = "";
    this.stopped = false;
    this.failures = 0;
    this.wasLive = false;
    this.wakeUp = () => this.hurry?.();
    window.addEventListener("online", this.wakeUp);
    this.run();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.silence);
    this.abort?.abort();
    this.hurry?.();
    window.removeEventListener("online", this.wakeUp);
  }

  async run() {
    while (!this.stopped) {
      this.onStatus(this.failures > 0 ? "lost" : "connecting");
      try {
        await this.readOnce();
      } catch {
        // Any failure means the same: the stream is broken and is asked for again.
      }
      if (this.stopped) return;
      this.failures += 1;
      this.onStatus("lost");
      const wait = Math.min(LONGEST_WAIT, 250 * 2 ** Math.min(this.failures, 6));
      await new Promise((resolve) => {
        this.hurry = resolve;
        setTimeout(resolve, wait);
      });
    }
  }

  async readOnce() {
    this.abort = new AbortController();
    const headers = { Accept: "text/event-stream" };
    if (this.lastId) headers["Last-Event-ID"] = this.lastId;
    const response = await fetch(`client/events?token=${encodeURIComponent(this.token)}`, {
      headers,
      signal: this.abort.signal,
      cache: "no-store",
    });
    if (!response.ok || !response.body) throw new Error(`events: ${response.status}`);
    this.onStatus("live");
    if (this.wasLive) this.onResume();
    this.wasLive = true;
    this.failures = 0;
    this.listen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.listen();
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) this.line(line);
    }
  }

  // listen gives the line another while before it counts as dead.
  listen() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.abort?.abort(), LONGEST_SILENCE);
  }

  line(line) {
    if (line === "") {
      const data = this.data;
      this.data = undefined;
      if (this.id !== undefined) this.lastId = this.id;
      this.id = undefined;
      if (data === undefined) return;
      let event;
      try {
        event = JSON.parse(data);
      } catch {
        return;
      }
      this.onEvent(event);
      return;
    }
    if (line.startsWith("data:")) {
      const part = line.slice(5).replace(/^ /, "");
      this.data = this.data === undefined ? part : `${this.data}\n${part}`;
    } else if (line.startsWith("id:")) {
      this.id = line.slice(3).trim();
    }
  }
}
