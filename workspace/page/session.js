// Being one person: loads what that person may see, follows the events, and keeps the state
// current. It draws nothing; it says what changed.

import { clientGet, slack, useToken, sentence } from "./api.js";
import { EventStream } from "./events.js";
import { announce, toast } from "./dom.js";
import { state, emit, forget, setClock, timelineOf, compareTs, channelTitle, authorOf } from "./state.js";
import { summary } from "./message.js";

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

function takeChannel(channel) {
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
async function catchUp() {
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
  const answer = await slack("conversations.history", args);
  const got = answer.messages || [];
  if (!earlier) {
    const oldest = got.length ? got[got.length - 1].ts : "";
    const ids = new Set(got.map((m) => m.ts));
    for (const message of timeline.sorted()) if (!message.is_ephemeral && !ids.has(message.ts) && (!oldest || compareTs(message.ts, oldest) >= 0)) timeline.remove(message.ts);
  }
  for (const message of got) timeline.upsert(message);
  if (earlier || !timeline.loaded) timeline.more = Boolean(answer.has_more);
  timeline.loaded = true;
  return timeline;
}

export async function loadThread(channel, ts) {
  const timeline = timelineOf(channel, ts);
  if (timeline.loaded) return timeline;
  let cursor = "";
  do {
    const answer = await slack("conversations.replies", { channel, ts, limit: 200, cursor: cursor || undefined });
    for (const message of answer.messages || []) timeline.upsert(message);
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

let marking;
// markRead says that everything in a conversation was seen.
export function markRead(channel) {
  const known = state.channels.get(channel);
  const newest = state.timelines.get(channel)?.newest();
  if (!known || !newest || compareTs(newest, known.lastRead) <= 0 || document.hidden) return;
  known.lastRead = newest;
  known.unread = 0;
  known.mentions = 0;
  emit("channels");
  clearTimeout(marking);
  marking = setTimeout(() => slack("conversations.mark", { channel, ts: newest }).catch(() => {}), 300);
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

// ---- events ----

const HANDLERS = {
  message: onMessage,
  reaction_added: (e) => onReaction(e, true),
  reaction_removed: (e) => onReaction(e, false),
  ephemeral: (e) => onEphemeral(e),
  ephemeral_replaced: (e) => onEphemeral(e),
  ephemeral_deleted: (e) => dropEphemeral(e.channel, e.ts),
  channel_created: onChannel,
  channel_rename: onChannel,
  channel_topic: onChannel,
  channel_archive: (e) => change(e.channel, { is_archived: true }),
  channel_unarchive: (e) => change(e.channel, { is_archived: false }),
  im_created: onChannel,
  member_joined_channel: (e) => onMember(e, true),
  member_left_channel: (e) => onMember(e, false),
  pin_added: onPins,
  pin_removed: onPins,
  bookmark_added: (e) => loadExtras(e.channel_id || e.channel),
  bookmark_removed: (e) => loadExtras(e.channel_id || e.channel),
  canvas_changed: (e) => loadExtras(e.channel || e.channel_id),
  channel_marked: (e) => onMarked(e),
  im_marked: (e) => onMarked(e),
  clock: (e) => setClock(e),
  faults: (e) => emit("faults", takeFaults(e)),
  bot_status: (e) => emit("bots", (state.bots = e.connected)),
  resync: () => catchUp(),
  bookmark_edited: (e) => loadExtras(e.channel_id || e.channel),
  command_failed: (e) => toast(failedCommand(e), "bad"),
  home: (e) => emit("home", (state.home = e.view)),
  user_change: (e) => (state.users.set(e.user.id, e.user), emit("users")),
  team_join: (e) => (state.users.set(e.user.id, e.user), emit("users")),
};

function receive(event) {
  const run = HANDLERS[event.type];
  if (run) run(event);
  else emit(event.type, event);
}

// failedCommand says what became of a command; error is "/incident failed: code" or a code.
function failedCommand(event) {
  const reason = String(event.error || "").replace(/^.* failed: /, "");
  return `${event.command || "The command"} failed. ${reason ? sentence({ code: reason }) : ""}`.trim();
}

export function takeFaults(event) {
  const { type: _type, ok: _ok, event_ts: _ts, faults, ...rest } = event;
  state.faults = faults || rest;
  return state.faults;
}

function onMessage(event) {
  const channel = event.channel;
  if (event.subtype === "message_changed") return changeMessage(channel, event.message);
  if (event.subtype === "message_deleted") return deleteMessage(channel, event.deleted_ts);
  if (event.subtype === "message_replied") return event.message && changeMessage(channel, event.message);
  const { type: _type, event_ts: _event, channel_type: _kind, channel: _channel, ...rest } = event;
  const message = { ...rest };
  const reply = message.thread_ts && message.thread_ts !== message.ts;
  const own = message.user === state.me.id && !message.bot_id;
  const timeline = timelineOf(channel);
  if (reply) {
    const thread = timelineOf(channel, message.thread_ts);
    const known = thread.messages.has(message.ts);
    thread.upsert(message);
    if (!known) countReply(timeline, message);
    emit("message", { channel, thread: message.thread_ts, message, own });
  }
  if (!reply || message.subtype === "thread_broadcast") {
    timeline.upsert(message);
    emit("message", { channel, message, own });
    countUnread(channel, message, own);
  }
  const shown = state.place?.id === channel && (!reply || state.pane?.ts === message.thread_ts);
  if (!own && shown) announce(`${authorOf(message).name}: ${summary(message).slice(0, 200)}`);
}

function countReply(timeline, message) {
  const root = timeline.touch(message.thread_ts, (m) => {
    if (compareTs(message.ts, m.latest_reply || "0") <= 0) return;
    m.reply_count = (m.reply_count || 0) + 1;
    m.latest_reply = message.ts;
    m.reply_users = [...new Set([...(m.reply_users || []), message.user || message.bot_id])];
  });
  const copy = root && state.timelines.get(`${state.place?.id}/${root.ts}`);
  copy?.touch(root.ts, (m) => Object.assign(m, { reply_count: root.reply_count }));
}

function countUnread(channel, message, own) {
  const known = state.channels.get(channel);
  if (!known) {
    loadOne(channel);
    return;
  }
  if (own) {
    known.lastRead = message.ts;
    known.unread = 0;
    known.mentions = 0;
  } else if (compareTs(message.ts, known.lastRead) > 0) {
    known.unread += 1;
    const forMe = known.is_im || isForMe(message);
    if (forMe) known.mentions += 1;
    if (forMe && (state.place?.id !== channel || document.hidden)) announce(`New message for you in ${channelTitle(known)}`);
  }
  emit("channels");
}

async function loadOne(id) {
  try {
    const { channel } = await slack("conversations.info", { channel: id, include_num_members: true });
    await countUnreadOf(takeChannel(channel));
    emit("channels");
  } catch {
    // Not for this person.
  }
}

function everyTimeline(channel, run) {
  for (const [key, timeline] of state.timelines) {
    const [at, thread] = key.split("/");
    if (at === channel) run(timeline, thread);
  }
}

function changeMessage(channel, message) {
  everyTimeline(channel, (timeline, thread) => {
    if (!timeline.messages.has(message.ts)) return;
    timeline.upsert(message);
    emit("message-changed", { channel, thread });
  });
  for (const pinned of state.pins.get(channel) || []) if (pinned.ts === message.ts) Object.assign(pinned, message);
}

function deleteMessage(channel, ts) {
  everyTimeline(channel, (timeline, thread) => {
    if (timeline.remove(ts)) emit("message-changed", { channel, thread });
  });
}

function onReaction(event, added) {
  const { channel, ts } = event.item || {};
  everyTimeline(channel, (timeline, thread) => {
    const changed = timeline.touch(ts, (m) => {
      const list = (m.reactions || []).map((r) => ({ ...r, users: [...(r.users || [])] }));
      let entry = list.find((r) => r.name === event.reaction);
      if (!entry) list.push((entry = { name: event.reaction, users: [], count: 0 }));
      const has = entry.users.includes(event.user);
      if (added && !has) entry.users.push(event.user);
      if (!added && has) entry.users.splice(entry.users.indexOf(event.user), 1);
      entry.count = entry.users.length;
      m.reactions = list.filter((r) => r.count > 0);
    });
    if (changed) emit("message-changed", { channel, thread });
  });
}

// An ephemeral event's user is the one who sees it; the app is who wrote it.
function onEphemeral(event) {
  const { type, ...rest } = event;
  const message = { ...rest, user: state.bot?.user_id, bot_id: state.bot?.bot_id || "app", is_ephemeral: true };
  const thread = message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : undefined;
  const timeline = timelineOf(event.channel, thread);
  if (type === "ephemeral_replaced" && !timeline.messages.has(message.ts)) return;
  timeline.upsert(message);
  if (type === "ephemeral_replaced") emit("message-changed", { channel: event.channel, thread });
  else emit("message", { channel: event.channel, thread, message, own: true });
  announce(`Only visible to you: ${summary(message).slice(0, 200)}`);
}

export function dropEphemeral(channel, ts) {
  everyTimeline(channel, (timeline, thread) => {
    if (timeline.messages.get(ts)?.is_ephemeral && timeline.remove(ts)) emit("message-changed", { channel, thread });
  });
}

function onChannel(event) {
  const value = event.channel;
  if (typeof value === "string") {
    if (event.topic !== undefined) change(value, { topic: { ...state.channels.get(value)?.topic, value: typeof event.topic === "string" ? event.topic : event.topic?.value || "" } });
    else loadOne(value);
    return;
  }
  if (!value?.id) return;
  takeChannel(value);
  loadOne(value.id);
  emit("channels");
}

function change(id, changes) {
  const known = state.channels.get(typeof id === "object" ? id.id : id);
  if (!known) return;
  Object.assign(known, changes);
  emit("channels");
  emit("extras", { channel: known.id });
}

function onMember(event, joined) {
  const known = state.channels.get(event.channel);
  if (event.user === state.me.id) {
    if (known) Object.assign(known, { is_member: joined });
    if (joined) loadOne(event.channel);
  } else if (known) {
    known.num_members = Math.max(0, (known.num_members || 0) + (joined ? 1 : -1));
  }
  emit("channels");
}

function onPins(event) {
  const channel = event.channel_id || event.channel || event.item?.channel;
  const ts = event.item?.message?.ts || event.item?.ts;
  everyTimeline(channel, (timeline, thread) => {
    const changed = timeline.touch(ts, (m) => {
      m.pinned_to = event.type === "pin_added" ? [channel] : [];
    });
    if (changed) emit("message-changed", { channel, thread });
  });
  loadExtras(channel);
}

function onMarked(event) {
  const known = state.channels.get(event.channel);
  if (!known || compareTs(event.ts, known.lastRead) <= 0) return;
  known.lastRead = event.ts;
  known.unread = 0;
  known.mentions = 0;
  emit("channels");
}
