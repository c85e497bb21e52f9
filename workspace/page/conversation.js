// The middle of the page: one conversation with its heading, bookmarks, messages and field.

import { el, icon, replace, toast } from "./dom.js";
import { slack, sentence } from "./api.js";
import { avatar } from "./avatar.js";
import { MessageList } from "./list.js";
import { Composer, outgoing } from "./composer.js";
import { mrkdwn, link, plainText } from "./mrkdwn.js";
import { state, on, emit, timelineOf, channelTitle, fullName, isBot } from "./state.js";
import { loadHistory, loadExtras, markRead, markUnread, join } from "./session.js";
import { dropEphemeral } from "./receive.js";

let shown = null; // {id, list, composer}

export function shownConversation() {
  return shown;
}

export async function showConversation(id, { ts, focus = true } = {}) {
  const main = document.getElementById("main");
  closeConversation();
  const channel = state.channels.get(id);
  if (!channel) return;
  const name = channelTitle(channel);
  const timeline = timelineOf(id);
  const heading = el("header", { class: "room-head" });
  const marks = el("div", { class: "bookmarks", hidden: true });
  const list = new MessageList({
    place: { channel: id },
    timeline,
    label: `Messages in ${name}`,
    before: () => [beginning(channel, timeline)],
    onbottom: () => markRead(id),
    onearlier: () => earlier(id),
  });
  list.newFrom = channel.unread > 0 ? channel.lastRead || "0" : "";
  const foot = el("div", { class: "room-foot" });
  shown = { id, list, heading, marks, foot, composer: null };
  replace(main, heading, marks, list.node, foot);
  main.className = "main main-room";
  drawHeading();
  drawFoot();
  list.refresh();
  if (focus && matchMedia("(min-width: 721px)").matches) shown.composer?.focus();
  try {
    await loadHistory(id);
  } catch (error) {
    toast(sentence(error), "bad");
  }
  if (shown?.id !== id) return;
  list.refresh();
  if (ts && list.show(ts)) return;
  list.toBottom();
  markRead(id);
  loadExtras(id);
}

export function closeConversation() {
  shown?.list.stop();
  shown = null;
}

// leaveConversation empties the middle, so that nothing of the person one was can be clicked any more.
export function leaveConversation() {
  closeConversation();
  document.getElementById("main").replaceChildren();
}

function beginning(channel, timeline) {
  if (!timeline.loaded) return el("p", { class: "beginning-loading", text: "Loading…" });
  if (timeline.more) return el("p", { class: "beginning-loading", text: "Earlier messages…" });
  if (channel.is_im) {
    return el("div", { class: "beginning" }, avatar(channel.user, 56), el("h2", { text: fullName(channel.user) }), el("p", { text: isBot(channel.user) ? "Messages between you and the app." : "Messages between the two of you." }));
  }
  return el(
    "div",
    { class: "beginning" },
    el("h2", {}, channel.is_private ? icon("lock", 22) : "#", channelTitle(channel)),
    el("p", {}, channel.purpose?.value ? mrkdwn(channel.purpose.value) : "This is where the channel begins."),
  );
}

let loadingEarlier = false;
async function earlier(id) {
  const timeline = timelineOf(id);
  if (loadingEarlier || !timeline.more || !timeline.loaded) return;
  loadingEarlier = true;
  try {
    await loadHistory(id, true);
    if (shown?.id === id) shown.list.keepPlace(() => shown.list.refresh());
  } catch (error) {
    toast(sentence(error), "bad");
  } finally {
    loadingEarlier = false;
  }
}

function drawHeading() {
  const channel = state.channels.get(shown.id);
  const name = channelTitle(channel);
  const pins = state.pins.get(shown.id) || [];
  const canvas = state.canvases.get(shown.id);
  document.title = `${channel.is_im ? "" : "#"}${name} · ${state.team.name || "Muster"}`;
  const bot = channel.is_im && isBot(channel.user);
  replace(
    shown.heading,
    el(
      "div",
      { class: "room-title" },
      el("h1", {}, channel.is_im ? avatar(channel.user, 24) : channel.is_private ? icon("lock", 18) : el("span", { class: "hash", text: "#" }), el("span", { text: name })),
      channel.is_archived && el("span", { class: "tag", text: "archived" }),
      bot && tabs("messages"),
      channel.topic?.value && el("div", { class: "topic", title: plainText(channel.topic.value) }, mrkdwn(channel.topic.value.replace(/\n/g, " "))),
    ),
    el(
      "div",
      { class: "room-tools" },
      canvas && el("button", { class: "pill", type: "button", onclick: () => emit("open-pane", { kind: "canvas", channel: shown.id }) }, icon("canvas", 16), el("span", { class: "pill-text", text: "Canvas" })),
      pins.length > 0 && el("button", { class: "pill", type: "button", "aria-label": `${pins.length} pinned`, onclick: () => emit("open-pane", { kind: "pins", channel: shown.id }) }, icon("pin", 16), el("span", { text: String(pins.length) })),
      !channel.is_im && el("button", { class: "pill", type: "button", "aria-label": "Members", title: "Members", onclick: () => emit("open-pane", { kind: "members", channel: shown.id }) }, icon("people", 16), channel.num_members ? el("span", { text: String(channel.num_members) }) : null),
    ),
  );
  const bookmarks = state.bookmarks.get(shown.id) || [];
  shown.marks.hidden = bookmarks.length === 0;
  replace(shown.marks, bookmarks.map((b) => el("span", { class: "bookmark" }, b.emoji ? "" : icon("bookmark", 14), link(b.link || "", plainText(`${b.emoji || ""} ${b.title || b.link}`.trim())))));
}

