// Being one person: loads what that person may see, follows the events, and keeps the state
// current. It draws nothing; it says what changed.

import { clientGet, slack, useToken, sentence } from "./api.js";
import { EventStream } from "./events.js";
import { toast } from "./dom.js";
import { receive } from "./receive.js";
import { state, emit, forget, timelineOf, compareTs } from "./state.js";

const PAGE = 60;
let stream = null;
let turn = 0;

// become makes the page a person's, from nothing. The stream is opened first, and what it
// brings waits until the rest is there, so that nothing falls in between.
export async function become(person) {
  const mine = ++turn;
  stream?.stop();
  forget();
  state.me = person;
  useToken(person.token);
  emit("person");
  let early = [];
  let live;
  const opened = new Promise((resolve) => {
    live = resolve;
  });
  stream = new EventStream({
    token: person.token,
    onEvent: (event) => {
      if (mine !== turn) return;
      if (early) early.push(event);
      else receive(event);
    },
    onStatus: (status) => {
      if (mine !== turn) return;
      if (status === "live") live();
      if (state.status === status) return;
      state.status = status;
      emit("status", status);
    },
    onResume: () => mine === turn && catchUp(),
  });
  await Promise.race([opened, new Promise((resolve) => setTimeout(resolve, 1500))]);
  const ready = await Promise.allSettled([loadUsers(), loadChannels()]);
  if (mine !== turn) return;
  const failed = ready.find((r) => r.status === "rejected");
  if (failed) toast(sentence(failed.reason), "bad");
  const waiting = early;
  early = null;
  for (const event of waiting) if (event.type !== "message" || event.subtype) receive(event);
  emit("users");
  emit("channels");
}

async function loadUsers() {
  const answer = await slack("users.list", { limit: 1000 });
  for (const user of answer.members || []) state.users.set(user.id, user);
}

async function loadChannels() {
  const answer = await slack("conversations.list", { types: "public_channel,private_channel,im,mpim", limit: 1000, exclude_archived: false });
  const seen = new Set();
  for (const channel of answer.channels || []) {
    seen.add(channel.id);
    takeChannel(channel);
  }
  for (const id of state.channels.keys()) if (!seen.has(id)) state.channels.delete(id);
  await Promise.all([...state.channels.values()].map((c) => countUnreadOf(c)));
}

export function takeChannel(channel) {
  const before = state.channels.get(channel.id);
  const next = { unread: 0, mentions: 0, lastRead: channel.last_read || "", ...before, ...channel };
  if (channel.is_im || channel.is_mpim) next.is_member = true;
  state.channels.set(channel.id, next);
  return next;
}

// countUnreadOf takes over what the workspace says is unread, and finds how much of it is for me.
async function countUnreadOf(known) {
  known.lastRead = known.last_read || known.lastRead;
  known.unread = known.unread_count_display ?? known.unread_count ?? 0;
  known.mentions = known.is_im ? known.unread : 0;
  if (known.unread === 0 || known.is_im) return;
  try {
    const { messages } = await slack("conversations.history", { channel: known.id, oldest: known.lastRead || "0", limit: 50 });
    known.mentions = (messages || []).filter((m) => compareTs(m.ts, known.lastRead) > 0 && m.user !== state.me.id && isForMe(m)).length;
  } catch {
    // A conversation that vanished meanwhile has nothing for me.
  }
}

export function isForMe(message) {
  const text = `${message.text || ""} ${message.blocks ? JSON.stringify(message.blocks) : ""}`;
  return text.includes(`<@${state.me.id}`) || text.includes(`"user_id":"${state.me.id}"`) || /<!(here|channel|everyone)[|>]/.test(text);
}

