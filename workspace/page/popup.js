// Things that open next to what was clicked: menus, small panels, questions. One is open at
// a time; Esc or a click elsewhere closes it and the focus goes back.

import { el, icon, freshId } from "./dom.js";

let open = null;

export function closePopup(restore = true) {
  if (!open) return;
  const { node, anchor, onclose, stop } = open;
  open = null;
  stop();
  const held = node.contains(document.activeElement);
  node.remove();
  anchor?.setAttribute?.("aria-expanded", "false");
  if (restore && held && anchor?.isConnected) anchor.focus({ preventScroll: true });
  onclose?.();
}

export function popupOpen() {
  return Boolean(open);
}

// popup shows content beside anchor. Inside a form it opens within the form, because
// everything outside an open dialog cannot be reached.
export function popup(anchor, content, { onclose, className = "", width, focus = true, align = "start" } = {}) {
  const again = open?.anchor === anchor;
  closePopup(false);
  if (again) return null;
  const node = el("div", { class: `popup ${className}`, popover: "manual" }, content);
  (anchor.closest("dialog") || document.body).append(node);
  if (width) node.style.setProperty("width", `${width}px`);
  node.showPopover?.();
  const place = () => position(node, anchor, align);
  place();
  const outside = (event) => {
    if (node.contains(event.target) || anchor.contains(event.target)) return;
    closePopup(false);
  };
  const keys = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    closePopup();
  };
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", keys, true);
  window.addEventListener("resize", place);
  const stop = () => {
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("keydown", keys, true);
    window.removeEventListener("resize", place);
  };
  anchor.setAttribute?.("aria-expanded", "true");
  open = { node, anchor, onclose, stop, place };
  if (focus) (node.querySelector("[data-first]") || node.querySelector("button, input, [tabindex]"))?.focus({ preventScroll: true });
  return node;
}

export function placeAgain() {
  open?.place();
}

function position(node, anchor, align) {
  const box = anchor.getBoundingClientRect();
  const size = node.getBoundingClientRect();
  const margin = 8;
  let left = align === "end" ? box.right - size.width : box.left;
  left = Math.max(margin, Math.min(left, innerWidth - size.width - margin));
  const below = box.bottom + 6;
  const above = box.top - size.height - 6;
  const top = below + size.height <= innerHeight - margin || above < margin ? Math.min(below, Math.max(margin, innerHeight - size.height - margin)) : above;
  node.style.setProperty("left", `${left}px`);
  node.style.setProperty("top", `${top}px`);
}

// menu opens a list of commands. Items: {label, icon?, note?, danger?, run} or "-".
export function menu(anchor, items, { label = "Menu", align = "end" } = {}) {
  const list = el("div", { class: "menu", role: "menu", "aria-label": label });
  for (const item of items) {
    if (item === "-") {
      if (list.children.length) list.append(el("hr", { role: "separator" }));
      continue;
    }
    list.append(
      el(
        "button",
        {
          class: item.danger ? "menu-item danger" : "menu-item",
          type: "button",
          role: item.checked === undefined ? "menuitem" : "menuitemradio",
          "aria-checked": item.checked === undefined ? null : String(item.checked),
          tabindex: "-1",
          onclick: () => {
            closePopup();
            item.run();
          },
        },
        item.lead || (item.icon ? icon(item.icon, 16) : el("span", { class: "menu-gap" })),
        el("span", { class: "menu-label" }, item.label, item.note && el("small", { text: item.note })),
        item.checked && icon("check", 16),
      ),
    );
  }
  list.addEventListener("keydown", (event) => {
    const all = [...list.querySelectorAll(".menu-item")];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    } else if (event.key === "Tab") {
      event.preventDefault();
      closePopup();
    } else if (event.key.length === 1 && /\S/.test(event.key)) {
      const rest = [...all.slice(at + 1), ...all.slice(0, at + 1)];
      rest.find((button) => button.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    }
  });
  const node = popup(anchor, list, { className: "popup-menu", align, focus: false });
  list.querySelector(".menu-item")?.focus({ preventScroll: true });
  return node;
}

// ask shows a question and resolves to true or false. Texts are nodes or strings.
export function ask({ title, text, confirm = "Yes", deny = "Cancel", danger = false, host }) {
  return new Promise((resolve) => {
    const id = freshId("ask");
    const back = document.activeElement;
    const done = (answer) => {
      dialog.close();
      dialog.remove();
      if (back?.isConnected) back.focus({ preventScroll: true });
      resolve(answer);
    };
    const dialog = el(
      "dialog",
      { class: "ask", "aria-labelledby": id },
      el("h2", { id }, title),
      el("div", { class: "ask-text" }, text),
      el(
        "div",
        { class: "dialog-foot" },
        el("button", { class: "button", type: "button", onclick: () => done(false) }, deny),
        el("button", { class: danger ? "button button-danger" : "button button-primary", type: "button", onclick: () => done(true) }, confirm),
      ),
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      done(false);
    });
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    (host || document.body).append(dialog);
    dialog.showModal();
    dialog.querySelector(danger ? ".button" : ".dialog-foot .button:last-child").focus();
  });
}
