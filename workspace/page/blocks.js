// Block Kit: layout blocks to document nodes. Unknown blocks show what text they have.

import { el, freshId } from "./dom.js";
import { fileUrl } from "./api.js";
import { mrkdwn, link } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { element, rendered, label } from "./elements.js";

// renderBlocks renders a message's or view's blocks. ctx is described in elements.js;
// ctx.errors, if there, maps block ids to sentences.
export function renderBlocks(blocks, ctx) {
  const shown = [];
  const out = el("div", { class: "blocks" });
  (blocks || []).forEach((block, i) => {
    const known = block.block_id ? block : { ...block, block_id: `block-${i}` };
    for (const spec of inputsOf(known)) shown.push([known.block_id, spec.action_id]);
    const node = one(known, ctx);
    if (node) out.append(node);
  });
  ctx.values?.keepOnly(shown);
  return out;
}

function inputsOf(block) {
  return [block.element, block.accessory, ...(block.type === "actions" ? block.elements || [] : [])].filter((spec) => spec?.action_id);
}

function one(block, ctx) {
  switch (block.type) {
    case "section":
      return section(block, ctx);
    case "header":
      return el("h3", { class: "block block-header", dataset: { block: block.block_id } }, label(block.text));
    case "divider":
      return el("hr", { class: "block block-divider" });
    case "context":
      return el("div", { class: "block block-context" }, (block.elements || []).map(contextPart));
    case "actions":
      return el("div", { class: "block block-actions", dataset: { block: block.block_id } }, (block.elements || []).map((spec) => element(spec, block, ctx, "actions")));
    case "image":
      return el("figure", { class: "block block-image" }, block.title && el("figcaption", {}, rendered(block.title)), picture(block));
    case "rich_text":
      return el("div", { class: "block" }, richText(block));
    case "input":
      return input(block, ctx);
    case "markdown":
      return el("div", { class: "block" }, mrkdwn(fromMarkdown(block.text || "")));
    case "file":
    case "video":
      return el("div", { class: "block block-note" }, block.title_url ? link(block.title_url, label(block.title)) : label(block.title) || "File");
    default:
      return fallback(block);
  }
}

function section(block, ctx) {
  const fields = block.fields?.length ? el("div", { class: "fields" }, block.fields.map((f) => el("div", { class: "field-cell" }, rendered(f)))) : null;
  const body = el("div", { class: "section-body" }, block.text && el("div", { class: "section-text" }, rendered(block.text)), fields);
  const side = block.accessory && (block.accessory.type === "image" ? el("div", { class: "thumb" }, picture(block.accessory)) : el("div", { class: "accessory" }, element(block.accessory, block, ctx, "accessory")));
  return el("div", { class: "block block-section", dataset: { block: block.block_id } }, body, side);
}

function contextPart(part) {
  if (part.type === "image") return el("span", { class: "context-image" }, picture(part));
  return el("span", { class: "context-text" }, rendered(part));
}

function picture(spec) {
  const source = fileUrl(spec.image_url || spec.slack_file?.url || spec.slack_file?.url_private);
  if (source) return el("img", { src: source, alt: spec.alt_text || "", loading: "lazy", width: spec.image_width, height: spec.image_height });
  return el("span", { class: "image-away" }, spec.image_url ? link(spec.image_url, spec.alt_text || "Picture elsewhere") : spec.alt_text || "Picture");
}

function input(block, ctx) {
  const name = label(block.label);
  const hintId = freshId("hint");
  const errorId = freshId("error");
  const error = ctx.errors?.[block.block_id];
  const describedby = [block.hint && hintId, error && errorId].filter(Boolean).join(" ") || null;
  const control = element(block.element, block, ctx, "input", { label: name + (block.optional ? " (optional)" : ""), describedby });
  const focusable = control.matches("input, textarea, button") ? control : control.querySelector("input, textarea, button");
  if (error) focusable?.setAttribute("aria-invalid", "true");
  if (!block.optional && focusable?.matches("input, textarea")) focusable.setAttribute("aria-required", "true");
  const grouped = ["checkboxes", "radio_buttons", "datetimepicker"].includes(block.element?.type);
  const title = el(grouped ? "div" : "label", { class: "input-label" }, name, block.optional && el("span", { class: "optional", text: "optional" }));
  if (!grouped && focusable) {
    focusable.id ||= freshId("field");
    title.setAttribute("for", focusable.id);
  }
  return el(
    "div",
    { class: error ? "block block-input has-error" : "block block-input", dataset: { block: block.block_id } },
    title,
    control,
    error && el("p", { class: "input-error", id: errorId, role: "alert", text: error }),
    block.hint && el("p", { class: "input-hint", id: hintId, text: label(block.hint) }),
  );
}

// fromMarkdown turns what a markdown block commonly has into mrkdwn's marks.
function fromMarkdown(text) {
  return text
    .split(/(```[\s\S]*?```|`[^`\n]*`)/)
    .map((part, i) =>
      i % 2 === 1
        ? part.replace(/^```[a-z]+\n/, "```\n")
        : part
            .replace(/^#{1,6}\s+(.+)$/gm, "**$1**")
            .replace(/\[([^\]\n]+)\]\((https?:[^)\s]+)\)/g, "<$2|$1>")
            .replace(/(^|[^*])\*([^*\s][^*\n]*)\*(?!\*)/g, "$1_$2_")
            .replace(/\*\*([^*\n]+)\*\*/g, "*$1*")
            .replace(/~~([^~\n]+)~~/g, "~$1~"),
    )
    .join("");
}

function fallback(block) {
  const text = typeof block.text === "string" ? block.text : block.text?.text;
  return text ? el("div", { class: "block" }, mrkdwn(text)) : null;
}
