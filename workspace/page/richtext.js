// Slack's rich_text block to document nodes.

import { el } from "./dom.js";
import { picture } from "./emoji.js";
import { person, channelLink, broadcast, group, dateNode, link, emojiNode } from "./mrkdwn.js";

export function richText(block) {
  return el("div", { class: "rich" }, (block.elements || []).map(part));
}

function part(element) {
  switch (element.type) {
    case "rich_text_section":
      return el("div", { class: "rich-section" }, inlineAll(element.elements));
    case "rich_text_preformatted":
      return el("pre", { class: "code-block", tabindex: "0" }, el("code", {}, inlineAll(element.elements)));
    case "rich_text_quote":
      return el("blockquote", {}, inlineAll(element.elements));
    case "rich_text_list": {
      const ordered = element.style === "ordered";
      return el(
        ordered ? "ol" : "ul",
        { class: "rich-list", style: { "--indent": String(element.indent || 0) }, start: ordered && element.offset ? element.offset + 1 : null },
        (element.elements || []).map((item) => el("li", {}, inlineAll(item.elements))),
      );
    }
    default:
      return null;
  }
}

function inlineAll(elements) {
  return (elements || []).map(inlineOne);
}

function inlineOne(element) {
  const node = bare(element);
  if (!node || !element.style) return node;
  let wrapped = node;
  const { bold, italic, strike, code } = element.style;
  if (code) wrapped = el("code", {}, wrapped);
  if (strike) wrapped = el("s", {}, wrapped);
  if (italic) wrapped = el("em", {}, wrapped);
  if (bold) wrapped = el("strong", {}, wrapped);
  return wrapped;
}

function bare(element) {
  switch (element.type) {
    case "text":
      return document.createTextNode(element.text || "");
    case "link":
      return link(element.url || "", element.text || element.url);
    case "user":
      return person(element.user_id, "");
    case "usergroup":
      return group(element.usergroup_id, "");
    case "channel":
      return channelLink(element.channel_id, "");
    case "broadcast":
      return broadcast(element.range);
    case "emoji": {
      const value = element.unicode ? String.fromCodePoint(...element.unicode.split("-").map((h) => Number.parseInt(h, 16))) : picture(element.name);
      return value ? emojiNode(element.name, value) : document.createTextNode(`:${element.name}:`);
    }
    case "date":
      return dateNode(element.timestamp, element.format || "{date} {time}", element.url, element.fallback);
    case "color":
      return el("span", {}, el("span", { class: "swatch", style: { background: /^#[0-9a-f]{3,8}$/i.test(element.value) ? element.value : "" } }), element.value);
    default:
      return element.text ? document.createTextNode(element.text) : null;
  }
}
