// A thread in the side pane.

import { el, toast } from "./dom.js";
import { sentence } from "./api.js";
import { MessageList } from "./list.js";
import { Composer } from "./composer.js";
import { state, on, timelineOf, channelTitle } from "./state.js";
import { loadThread } from "./session.js";

let shown = null;

// threadPane returns {title, note, body, start, stop} for the pane.
export function threadPane({ channel, ts, focus, at }) {
  const timeline = timelineOf(channel, ts);
  const root = state.timelines.get(channel)?.messages.get(ts);
  if (root && !timeline.messages.has(ts)) timeline.upsert(root);
  const list = new MessageList({ place: { channel, thread: ts }, timeline, label: "Thread" });
  const known = state.channels.get(channel);
  const closed = known?.is_archived || known?.is_member === false;
  const composer = closed ? null : new Composer({ place: { channel, thread: ts }, draftKey: `${channel}/${ts}`, label: "Reply…", onsent: () => list.toBottom() });
  shown = { channel, ts, list };
  const body = el("div", { class: "thread" }, list.node, composer && el("div", { class: "room-foot" }, composer.node));
  return {
    title: "Thread",
    note: known ? `${known.is_im ? "" : "#"}${channelTitle(known)}` : "",
    body,
    async start() {
      list.refresh();
      if (focus) composer?.focus();
      try {
        await loadThread(channel, ts);
      } catch (error) {
        toast(sentence(error), "bad");
      }
      list.refresh();
      if (!at || !list.show(at)) list.toBottom();
    },
    stop() {
      list.stop();
      if (shown?.list === list) shown = null;
    },
  };
}

on("message", ({ channel, thread, own }) => {
  if (shown?.channel !== channel || thread !== shown.ts) return;
  shown.list.arrived(own);
});

on("message-changed", ({ channel, thread }) => {
  if (shown?.channel === channel && thread === shown.ts) shown.list.refresh();
});

on("users", () => shown?.list.redraw());
on("caught-up", () => shown?.list.refresh());
