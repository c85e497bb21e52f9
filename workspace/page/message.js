// One message as a document node, with its reactions, its thread line and its tools.

import { el, icon, iconButton, toast, announce } from "./dom.js";
import { avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { mrkdwn, plainText, emojiNode, link } from "./mrkdwn.js";
import { picture, QUICK, find } from "./emoji.js";
import { client, slack, sentence, fileUrl } from "./api.js";
import { menu, popup, closePopup, ask } from "./popup.js";
import { Values } from "./values.js";
import { state, emit, on, authorOf, isBot, personName, timeOf, dateLong, timeSecsOf, ago, channelTitle } from "./state.js";

const QUIET = new Set(["channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "channel_archive", "channel_unarchive", "pinned_item", "group_join", "group_topic", "bot_add"]);

const values = new Map(); // channel/ts → Values
on("person", () => values.clear());

export function isQuiet(message) {
  return QUIET.has(message.subtype);
}

// actionContext is what the blocks of a message need to talk to the app.
function actionContext(message, channel) {
  const id = `${channel}/${message.ts}`;
  if (!values.has(id)) values.set(id, new Values());
  const container = { type: "message", channel_id: channel, message_ts: message.ts, is_ephemeral: Boolean(message.is_ephemeral) };
  if (message.thread_ts) container.thread_ts = message.thread_ts;
  return {
    values: values.get(id),
    scope: id,
    act: (action, node) => act({ container, action, state: values.get(id).toState() }, node),
    options: (block, spec, text) => client("options", { container, block_id: block.block_id, action_id: spec.action_id, value: text }),
  };
}

// act sends a click to the app and shows that it is on its way.
export async function act(body, node) {
  node?.setAttribute?.("aria-busy", "true");
  try {
    await client("action", body);
  } catch (error) {
    toast(sentence(error), "bad");
  } finally {
    node?.removeAttribute?.("aria-busy");
  }
}

// summary is a message's text in one line.
export function summary(message) {
  const text = message.text || firstText(message.blocks) || message.attachments?.[0]?.fallback || message.attachments?.[0]?.text || "";
  return plainText(text).replace(/\s+/g, " ");
}

function firstText(blocks) {
  for (const block of blocks || []) {
    if (block.text?.text) return block.text.text;
    if (typeof block.text === "string") return block.text;
    if (block.type === "rich_text") return JSON.stringify(block).match(/"text":"((?:[^"\\]|\\.)*)"/)?.[1] || "";
  }
  return "";
}

// messageNode draws a message. place: {channel, thread (shown in a thread pane), compact
// (follows one of the same person)}.
export function messageNode(message, place) {
  const author = authorOf(message);
  const seconds = Number(message.ts);
  if (isQuiet(message)) {
    return el(
      "div",
      { class: "message message-quiet", dataset: { ts: message.ts }, tabindex: "-1" },
      el("span", { class: "quiet-text" }, mrkdwn(message.text || "")),
      time(seconds, "quiet-time"),
    );
  }
  const classes = ["message"];
  if (place.compact) classes.push("message-compact");
  if (message.is_ephemeral) classes.push("message-private");
  if (mentionsMe(message)) classes.push("message-for-me");
  if (message.pinned_to?.includes(place.channel)) classes.push("message-pinned");
  const node = el("article", {
    class: classes.join(" "),
    dataset: { ts: message.ts },
    tabindex: "-1",
    "aria-label": `${author.name}, ${timeOf(seconds)}`,
  });
  const gutter = el("div", { class: "gutter" }, place.compact ? time(seconds, "gutter-time") : avatar(author.id || (author.app ? "app" : ""), 36));
  const head =
    !place.compact &&
    el("div", { class: "message-head" }, el("span", { class: "author", text: author.name }), author.app && el("span", { class: "app-mark", text: "App" }), time(seconds, "message-time"));
  node.append(
    gutter,
    el(
      "div",
      { class: "message-main" },
      message.is_ephemeral && el("p", { class: "private-note" }, icon("eye", 14), "Only visible to you"),
      message.pinned_to?.includes(place.channel) && el("p", { class: "pinned-note" }, icon("pin", 14), "Pinned"),
      head,
      broadcastLine(message, place),
      body(message, place),
      attachments(message, place),
      files(message),
      reactions(message, place),
      !place.thread && threadLine(message, place),
      message.is_ephemeral && el("button", { class: "link-button dismiss", type: "button", text: "Dismiss", onclick: () => emit("dismiss", { channel: place.channel, ts: message.ts, thread: message.thread_ts }) }),
    ),
  );
  if (!message.is_ephemeral) node.append(tools(message, place));
  return node;
}

function mentionsMe(message) {
  const text = `${message.text || ""}`;
  return text.includes(`<@${state.me?.id}`) || /<!(here|channel|everyone)/.test(text);
}

function time(seconds, className) {
  return el("time", { class: className, datetime: new Date(seconds * 1000).toISOString(), title: `${dateLong(seconds)}, ${timeSecsOf(seconds)}`, text: timeOf(seconds) });
}

function broadcastLine(message, place) {
  if (place.thread || message.subtype !== "thread_broadcast") return null;
  const root = state.timelines.get(place.channel)?.messages.get(message.thread_ts);
  const about = root ? summary({ ...root, text: (root.text || "").split("\n")[0] }).slice(0, 80) : "a thread";
  return el(
    "p",
    { class: "broadcast-line" },
    "replied to ",
    el("button", { class: "link-button", type: "button", text: about, onclick: () => emit("open-thread", { channel: place.channel, ts: message.thread_ts }) }),
  );
}

function body(message, place) {
  const out = el("div", { class: "message-body" });
  if (message.blocks?.length) out.append(renderBlocks(message.blocks, actionContext(message, place.channel)));
  else if (message.text) out.append(el("div", { class: "text" }, mrkdwn(message.text)));
  if (message.edited && !isBot(message.user)) out.append(el("span", { class: "edited", text: "(edited)", title: message.edited.ts ? timeSecsOf(Number(message.edited.ts)) : "" }));
  return out;
}

function attachments(message, place) {
  return (message.attachments || []).map((item) => {
    const color = { good: "#2f7d4f", warning: "#c98a10", danger: "#b8372b" }[item.color] || (/^#?[0-9a-f]{6}$/i.test(item.color || "") ? `#${item.color.replace("#", "")}` : "");
    const inner = item.blocks?.length
      ? renderBlocks(item.blocks, actionContext(message, place.channel))
      : [
          item.pretext && el("div", { class: "text" }, mrkdwn(item.pretext)),
          item.author_name && el("div", { class: "attachment-author", text: item.author_name }),
          item.title && el("strong", {}, item.title_link ? link(item.title_link, plainText(item.title)) : plainText(item.title)),
          (item.text || item.fallback) && el("div", { class: "text" }, mrkdwn(item.text || item.fallback)),
          item.footer && el("small", { text: item.footer }),
        ];
    return el("div", { class: "attachment", style: color ? { "--bar": color } : {} }, inner);
  });
}

function files(message) {
  const list = message.files || [];
  if (!list.length) return null;
  return el(
    "div",
    { class: "files" },
    list.map((file) => {
      const source = fileUrl(file.url_private || file.url_private_download || file.permalink);
      const title = file.title || file.name || "File";
      if (source && file.mimetype?.startsWith("image/")) {
        return el("a", { class: "file-image", href: source, target: "_blank", rel: "noopener" }, el("img", { src: source, alt: file.alt_txt || title, loading: "lazy" }), el("span", { text: title }));
      }
      const inner = [icon("file"), el("span", { class: "file-name" }, title, el("small", { text: [file.pretty_type || file.filetype, size(file.size)].filter(Boolean).join(" · ") }))];
      return source ? el("a", { class: "file", href: source, target: "_blank", rel: "noopener" }, inner) : el("div", { class: "file" }, inner);
    }),
  );
}

function size(bytes) {
  if (!bytes) return "";
  return bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

// ---- reactions ----

function reactions(message, place) {
  const list = (message.reactions || []).filter((r) => r.count > 0 || r.users?.length);
  if (!list.length) return null;
  return el(
    "div",
    { class: "reactions" },
    list.map((r) => {
      const mine = r.users?.includes(state.me?.id);
      const who = (r.users || []).map(personName).join(", ");
      return el(
        "button",
        {
          class: mine ? "reaction mine" : "reaction",
          type: "button",
          "aria-pressed": String(Boolean(mine)),
          "aria-label": `${r.name.replaceAll("_", " ")}: ${who}`,
          title: `${who} · :${r.name}:`,
          dataset: { key: `reaction/${r.name}`, reaction: r.name },
          onclick: () => react(place.channel, message, r.name),
        },
        picture(r.name) ? emojiNode(r.name, picture(r.name)) : `:${r.name}:`,
        el("span", { class: "reaction-count", text: String(r.count || r.users.length) }),
      );
    }),
    iconButton("smile", "Add a reaction", (event) => reactionPicker(event.currentTarget, place.channel, message), { class: "small", dataset: { key: "reaction+" } }),
  );
}

async function react(channel, message, name) {
  const mine = message.reactions?.find((r) => r.name === name)?.users?.includes(state.me?.id);
  try {
    await slack(mine ? "reactions.remove" : "reactions.add", { channel, timestamp: message.ts, name });
  } catch (error) {
    if (error.code !== "already_reacted" && error.code !== "no_reaction") toast(sentence(error), "bad");
  }
}

function reactionPicker(anchor, channel, message) {
  const grid = el("div", { class: "emoji-grid", role: "group", "aria-label": "Emoji" });
  const filter = el("input", { class: "options-filter", type: "text", placeholder: "Find an emoji", "aria-label": "Find an emoji", dataset: { first: "" } });
  const draw = () => {
    const list = filter.value ? find(filter.value, 40) : [...QUICK.map((n) => [n, picture(n)]), ...find("", 60).filter(([n]) => !QUICK.includes(n))].slice(0, 48);
    grid.replaceChildren(
      ...list.map(([name, value]) =>
        el("button", { class: "emoji-button", type: "button", title: `:${name}:`, "aria-label": name.replaceAll("_", " "), text: value, onclick: () => (closePopup(), react(channel, message, name)) }),
      ),
    );
  };
  filter.addEventListener("input", draw);
  filter.addEventListener("keydown", (event) => event.key === "Enter" && grid.firstChild?.click());
  draw();
  popup(anchor, el("div", { class: "emoji-box" }, filter, grid), { align: "end", className: "popup-emoji" });
}

// ---- the thread line, and the tools that come with the pointer or the focus ----

function threadLine(message, place) {
  if (!message.reply_count) return null;
  const open = () => emit("open-thread", { channel: place.channel, ts: message.ts });
  const latest = Number(message.latest_reply || 0);
  return el(
    "button",
    { class: "thread-line", type: "button", dataset: { key: "thread" }, onclick: open },
    el("span", { class: "faces" }, (message.reply_users || []).slice(0, 4).map((id) => avatar(id, 22))),
    el("span", { class: "thread-count", text: `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}` }),
    latest > 0 && el("span", { class: "thread-when", dataset: { moment: String(latest), format: "{ago}" }, text: ago(latest) }),
  );
}

function tools(message, place) {
  const thread = message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : message.ts;
  const pinned = message.reactions?.find((r) => r.name === "pushpin")?.users?.includes(state.me?.id);
  return el(
    "div",
    { class: "tools", role: "toolbar", "aria-label": "Message tools" },
    el("button", { class: pinned ? "icon-button mine" : "icon-button", type: "button", title: "React with 📌 (adds to the timeline)", "aria-label": "React with pushpin", "aria-pressed": String(Boolean(pinned)), dataset: { key: "tool-pin" }, onclick: () => react(place.channel, message, "pushpin") }, el("span", { class: "emoji", text: "📌" })),
    iconButton("smile", "Add a reaction", (event) => reactionPicker(event.currentTarget, place.channel, message), { dataset: { key: "tool-react" } }),
    !place.thread && iconButton("thread", "Reply in thread", () => emit("open-thread", { channel: place.channel, ts: thread, focus: true }), { dataset: { key: "tool-thread" } }),
    iconButton("dots", "More", (event) => moreMenu(event.currentTarget, message, place), { "aria-haspopup": "menu", dataset: { key: "tool-more" } }),
  );
}

function moreMenu(anchor, message, place) {
  const own = message.user === state.me?.id && !message.bot_id;
  const shortcuts = state.shortcuts.filter((s) => s.type === "message");
  menu(
    anchor,
    [
      ...shortcuts.map((s) => ({ label: s.name, note: state.bot?.name, lead: avatar("app", 16), run: () => runShortcut(s, place.channel, message) })),
      "-",
      { label: "Copy text", icon: "copy", run: () => copy(message) },
      { label: "Mark unread from here", icon: "unread", run: () => emit("mark-unread", { channel: place.channel, ts: message.ts }) },
      ...(own ? ["-", { label: "Edit message", icon: "canvas", run: () => emit("edit", { channel: place.channel, message }) }, { label: "Delete message", icon: "close", danger: true, run: () => erase(place.channel, message) }] : []),
    ],
    { label: "Message" },
  );
}

export async function runShortcut(shortcut, channel, message) {
  try {
    await client("shortcut", { callback_id: shortcut.callback_id, channel, message_ts: message?.ts });
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

async function copy(message) {
  try {
    await navigator.clipboard.writeText(summary(message));
    announce("Copied");
  } catch {
    toast("The browser did not allow copying.", "bad");
  }
}

async function erase(channel, message) {
  const sure = await ask({ title: "Delete this message?", text: `“${summary(message).slice(0, 120)}” in ${channelTitle(state.channels.get(channel))}. It cannot be brought back.`, confirm: "Delete", danger: true });
  if (!sure) return;
  try {
    await slack("chat.delete", { channel, ts: message.ts });
  } catch (error) {
    toast(sentence(error), "bad");
  }
}
