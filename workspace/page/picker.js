// The list to choose from behind every select: one or many, with a filter, groups, and
// options that come from elsewhere while one types. It knows nothing of Slack's payloads.

import { el, icon, freshId } from "./dom.js";
import { popup, closePopup, placeAgain } from "./popup.js";

const FILTER_FROM = 8;
const TYPING_PAUSE = 180;

// picker returns a node. Choices are {id, label, note?, lead?}; groups are
// [{label?, choices}]. load(text) may return groups later; then the list is asked again while
// typing. selected is an array of ids' choices; onchange gets the new array.
export function picker({ key, label, placeholder, groups, load, least = 0, many, max, selected, onchange, describedby, disabled }) {
  let chosen = [...selected];
  const text = el("span", { class: "picker-text" });
  const button = el(
    "button",
    {
      class: "picker",
      type: "button",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-label": label ? `${label}` : null,
      "aria-describedby": describedby,
      dataset: { key },
      disabled,
      onclick: () => show(),
      onkeydown: (event) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          show();
        }
      },
    },
    text,
    icon("chevron", 16),
  );

  function drawButton() {
    text.replaceChildren();
    button.classList.toggle("is-empty", chosen.length === 0);
    if (chosen.length === 0) text.append(placeholder || (many ? "Choose some" : "Choose one"));
    else if (many) for (const choice of chosen) text.append(el("span", { class: "chip", text: choice.label }));
    else text.append(chosen[0].label);
  }
  drawButton();

  function show() {
    const id = freshId("list");
    const list = el("div", { class: "options", role: "listbox", id, "aria-multiselectable": many ? "true" : null, "aria-label": label || placeholder || "Options" });
    const filter = el("input", {
      class: "options-filter",
      type: "text",
      placeholder: "Filter",
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": id,
      "aria-label": `Filter ${label || "options"}`,
      autocomplete: "off",
      dataset: { first: "" },
    });
    const total = (groups || []).reduce((n, g) => n + g.choices.length, 0);
    const quiet = !load && total < FILTER_FROM;
    if (quiet) filter.classList.add("hidden-text");
    let active = null;
    let turn = 0;

    const activate = (node) => {
      active?.classList.remove("is-active");
      active = node;
      if (!node) return filter.removeAttribute("aria-activedescendant");
      node.classList.add("is-active");
      filter.setAttribute("aria-activedescendant", node.id);
      node.scrollIntoView({ block: "nearest" });
    };

    const choose = (choice) => {
      if (many) {
        const at = chosen.findIndex((c) => c.id === choice.id);
        if (at >= 0) chosen.splice(at, 1);
        else if (!max || chosen.length < max) chosen.push(choice);
        for (const node of list.querySelectorAll("[role=option]")) node.setAttribute("aria-selected", String(chosen.some((c) => c.id === node.dataset.id)));
      } else {
        chosen = [choice];
      }
      drawButton();
      onchange([...chosen]);
      if (!many) closePopup();
    };

    const draw = (shown) => {
      list.replaceChildren();
      const wanted = filter.value.trim().toLowerCase();
      for (const group of shown) {
        const kept = load ? group.choices : group.choices.filter((c) => !wanted || `${c.label} ${c.note || ""}`.toLowerCase().includes(wanted));
        if (!kept.length) continue;
        if (group.label) list.append(el("div", { class: "options-group", text: group.label }));
        for (const choice of kept) {
          list.append(
            el(
              "div",
              {
                class: "option",
                role: "option",
                id: freshId("option"),
                "aria-selected": String(chosen.some((c) => c.id === choice.id)),
                dataset: { id: choice.id },
                onclick: () => choose(choice),
                onpointermove: (event) => active !== event.currentTarget && activate(event.currentTarget),
              },
              choice.lead?.(),
              el("span", { class: "option-text" }, choice.label, choice.note && el("small", { text: choice.note })),
              icon("check", 16),
            ),
          );
        }
      }
      if (!list.children.length) list.append(el("p", { class: "options-none", text: "Nothing fits." }));
      activate(list.querySelector("[aria-selected=true]") || list.querySelector("[role=option]"));
      placeAgain();
    };

    let timer;
    const ask = async () => {
      const mine = ++turn;
      if (filter.value.length < least) {
        list.replaceChildren(el("p", { class: "options-none", text: `Type at least ${least} character${least === 1 ? "" : "s"}.` }));
        return;
      }
      list.setAttribute("aria-busy", "true");
      let found;
      try {
        found = await load(filter.value);
      } catch {
        found = null;
      }
      if (mine !== turn) return;
      list.removeAttribute("aria-busy");
      if (found) draw(found);
      else list.replaceChildren(el("p", { class: "options-none", text: "The app did not send options. Try again." }));
    };

    filter.addEventListener("input", () => {
      if (!load) return draw(groups);
      clearTimeout(timer);
      timer = setTimeout(ask, TYPING_PAUSE);
    });
    filter.addEventListener("keydown", (event) => {
      const all = [...list.querySelectorAll("[role=option]")];
      const at = all.indexOf(active);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (all.length) activate(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
      } else if (event.key === "Enter" || (event.key === " " && quiet)) {
        event.preventDefault();
        active?.click();
      } else if (event.key === "Tab") {
        closePopup();
      }
    });

    const width = Math.max(220, button.getBoundingClientRect().width);
    const content = el("div", { class: "options-box" }, filter, list);
    if (many || chosen.length) {
      content.append(
        el(
          "div",
          { class: "options-foot" },
          el("button", {
            class: "link-button",
            type: "button",
            text: "Clear",
            onclick: () => {
              chosen = [];
              drawButton();
              onchange([]);
              closePopup();
            },
          }),
          many && el("button", { class: "link-button", type: "button", text: "Done", onclick: () => closePopup() }),
        ),
      );
    }
    const node = popup(button, content, { className: "popup-options", width: Math.min(width, 420) });
    if (!node) return;
    if (load) ask();
    else draw(groups);
  }

  return button;
}
