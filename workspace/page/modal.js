// The app's forms: one dialog that shows the top of a stack of views. Closing, sending and
// updating follow the workspace's events; what a person typed survives an update.

import { el, iconButton, replace, keepFocus, toast, announce, freshId } from "./dom.js";
import { client, sentence } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { label } from "./elements.js";
import { withPictures } from "./emoji.js";
import { Values } from "./values.js";
import { closePopup } from "./popup.js";
import { on } from "./state.js";
import { act } from "./message.js";

const stack = []; // {view, values, errors, busy}
let dialog = null;
const titleId = freshId("form-title");

export function formOpen() {
  return stack.length > 0;
}

function top() {
  return stack[stack.length - 1];
}

function entry(view) {
  return { view, values: new Values(), errors: {}, busy: false };
}

function opened({ view }) {
  if (view.type && view.type !== "modal") return;
  const at = stack.findIndex((e) => e.view.id === view.id);
  if (at >= 0) return updated({ view });
  stack.splice(0, stack.length, entry(view));
  draw(true);
}

function pushed({ view }) {
  if (stack.some((e) => e.view.id === view.id)) return updated({ view });
  stack.push(entry(view));
  draw(true);
}

function updated({ view }) {
  const held = stack.find((e) => e.view.id === view.id);
  if (!held) return;
  const loaded = held.view.blocks?.every((b) => b.type !== "input");
  held.view = view;
  held.errors = {};
  held.busy = false;
  if (held === top()) draw(loaded && view.blocks?.some((b) => b.type === "input"));
}

function closed({ view, view_id, clear }) {
  const id = view?.id || view_id;
  if (clear || !id) stack.length = 0;
  else {
    const at = stack.findIndex((e) => e.view.id === id);
    if (at < 0) return;
    stack.splice(at, 1);
  }
  draw(true);
}

// leave closes the top view, as its close button does; all leaves the whole stack.
async function leave(all = false) {
  const gone = all ? stack.splice(0, stack.length) : stack.splice(-1, 1);
  draw(true);
  for (const { view } of gone.toReversed()) {
    try {
      await client("view/close", { view_id: view.id });
    } catch (error) {
      if (error.code !== "view_not_found" && error.code !== "not_found") toast(sentence(error), "bad");
    }
  }
}

async function submit() {
  const now = top();
  if (!now || now.busy) return;
  const missing = required(now);
  if (Object.keys(missing).length) return showErrors(now, missing);
  now.busy = true;
  now.errors = {};
  draw(false);
  try {
    await client("view/submit", { view_id: now.view.id, state: now.values.toState() });
    now.busy = false;
    if (top() === now) draw(false);
  } catch (error) {
    now.busy = false;
    if (error.answer?.response_action === "errors" || error.answer?.errors) return showErrors(now, error.answer.errors || {});
    if (top() === now) draw(false);
    toast(sentence(error), "bad");
  }
}

function showErrors(now, errors) {
  now.errors = errors;
  if (top() !== now) return;
  draw(false);
  const first = dialog.querySelector(".has-error");
  first?.scrollIntoView({ block: "center" });
  first?.querySelector("input, textarea, button")?.focus({ preventScroll: true });
  announce(Object.values(errors).join(". "));
}

// required finds the inputs that must not be empty, as Slack's client does before it sends.
function required({ view, values }) {
  const errors = {};
  for (const block of view.blocks || []) {
    if (block.type !== "input" || block.optional || !block.element) continue;
    const { type: _type, ...value } = values.get(block.block_id, block.element.action_id) || {};
    const empty = Object.values(value).every((v) => v === null || v === undefined || v === "" || (Array.isArray(v) && v.length === 0));
    if (empty) errors[block.block_id] = "This is needed.";
    const { min_length: least, max_length: most } = block.element;
    const length = typeof value.value === "string" ? [...value.value].length : 0;
    if (!empty && least && length < least) errors[block.block_id] = `At least ${least} characters, please.`;
    if (most && length > most) errors[block.block_id] = `At most ${most} characters, please; these are ${length}.`;
  }
  return errors;
}

function draw(fresh) {
  const now = top();
  if (!now) {
    if (!dialog) return;
    closePopup(false);
    dialog.close();
    dialog.remove();
    dialog = null;
    // Closing gives the focus back by itself, unless what had it was drawn anew meanwhile.
    if (document.activeElement === document.body) document.getElementById("composer-text")?.focus({ preventScroll: true });
    return;
  }
  if (!dialog) {
    dialog = el("dialog", { class: "form", "aria-labelledby": titleId });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      leave();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        submit();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  }
  if (fresh) closePopup(false);
  const scroll = dialog.querySelector(".form-body")?.scrollTop || 0;
  keepFocus(dialog, () => replace(dialog, content(now)));
  const body = dialog.querySelector(".form-body");
  if (!fresh) body.scrollTop = scroll;
  if (fresh || !dialog.contains(document.activeElement)) {
    const first = dialog.querySelector("[data-focus]") || body.querySelector(".block-input input, .block-input textarea, .block-input button") || dialog.querySelector("[type=submit]") || dialog.querySelector("button");
    first?.focus({ preventScroll: true });
  }
}

function content(now) {
  const { view } = now;
  const container = { type: "view", view_id: view.id };
  const ctx = {
    values: now.values,
    scope: view.id,
    errors: now.errors,
    act: (action, node) => act({ container, action, state: now.values.toState() }, node),
    options: (block, spec, text) => client("options", { container, view_id: view.id, block_id: block.block_id, action_id: spec.action_id, value: text }),
    touched: (block) => {
      if (!now.errors[block]) return;
      delete now.errors[block];
      const node = dialog?.querySelector(`[data-block="${CSS.escape(block)}"]`);
      node?.classList.remove("has-error");
      node?.querySelector(".input-error")?.remove();
    },
  };
  const title = withPictures(view.title?.text || "");
  const close = label(view.close) || (view.submit ? "Cancel" : "Close");
  return el(
    "form",
    {
      class: "form-inner",
      novalidate: true,
      "aria-busy": now.busy ? "true" : null,
      onsubmit: (event) => {
        event.preventDefault();
        submit();
      },
    },
    el(
      "header",
      { class: "form-head" },
      stack.length > 1 && iconButton("back", "Back", () => leave(), { dataset: { key: "back" } }),
      el("h2", { id: titleId, text: title }),
      iconButton("close", "Close the form", () => leave(true), { dataset: { key: "close-all" } }),
    ),
    el("div", { class: "form-body" }, renderBlocks(view.blocks, ctx)),
    el(
      "footer",
      { class: "dialog-foot" },
      el("button", { class: "button", type: "button", dataset: { key: "close" }, onclick: () => leave() }, close),
      view.submit && el("button", { class: "button button-primary", type: "submit", dataset: { key: "submit" }, disabled: now.busy || Boolean(view.submit_disabled), "aria-busy": now.busy ? "true" : null }, el("span", { text: label(view.submit) })),
    ),
  );
}

on("view_opened", opened);
on("view_pushed", pushed);
on("view_updated", updated);
on("view_closed", closed);
on("person", () => {
  stack.length = 0;
  draw(true);
});
