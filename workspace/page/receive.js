// What each workspace event changes in the state. It draws nothing; it says what changed.

import { announce, toast } from "./dom.js";
import { sentence } from "./api.js";
import { summary } from "./message.js";
import { catchUp, isForMe, loadExtras, loadOne, takeChannel } from "./session.js";
import { state, emit, setClock, timelineOf, compareTs, channelTitle, authorOf } from "./state.js";

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

// receive takes one event of the stream.
export function receive(event) {
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
  if (event.subtype === "message_deleted") return deleteMessage(channel, event.deleted_ts, event.previous_message);
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

function deleteMessage(channel, ts, previous) {
  if (previous?.thread_ts && previous.thread_ts !== ts) {
    everyTimeline(channel, (timeline, thread) => {
      const root = timeline.touch(previous.thread_ts, (m) => {
        m.reply_count = Math.max(0, (m.reply_count || 0) - 1);
      });
      if (root) emit("message-changed", { channel, thread });
    });
  }
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
