// Slack's mrkdwn to document nodes. The source text only ever becomes text nodes, so a
// message cannot bring markup of its own. It never fetches anything.

import { el } from "./dom.js";
import { picture, withPictures } from "./emoji.js";
import { state, personName, dateToken, dateLong, timeSecsOf } from "./state.js";

function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// mrkdwn renders text with all of its marks, lines, quotes, lists and code.
export function mrkdwn(text) {
  const out = document.createDocumentFragment();
  const parts = String(text ?? "").split("```");
  const unclosed = parts.length % 2 === 0;
  parts.forEach((part, i) => {
    const isCode = i % 2 === 1 && !(unclosed && i === parts.length - 1);
    if (isCode) {
      out.append(el("pre", { class: "code-block", tabindex: "0" }, el("code", { text: unescape(stripMarks(part)).replace(/^\n/, "").replace(/\n$/, "") })));
      return;
    }
    const source = unclosed && i === parts.length - 1 ? `\`\`\`${part}` : part;
    const trimmed = i > 0 && i % 2 === 0 ? source.replace(/^\n/, "") : source;
    lines(trimmed, out);
  });
  return out;
}

// In code, marks such as links lose their brackets and keep their text.
function stripMarks(text) {
  return text.replace(/<([^<>\n]+)>/g, (whole, inside) => {
    const [address, label] = cut(inside, "|");
    if (/^(https?:|mailto:|tel:)/.test(address)) return label || address;
    return whole;
  });
}

function cut(text, by) {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + by.length)];
}

const QUOTE = /^(?:&gt;|>) ?/;
const BULLET = /^(\s*)(?:[•◦▪‣]|[-*](?=\s))\s+/;
const NUMBER = /^(\s*)(\d{1,3})[.)]\s+/;

function lines(text, out) {
  const rows = text.split("\n");
  let run = [];
  const flush = () => {
    if (run.length) out.append(paragraph(run));
    run = [];
  };
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (/^(?:&gt;|>){3}/.test(row)) {
      flush();
      const rest = [row.replace(/^(?:&gt;|>){3} ?/, ""), ...rows.slice(i + 1)];
      out.append(el("blockquote", {}, paragraph(rest)));
      return;
    }
    if (QUOTE.test(row)) {
      flush();
      const quoted = [];
      while (i < rows.length && QUOTE.test(rows[i])) quoted.push(rows[i++].replace(QUOTE, ""));
      i -= 1;
      out.append(el("blockquote", {}, paragraph(quoted)));
      continue;
    }
    const bullet = BULLET.exec(row);
    const number = NUMBER.exec(row);
    if (bullet || number) {
      flush();
      const indent = Math.min(4, Math.floor((bullet || number)[1].length / 2));
      const mark = bullet ? "•" : `${number[2]}.`;
      const rest = row.slice((bullet || number)[0].length);
      out.append(
        el("div", { class: "item", style: { "--indent": String(indent) } }, el("span", { class: "item-mark", text: mark }), el("span", { class: "item-text" }, inline(rest))),
      );
      continue;
    }
    run.push(row);
  }
  flush();
}

function paragraph(rows) {
  const out = document.createDocumentFragment();
  rows.forEach((row, i) => {
    if (i > 0) out.append(el("br"));
    out.append(inline(row));
  });
  return out;
}

