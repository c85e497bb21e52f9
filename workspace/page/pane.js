// The side pane: threads, pinned messages, canvas, members, and the drawers of tools.js. One
// thing at a time; closing gives the focus back to where it came from.

import { el, iconButton, replace } from "./dom.js";
import { avatar } from "./avatar.js";
import { mrkdwn } from "./mrkdwn.js";
import { slack } from "./api.js";
import { summary } from "./message.js";
import { threadPane } from "./thread.js";
import { phonePane, inboxPane, faultsPane, actionsPane } from "./tools.js";
import { state, emit, on, authorOf, fullName, timeOf, dayTitle } from "./state.js";

const KINDS = { thread: threadPane, pins: pinsPane, canvas: canvasPane, members: membersPane, phone: phonePane, inbox: inboxPane, faults: faultsPane, actions: actionsPane };

let current = null;
let opener = null;

export function openPane(what) {
  const node = document.getElementById("pane");
  if (!node.contains(document.activeElement)) opener = document.activeElement;
  current?.stop?.();
  const content = KINDS[what.kind](what);
  current = content;
  state.pane = what;
  replace(
    node,
    el(
      "header",
      { class: "pane-head" },
      el("div", { class: "pane-title" }, el("h2", { text: content.title }), content.note && el("span", { text: content.note })),
      iconButton("close", "Close", () => closePane(), { dataset: { close: "" } }),
    ),
    content.body,
  );
  node.hidden = false;
  node.setAttribute("aria-label", content.title);
  node.className = `pane pane-${what.kind}`;
  document.getElementById("app").classList.add("with-pane");
  const started = content.start?.();
  if (!what.focus && what.kind !== "thread") node.querySelector("[data-close]").focus({ preventScroll: true });
  emit("pane");
  return started;
}

export function closePane() {
  if (!current) return;
  current.stop?.();
  current = null;
  state.pane = null;
  const node = document.getElementById("pane");
  const held = node.contains(document.activeElement);
  node.hidden = true;
  node.replaceChildren();
  document.getElementById("app").classList.remove("with-pane");
  if (held) (opener?.isConnected ? opener : document.getElementById("composer-text"))?.focus({ preventScroll: true });
  emit("pane");
}

// togglePane opens a drawer, or closes it when it is what is open.
export function togglePane(kind) {
  if (state.pane?.kind === kind) closePane();
  else openPane({ kind });
}

function pinsPane({ channel }) {
  const body = el("div", { class: "pane-body" });
  const refresh = () => {
    const list = state.pins.get(channel) || [];
    replace(
      body,
      list.length === 0 && el("p", { class: "empty", text: "Nothing is pinned here." }),
      list.map((message) => {
        const author = authorOf(message);
        const thread = message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : "";
        return el(
          "button",
          { class: "card", type: "button", onclick: () => emit("jump", { channel, ts: message.ts, thread }) },
          el("span", { class: "card-head" }, avatar(author.id, 22), el("strong", { text: author.name }), el("small", { text: `${dayTitle(Number(message.ts))}, ${timeOf(Number(message.ts))}` })),
          el("span", { class: "card-text", text: summary(message).slice(0, 280) }),
        );
      }),
    );
  };
  refresh();
  const off = on("extras", refresh);
  return { title: "Pinned", note: `#${state.channels.get(channel)?.name || ""}`, body, refresh, stop: off };
}

function canvasPane({ channel }) {
  const body = el("div", { class: "pane-body" });
  const refresh = () => {
    const canvas = state.canvases.get(channel);
    replace(body, canvas ? el("div", { class: "canvas" }, canvas.title && el("h1", { text: canvas.title }), markdownPage(canvas.markdown || canvas.text || "")) : el("p", { class: "empty", text: "This channel has no canvas." }));
  };
  refresh();
  const off = on("extras", refresh);
  return { title: "Canvas", note: `#${state.channels.get(channel)?.name || ""}`, body, refresh, stop: off };
}

// markdownPage shows a canvas: headings, lists, check-lists, quotes, code and tables.
function markdownPage(text) {
  const out = document.createDocumentFragment();
  const rows = text.split("\n");
  const inlineText = (s) => mrkdwn(s.replace(/!?\[([^\]]*)\]\((https?:[^)\s]+)\)/g, "<$2|$1>").replace(/\*\*([^*]+)\*\*/g, "*$1*").replace(/!\[\]\((@U\w+)\)/g, "<$1>").replace(/!\[\]\((#C\w+)\)/g, "<$1>"));
  let run = [];
  const flush = () => {
    if (run.length) out.append(el("p", {}, inlineText(run.join("\n"))));
    run = [];
  };
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const heading = /^(#{1,4})\s+(.*)$/.exec(row);
    const check = /^\s*[-*]\s+\[( |x)\]\s+(.*)$/i.exec(row);
    if (heading) {
      flush();
      out.append(el(`h${Math.min(4, heading[1].length + 1)}`, {}, inlineText(heading[2])));
    } else if (check) {
      flush();
      const box = el("input", { type: "checkbox", disabled: true });
      box.checked = check[1] !== " ";
      out.append(el("label", { class: "choice" }, box, el("span", {}, inlineText(check[2]))));
    } else if (/^```/.test(row)) {
      flush();
      const code = [];
      while (++i < rows.length && !/^```/.test(rows[i])) code.push(rows[i]);
      out.append(el("pre", { class: "code-block", tabindex: "0" }, el("code", { text: code.join("\n") })));
    } else if (/^(-{3,}|\*{3,})$/.test(row.trim())) {
      flush();
      out.append(el("hr"));
    } else if (/^\s*\|.*\|\s*$/.test(row)) {
      flush();
      const table = el("table");
      for (; i < rows.length && /^\s*\|.*\|\s*$/.test(rows[i]); i++) {
        if (/^[\s|:-]+$/.test(rows[i])) continue;
        const cells = rows[i].trim().slice(1, -1).split("|");
        table.append(el("tr", {}, cells.map((c) => el(table.children.length === 0 ? "th" : "td", {}, inlineText(c.trim())))));
      }
      i -= 1;
      out.append(table);
    } else if (row.trim() === "") flush();
    else if (/^\s*([-*]|\d+[.)]|>)\s/.test(row)) {
      flush();
      out.append(inlineText(row));
    } else run.push(row);
  }
  flush();
  return out;
}

function membersPane({ channel }) {
  const body = el("div", { class: "pane-body" }, el("p", { class: "empty", text: "Loading…" }));
  const refresh = async () => {
    let ids = [];
    try {
      ids = (await slack("conversations.members", { channel, limit: 500 })).members || [];
    } catch {
      ids = [];
    }
    replace(
      body,
      ids.length === 0 && el("p", { class: "empty", text: "Nobody is here." }),
      ids
        .sort((a, b) => fullName(a).localeCompare(fullName(b)))
        .map((id) => el("button", { class: "row-button", type: "button", dataset: { user: id } }, avatar(id, 32), el("span", { class: "row-text" }, el("strong", { text: fullName(id) }), el("small", { text: state.users.get(id)?.profile?.title || `@${state.users.get(id)?.name || ""}` })))),
    );
  };
  return { title: "Members", note: `#${state.channels.get(channel)?.name || ""}`, body, start: refresh, refresh };
}
