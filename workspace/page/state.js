// What the page knows, and who wants to hear of a change. It never draws.

export const state = {
  team: { name: "" },
  people: [], // those one can be; each with token
  users: new Map(), // id → user, also apps
  groups: [], // user groups: {id, handle, name}
  bot: null,
  me: null,
  channels: new Map(), // id → conversation with unread, mentions, lastRead
  commands: [],
  shortcuts: [],
  hint: "",
  actions: [],
  place: null, // {kind:"channel", id} or {kind:"home"}
  timelines: new Map(), // "C1" or "C1/1700.1" → Timeline
  pane: null, // {kind, …}
  pins: new Map(),
  bookmarks: new Map(),
  canvases: new Map(),
  drafts: new Map(),
  home: null,
  faults: {},
  bots: null, // number of connected apps; null: not known
  calls: new Map(),
  mails: [],
  status: "connecting",
};

const listeners = new Map();

export function on(topic, run) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(run);
  return () => listeners.get(topic).delete(run);
}

export function emit(topic, data) {
  for (const run of listeners.get(topic) || []) run(data);
}

// forget drops everything that belongs to the person one has been.
export function forget() {
  for (const name of ["channels", "timelines", "pins", "bookmarks", "canvases", "drafts", "calls"]) state[name].clear();
  state.mails = [];
  state.home = null;
  state.pane = null;
}

// ---- the clock of the workspace, which may run faster than the wall's ----

const clock = { now: Date.now() / 1000, speed: 1, at: performance.now() };

export function setClock({ now, speed }) {
  if (typeof now === "number") clock.now = now;
  else clock.now = workspaceNow();
  if (typeof speed === "number") clock.speed = speed;
  clock.at = performance.now();
  emit("clock", { speed: clock.speed });
}

export function workspaceNow() {
  return clock.now + (clock.speed * (performance.now() - clock.at)) / 1000;
}

export function clockSpeed() {
  return clock.speed;
}

// ---- timelines: the messages of a channel or a thread, by ts ----

class Timeline {
  constructor() {
    this.messages = new Map();
    this.gone = new Set(); // ts of deleted messages
    this.loaded = false;
    this.more = false;
    this.cursor = "";
    this.rev = 0;
  }

  // upsert takes over a message whole; the workspace always sends all of it.
  upsert(message) {
    this.rev += 1;
    const next = { ...message, rev: this.rev };
    this.messages.set(message.ts, next);
    return next;
  }

  // merge takes over an answer that was asked for when rev was since: what changed or vanished
  // meanwhile is newer than the answer and stays as it is.
  merge(messages, since) {
    for (const message of messages) {
      const known = this.messages.get(message.ts);
      if (known ? known.rev <= since : !this.gone.has(message.ts)) this.upsert(message);
    }
  }

  // touch changes a message in place and marks it as changed.
  touch(ts, change) {
    const message = this.messages.get(ts);
    if (!message) return null;
    change(message);
    this.rev += 1;
    message.rev = this.rev;
    return message;
  }

  remove(ts) {
    this.gone.add(ts);
    return this.messages.delete(ts);
  }

  sorted() {
    return [...this.messages.values()].sort((a, b) => compareTs(a.ts, b.ts));
  }

  newest() {
    let best = "";
    for (const [ts, message] of this.messages) if (!message.is_ephemeral && compareTs(ts, best) > 0) best = ts;
    return best;
  }
}

// compareTs orders Slack timestamps; they are decimal numbers too long for a float's fraction.
export function compareTs(a, b) {
  const [as = "0", af = ""] = String(a || "0").split(".");
  const [bs = "0", bf = ""] = String(b || "0").split(".");
  const seconds = Number(as) - Number(bs);
  if (seconds !== 0) return seconds;
  return af.padEnd(6, "0") < bf.padEnd(6, "0") ? -1 : af.padEnd(6, "0") > bf.padEnd(6, "0") ? 1 : 0;
}

export function timelineOf(channel, thread) {
  const key = thread ? `${channel}/${thread}` : channel;
  let timeline = state.timelines.get(key);
  if (!timeline) {
    timeline = new Timeline();
    state.timelines.set(key, timeline);
  }
  return timeline;
}

// ---- names ----

export function personName(id) {
  if (!id) return "";
  const user = state.users.get(id);
  if (!user) return id;
  return user.profile?.display_name || user.real_name || user.profile?.real_name || user.name || id;
}

export function fullName(id) {
  const user = state.users.get(id);
  return user?.real_name || user?.profile?.real_name || personName(id);
}