// catchUp asks again for what a break may have hidden.
export async function catchUp() {
  try {
    await loadChannels();
    emit("channels");
    for (const [key, timeline] of state.timelines) {
      timeline.loaded = false;
      const [channel, thread] = key.split("/");
      const shown = thread ? state.pane?.kind === "thread" && state.pane.ts === thread : state.place?.id === channel;
      if (shown) await (thread ? loadThread(channel, thread) : loadHistory(channel));
    }
    emit("caught-up");
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

// loadHistory fetches a conversation's newest messages, or with earlier those before.
export async function loadHistory(channel, earlier = false) {
  const timeline = timelineOf(channel);
  if (timeline.loaded && !earlier) return timeline;
  const args = { channel, limit: PAGE };
  if (earlier) {
    if (!timeline.more) return timeline;
    args.latest = timeline.sorted().find((m) => !m.is_ephemeral)?.ts;
  }
  // What comes while the answer is on its way is newer than the answer, and stays.
  const before = [...timeline.messages.values()];
  const since = timeline.rev;
  const answer = await slack("conversations.history", args);
  const got = answer.messages || [];
  if (!earlier) {
    const oldest = got.length ? got[got.length - 1].ts : "";
    const ids = new Set(got.map((m) => m.ts));
    if (answer.has_more && !before.some((m) => ids.has(m.ts))) for (const message of before) timeline.messages.delete(message.ts); // too much came meanwhile: no hole in between
    for (const message of before) if (!message.is_ephemeral && !ids.has(message.ts) && (!oldest || compareTs(message.ts, oldest) >= 0)) timeline.remove(message.ts);
  }
  timeline.merge(got, since);
  if (earlier || !timeline.loaded) timeline.more = Boolean(answer.has_more);
  timeline.loaded = true;
  return timeline;
}

export async function loadThread(channel, ts) {
  const timeline = timelineOf(channel, ts);
  if (timeline.loaded) return timeline;
  const since = timeline.rev;
  let cursor = "";
  do {
    const answer = await slack("conversations.replies", { channel, ts, limit: 200, cursor: cursor || undefined });
    timeline.merge(answer.messages || [], since);
    cursor = answer.response_metadata?.next_cursor || "";
  } while (cursor);
  timeline.loaded = true;
  return timeline;
}

export async function loadExtras(channel) {
  const [pins, bookmarks, canvas] = await Promise.allSettled([slack("pins.list", { channel }), slack("bookmarks.list", { channel_id: channel }), loadCanvas(channel)]);
  if (pins.status === "fulfilled") state.pins.set(channel, (pins.value.items || []).map((i) => i.message).filter(Boolean));
  if (bookmarks.status === "fulfilled") state.bookmarks.set(channel, bookmarks.value.bookmarks || []);
  if (canvas.status === "fulfilled") state.canvases.set(channel, canvas.value);
  emit("extras", { channel });
}

async function loadCanvas(channel) {
  const answer = await clientGet("canvas", { channel });
  return answer.canvas;
}

const toMark = new Map(); // channel → ts
let marking = null;
// markRead says that everything in a conversation was seen.
export function markRead(channel) {
  const known = state.channels.get(channel);
  const newest = state.timelines.get(channel)?.newest();
  if (!known || !newest || compareTs(newest, known.lastRead) <= 0 || document.hidden) return;
  known.lastRead = newest;
  known.unread = 0;
  known.mentions = 0;
  emit("channels");
  toMark.set(channel, newest);
  if (!marking) sendMarks();
}

// sendMarks tells the workspace at once, and what comes meanwhile together a second later.
function sendMarks() {
  marking = null;
  if (!toMark.size) return;
  for (const [channel, ts] of toMark) slack("conversations.mark", { channel, ts }).catch(() => {});
  toMark.clear();
  marking = setTimeout(sendMarks, 1000);
}

export async function markUnread(channel, ts) {
  const known = state.channels.get(channel);
  const list = state.timelines.get(channel)?.sorted().filter((m) => !m.is_ephemeral) || [];
  const at = list.findIndex((m) => m.ts === ts);
  const before = list[at - 1]?.ts || (Number(ts) - 0.001).toFixed(6);
  known.lastRead = before;
  known.unread = Math.max(1, list.length - at);
  known.mentions = list.slice(Math.max(0, at)).filter((m) => m.user !== state.me.id && isForMe(m)).length;
  emit("channels");
  try {
    await slack("conversations.mark", { channel, ts: before });
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

export async function openDirect(user) {
  const { channel } = await slack("conversations.open", { users: user, return_im: true });
  const known = takeChannel({ is_im: true, user, ...channel });
  emit("channels");
  return known;
}

export async function join(channel) {
  const answer = await slack("conversations.join", { channel });
  takeChannel({ ...(answer.channel || { id: channel }), is_member: true });
  emit("channels");
}

// loadOne asks for a conversation that was not known, or has changed.
export async function loadOne(id) {
  try {
    const { channel } = await slack("conversations.info", { channel: id, include_num_members: true });
    await countUnreadOf(takeChannel(channel));
    emit("channels");
  } catch {
    // Not for this person.
  }
}