const STYLES = { "*": "strong", _: "em", "~": "s" };
const OPENS_AFTER = /[\s([{"'“‘«:;,.!?/\-–—*_~]/;
const CLOSES_BEFORE = /[\s)\]}"'”’».,:;!?/\-–—*_~…]/;

// inline renders one line's marks.
function inline(text) {
  const out = document.createDocumentFragment();
  let plain = "";
  const flush = () => {
    if (plain) out.append(unescape(plain));
    plain = "";
  };
  for (let i = 0; i < text.length; ) {
    const char = text[i];
    if (char === "`") {
      const end = text.indexOf("`", i + 1);
      if (end > i + 1) {
        flush();
        out.append(el("code", { text: unescape(stripMarks(text.slice(i + 1, end))) }));
        i = end + 1;
        continue;
      }
    }
    if (char === "<") {
      const end = text.indexOf(">", i + 1);
      if (end > i + 1) {
        const node = mark(text.slice(i + 1, end));
        if (node) {
          flush();
          out.append(node);
          i = end + 1;
          continue;
        }
      }
    }
    if (char === ":") {
      const name = /^:([a-z0-9_+'-]+(?:::[a-z0-9-]+)?):/.exec(text.slice(i, i + 60));
      const found = name && picture(name[1]);
      if (found) {
        flush();
        out.append(emojiNode(name[1], found));
        i += name[0].length;
        continue;
      }
    }
    if (STYLES[char] && (i === 0 || OPENS_AFTER.test(text[i - 1])) && text[i + 1] && !/\s/.test(text[i + 1]) && text[i + 1] !== char) {
      const end = closing(text, i, char);
      if (end > 0) {
        flush();
        out.append(el(STYLES[char], {}, inline(text.slice(i + 1, end))));
        i = end + 1;
        continue;
      }
    }
    if (char === "h" && (i === 0 || /[\s(]/.test(text[i - 1]))) {
      const bare = /^https?:\/\/[^\s<>|]+[^\s<>|.,:;!?)'"]/.exec(text.slice(i));
      if (bare) {
        flush();
        out.append(link(unescape(bare[0]), unescape(bare[0])));
        i += bare[0].length;
        continue;
      }
    }
    plain += char;
    i += 1;
  }
  flush();
  return out;
}

function closing(text, start, char) {
  for (let i = start + 2; i < text.length; i++) {
    if (text[i] === "<") {
      const end = text.indexOf(">", i);
      if (end > i) i = end;
      continue;
    }
    if (text[i] === "`") {
      const end = text.indexOf("`", i + 1);
      if (end > i) {
        i = end;
        continue;
      }
    }
    if (text[i] !== char || /\s/.test(text[i - 1])) continue;
    if (i + 1 === text.length || CLOSES_BEFORE.test(text[i + 1]) || text.startsWith("&", i + 1)) return i;
  }
  return -1;
}

export function emojiNode(name, value) {
  return el("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:`, text: value });
}

// mark renders what stands between < and >; null when it is no mark.
function mark(inside) {
  const [target, label] = cut(inside, "|");
  const kind = target[0];
  if (kind === "@") return person(target.slice(1), unescape(label));
  if (kind === "#") return channelLink(target.slice(1), unescape(label));
  if (kind === "!") return special(target.slice(1), unescape(label));
  if (/^(https?:\/\/|mailto:|tel:)/i.test(target)) {
    const address = unescape(target);
    return link(address, label ? withPictures(unescape(label)) : address.replace(/^mailto:|^tel:/, ""));
  }
  return null;
}

export function person(id, label) {
  const known = state.users.has(id);
  const name = known ? personName(id) : label || id;
  const mine = id === state.me?.id;
  return el("button", {
    class: mine ? "mention mention-me" : "mention",
    type: "button",
    dataset: { user: id },
    text: `@${name.replace(/^@/, "")}`,
  });
}

export function channelLink(id, label) {
  const channel = state.channels.get(id);
  const name = channel?.name || label || id;
  return el("button", { class: "mention", type: "button", dataset: { channel: id }, text: `#${name}` });
}

export function broadcast(range) {
  return el("span", { class: "mention mention-me", text: `@${range}` });
}

export function group(id, label) {
  const known = state.groups.find((g) => g.id === id);
  return el("span", { class: "mention", title: known?.name, text: known ? `@${known.handle}` : label || `@${id || "group"}` });
}

function special(target, label) {
  const [word, ...rest] = target.split("^");
  if (word === "here" || word === "channel" || word === "everyone") return broadcast(word);
  if (word === "subteam") return group(rest[0], label);
  if (word === "date") return dateNode(Number(rest[0]), rest[1] || "{date} {time}", rest[2], label);
  return el("span", { class: "mention", text: label || `@${word}` });
}

// dateNode shows a moment in the reader's zone; an {ago} is kept fresh by the page's tick.
export function dateNode(seconds, format, address, fallback) {
  if (!Number.isFinite(seconds)) return document.createTextNode(fallback || "");
  const text = dateText(seconds, format);
  const node = el("time", {
    class: "date",
    datetime: new Date(seconds * 1000).toISOString(),
    title: `${dateLong(seconds)}, ${timeSecsOf(seconds)} (${state.me?.tz || "local time"})`,
    text,
  });
  if (/\{(ago|[a-z_]*pretty)\}/.test(format)) Object.assign(node.dataset, { moment: String(seconds), format });
  if (!address) return node;
  const wrapped = link(address, "");
  wrapped.replaceChildren(node);
  return wrapped;
}

export function dateText(seconds, format) {
  return format.replace(/\{([a-z_]+)\}/g, (whole, token) => dateToken(token, seconds) ?? whole);
}

// link makes an anchor for web, mail and phone addresses only. A permalink into this
// workspace opens in place.
export function link(address, label) {
  let safe;
  try {
    const url = new URL(address, location.href);
    safe = ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url : null;
  } catch {
    safe = null;
  }
  if (!safe) return el("span", { text: label || address });
  const node = el("a", { href: safe.href, target: "_blank", rel: "noopener noreferrer", text: label || address });
  const archive = /\/archives\/([A-Z0-9]+)(?:\/p(\d{10})(\d{6}))?/.exec(safe.pathname);
  if (archive && (state.channels.has(archive[1]) || safe.origin === location.origin)) {
    node.dataset.channel = archive[1];
    if (archive[2]) node.dataset.ts = `${archive[2]}.${archive[3]}`;
    const thread = safe.searchParams.get("thread_ts");
    if (thread) node.dataset.thread = thread;
    node.removeAttribute("target");
  }
  return node;
}

// plainText is the text without marks, for previews, labels and notifications.
export function plainText(text) {
  const flat = String(text ?? "").replace(/<([^<>]+)>/g, (whole, inside) => mark(inside)?.textContent ?? whole);
  return withPictures(unescape(flat.replace(/```/g, " ").replace(/(^|\s)[*_~`](?=\S)|(\S)[*_~`](?=\s|$|[.,;:!?])/g, "$1$2"))).trim();
}
