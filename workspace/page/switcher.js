// Ctrl+K: jump to a channel, a person or a drawer by typing a part of its name.

import { el, icon, freshId } from "./dom.js";
import { avatar } from "./avatar.js";
import { direct } from "./sidebar.js";
import { botTitle } from "./home.js";
import { state, emit, channelTitle, fullName } from "./state.js";

export function openSwitcher() {
  if (document.querySelector("dialog[open]")) return;
  const back = document.activeElement;
  const listId = freshId("jump");
  const list = el("div", { class: "jump-list", role: "listbox", id: listId, "aria-label": "Places" });
  const input = el("input", { type: "text", class: "jump-input", placeholder: "Jump to a channel or a person", role: "combobox", "aria-expanded": "true", "aria-controls": listId, "aria-label": "Jump to", autocomplete: "off", spellcheck: "false" });
  const dialog = el("dialog", { class: "jump-dialog", "aria-label": "Jump to" }, el("div", { class: "jump-top" }, icon("search", 18), input), list);
  let found = [];
  let at = 0;

  const close = (restore = true) => {
    dialog.close();
    dialog.remove();
    if (restore && back?.isConnected) back.focus({ preventScroll: true });
  };
  const go = (place) => {
    close(false);
    place.run();
  };
  const draw = () => {
    const wanted = input.value.trim().toLowerCase().replace(/^[#@]/, "");
    found = places()
      .map((place) => ({ place, score: score(place, wanted) }))
      .filter((p) => p.score > 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, 9)
      .map((p) => p.place);
    at = Math.max(0, Math.min(at, found.length - 1));
    list.replaceChildren(
      ...found.map((place, i) =>
        el(
          "div",
          { class: i === at ? "option is-active" : "option", role: "option", id: `${listId}-${i}`, "aria-selected": String(i === at), onclick: () => go(place) },
          el("span", { class: "side-lead" }, place.lead()),
          el("span", { class: "option-text" }, place.name, place.note && el("small", { text: place.note })),
          place.badge > 0 && el("span", { class: "badge", text: String(place.badge) }),
        ),
      ),
    );
    if (!found.length) list.append(el("p", { class: "options-none", text: "Nothing has that name." }));
    input.setAttribute("aria-activedescendant", `${listId}-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => {
    at = 0;
    draw();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % Math.max(1, found.length);
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (found[at]) go(found[at]);
    }
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  draw();
}

function places() {
  const rooms = [...state.channels.values()]
    .filter((c) => !c.is_im)
    .map((c) => ({
      name: channelTitle(c),
      note: c.is_archived ? "archived" : c.topic?.value ? "" : "",
      weight: (c.mentions ? 6 : 0) + (c.unread ? 4 : 0) + (c.is_archived ? -3 : 0) + (c.is_member ? 1 : 0),
      badge: c.mentions,
      lead: () => (c.is_private ? icon("lock", 16) : el("span", { class: "hash", text: "#" })),
      run: () => emit("go", { kind: "channel", id: c.id }),
    }));
  const people = state.people
    .filter((p) => p.id !== state.me?.id)
    .map((p) => ({ name: fullName(p.id), note: `@${p.name}`, weight: 0, lead: () => avatar(p.id, 20), run: () => direct(p.id) }));
  const others = [
    { name: botTitle(), note: "App Home", weight: 0, lead: () => avatar("app", 20), run: () => emit("go", { kind: "home" }) },
    { name: `Messages with ${botTitle()}`, weight: 0, lead: () => avatar("app", 20), run: () => emit("go", { kind: "bot" }) },
    ...[["Phone", "phone"], ["Inbox", "mail"], ["Faults", "bolt"]].map(([name, picture]) => ({ name, weight: -2, lead: () => icon(picture, 16), run: () => emit("toggle-pane", name.toLowerCase()) })),
  ];
  return [...rooms, ...people, ...others];
}

function score(place, wanted) {
  const name = place.name.toLowerCase();
  const base = 10 + place.weight;
  if (!wanted) return base;
  if (name === wanted) return base + 100;
  if (name.startsWith(wanted)) return base + 60;
  if (name.split(/[\s_-]+/).some((w) => w.startsWith(wanted))) return base + 40;
  if (`${name} ${place.note || ""}`.toLowerCase().includes(wanted)) return base + 20;
  let from = 0;
  for (const char of wanted) {
    from = name.indexOf(char, from) + 1;
    if (from === 0) return 0;
  }
  return base;
}