// tabs of the app: its home and its messages.
export function tabs(current) {
  const tab = (kind, text, run) => el("button", { class: "tab", type: "button", "aria-current": current === kind ? "page" : null, text, onclick: run });
  return el("div", { class: "tabs" }, tab("home", "Home", () => emit("go", { kind: "home" })), tab("messages", "Messages", () => emit("go", { kind: "bot" })));
}

function drawFoot() {
  const channel = state.channels.get(shown.id);
  const kind = channel.is_archived ? "archived" : channel.is_member === false ? "outside" : "composer";
  if (shown.footKind === kind) return;
  shown.footKind = kind;
  shown.composer = null;
  if (kind === "archived") return replace(shown.foot, el("p", { class: "foot-note", text: "This channel is archived. It can be read, nothing can be added." }));
  if (kind === "outside") {
    return replace(
      shown.foot,
      el("div", { class: "foot-note" }, el("span", { text: "You are looking at a channel that you are not in." }), el("button", { class: "button button-primary", type: "button", text: "Join", onclick: () => joinShown() })),
    );
  }
  const title = channelTitle(channel);
  shown.composer = new Composer({
    place: { channel: shown.id },
    draftKey: shown.id,
    id: "composer-text",
    label: `Message ${channel.is_im ? title : `#${title}`}`,
    onsent: () => shown?.list.toBottom(),
  });
  replace(shown.foot, shown.composer.node);
}

async function joinShown() {
  try {
    await join(shown.id);
    shown.composer?.focus();
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

// ---- what happens ----

on("message", ({ channel, thread, own }) => {
  if (!shown || shown.id !== channel) return;
  if (thread) shown.list.refresh();
  else {
    shown.list.arrived(own);
    if (shown.list.stick && !document.hidden) markRead(channel);
  }
});

on("message-changed", ({ channel, thread }) => {
  if (shown?.id === channel && !thread) shown.list.refresh();
});

on("extras", ({ channel }) => shown?.id === channel && drawHeading());

on("channels", () => {
  if (!shown || !state.channels.has(shown.id)) return;
  drawHeading();
  drawFoot();
});

on("users", () => shown?.list.redraw());
on("caught-up", () => shown?.list.refresh());
on("dismiss", ({ channel, ts }) => dropEphemeral(channel, ts));
on("mark-unread", async ({ channel, ts }) => {
  await markUnread(channel, ts);
  if (shown?.id !== channel) return;
  shown.list.newFrom = state.channels.get(channel).lastRead;
  shown.list.stick = false;
  shown.list.refresh();
});

on("edit", ({ channel, message }) => {
  const where = document.activeElement?.closest(".pane") || document;
  const node = where.querySelector(`[data-ts="${CSS.escape(message.ts)}"] .message-body`) || document.querySelector(`[data-ts="${CSS.escape(message.ts)}"] .message-body`);
  if (!node) return;
  const before = [...node.childNodes];
  const field = el("textarea", { class: "field", "aria-label": "Edit message", rows: "2" });
  field.value = plainText(message.text).replace(/@([^\s]+)/g, (whole, name) => `@${[...state.users.values()].find((u) => u.profile?.display_name === name)?.name || name}`);
  const stop = () => node.replaceChildren(...before);
  const save = async () => {
    try {
      await slack("chat.update", { channel, ts: message.ts, text: outgoing(field.value.trim()) });
      stop();
    } catch (error) {
      toast(sentence(error), "bad");
    }
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      stop();
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    }
  });
  replace(node, field, el("div", { class: "edit-foot" }, el("button", { class: "button", type: "button", text: "Cancel", onclick: stop }), el("button", { class: "button button-primary", type: "button", text: "Save", onclick: save })));
  field.focus();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && shown?.list.atBottom()) markRead(shown.id);
});