export function isBot(id) {
  return Boolean(id && (state.bot?.user_id === id || state.users.get(id)?.is_bot));
}

// channelTitle is what a conversation is called, without a mark in front.
export function channelTitle(channel) {
  if (!channel) return "";
  if (channel.is_im) return fullName(channel.user);
  if (channel.is_mpim && channel.members) {
    return channel.members.filter((id) => id !== state.me?.id).map(fullName).join(", ") || channel.name;
  }
  return channel.name || channel.id;
}

export function channelByName(name) {
  for (const channel of state.channels.values()) if (channel.name === name && !channel.is_im) return channel;
  return null;
}

// authorOf says who wrote a message, for its heading.
export function authorOf(message) {
  const profile = message.bot_profile;
  const id = message.user || profile?.user_id || (message.bot_id ? state.bot?.user_id : "");
  const name = message.username || (id ? fullName(id) : profile?.name) || profile?.name || "Unknown";
  return { id: id || message.bot_id || "", name, app: Boolean(message.bot_id || profile || isBot(id)) };
}

// ---- dates, in the zone of the person one is ----

function zone() {
  return state.me?.tz || undefined;
}

const formats = new Map();

function formatted(seconds, options) {
  const key = `${zone()}|${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat("en-GB", { timeZone: zone(), ...options });
    } catch {
      format = new Intl.DateTimeFormat("en-GB", options);
    }
    formats.set(key, format);
  }
  return format.format(new Date(seconds * 1000));
}

export const timeOf = (s) => formatted(s, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const timeSecsOf = (s) => formatted(s, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
export const dayKey = (s) => formatted(s, { year: "numeric", month: "2-digit", day: "2-digit" });
const dateShort = (s) => formatted(s, { day: "numeric", month: "short", year: "numeric" });
const dateMedium = (s) => formatted(s, { day: "numeric", month: "long", year: "numeric" });
export const dateLong = (s) => formatted(s, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
export const dateWeekday = (s) => formatted(s, { weekday: "short", day: "numeric", month: "short" });

function near(seconds, otherwise) {
  const now = workspaceNow();
  const key = dayKey(seconds);
  if (key === dayKey(now)) return "Today";
  if (key === dayKey(now - 86400)) return "Yesterday";
  if (key === dayKey(now + 86400)) return "Tomorrow";
  return otherwise(seconds);
}

export const dayTitle = (s) => near(s, dateLong);

export function ago(seconds) {
  const delta = workspaceNow() - seconds;
  const size = Math.abs(delta);
  if (delta > -10 && delta < 45) return "just now";
  if (size < 45) return "in a moment";
  const [count, unit] = size < 5400 ? [size / 60, "minute"] : size < 129600 ? [size / 3600, "hour"] : [size / 86400, "day"];
  const n = Math.max(1, Math.round(count));
  const words = `${n} ${unit}${n === 1 ? "" : "s"}`;
  return delta >= 0 ? `${words} ago` : `in ${words}`;
}

// dateToken is one {token} of a <!date^…> mark.
export function dateToken(token, seconds) {
  const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);
  switch (token) {
    case "date_num":
      return formatted(seconds, { year: "numeric", month: "2-digit", day: "2-digit" }).split("/").reverse().join("-");
    case "date_slash":
      return formatted(seconds, { year: "numeric", month: "2-digit", day: "2-digit" });
    case "date":
      return dateMedium(seconds);
    case "date_short":
      return dateShort(seconds);
    case "date_long":
    case "day_divider_pretty":
      return dateLong(seconds);
    case "date_pretty":
      return lower(near(seconds, dateMedium));
    case "date_short_pretty":
      return lower(near(seconds, dateShort));
    case "date_long_pretty":
      return lower(near(seconds, dateLong));
    case "time":
      return timeOf(seconds);
    case "time_secs":
      return timeSecsOf(seconds);
    case "ago":
      return ago(seconds);
    default:
      return null;
  }
}

// datedParts gives a moment's civil date and time, as date and time fields want them.
export function datedParts(seconds) {
  return { date: dateToken("date_num", seconds), time: timeOf(seconds) };
}

// momentOf is the reverse: the unix seconds at which the person's clock shows this date and time.
export function momentOf(date, time) {
  const wanted = Date.parse(`${date}T${time || "00:00"}:00Z`) / 1000;
  let guess = wanted;
  for (let i = 0; i < 3; i++) {
    const parts = datedParts(guess);
    guess += wanted - Date.parse(`${parts.date}T${parts.time}:00Z`) / 1000;
  }
  return Math.round(guess);
}
