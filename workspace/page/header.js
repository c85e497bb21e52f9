// The bar on top: the workspace, the jump field, the clock, the drawers, the theme.

import { el, icon, iconButton, replace } from "./dom.js";
import { clockControl, anyFault } from "./tools.js";
import { state, emit, on } from "./state.js";

export function startHeader() {
  const top = document.getElementById("top");
  const phone = drawer("phone", "Phone", "phone");
  const inbox = drawer("mail", "Inbox", "inbox");
  const faults = drawer("bolt", "Faults", "faults");
  const actions = drawer("bell", "Alerts", "actions");
  actions.hidden = true;
  const status = el("span", { class: "status", role: "status" });
  const theme = iconButton("moon", "Dark theme", () => changeTheme());
  replace(
    top,
    iconButton("menu", "Channels", () => emit("toggle-side"), { class: "only-narrow", id: "menu-button" }),
    el("div", { class: "brand" }, el("img", { src: "icon.svg", alt: "", width: 26, height: 26 }), el("strong", { id: "team" })),
    el("button", { class: "jump-field", type: "button", onclick: () => emit("switcher"), "aria-keyshortcuts": "Control+K Meta+K" }, icon("search", 16), el("span", { text: "Jump to…" }), el("kbd", { text: /Mac|iP(hone|ad)/.test(navigator.platform) ? "⌘K" : "Ctrl K" })),
    status,
    clockControl(),
    el("div", { class: "top-tools" }, actions, faults, phone, inbox, theme),
  );

  const drawMarks = () => {
    mark(phone, [...state.calls.values()].filter((c) => c.state !== "ended").length, "bad");
    mark(inbox, state.mails.filter((m) => m.unread).length);
    mark(faults, anyFault() ? "!" : 0, "bad");
    actions.hidden = !state.actions?.length;
    for (const [node, kind] of [[phone, "phone"], [inbox, "inbox"], [faults, "faults"], [actions, "actions"]]) node.setAttribute("aria-pressed", String(state.pane?.kind === kind));
    phone.classList.toggle("ringing", [...state.calls.values()].some((c) => c.state === "ringing"));
  };
  for (const topic of ["calls", "mails", "mails-read", "faults", "pane", "person"]) on(topic, drawMarks);

  const drawStatus = () => {
    const words = state.status === "lost" ? "Reconnecting…" : state.bots === 0 ? "App offline" : "";
    status.textContent = words;
    status.className = words ? `status status-${state.status === "lost" ? "lost" : "quiet"}` : "status";
    status.title = state.status === "lost" ? "The workspace does not answer. What you see may be old." : words ? "No app is connected to this workspace." : "";
  };
  on("status", drawStatus);
  on("bots", drawStatus);

  const drawTheme = () => {
    const dark = isDark();
    theme.replaceChildren(icon(dark ? "sun" : "moon"));
    theme.setAttribute("aria-label", dark ? "Light theme" : "Dark theme");
    theme.title = dark ? "Light theme" : "Dark theme";
  };
  function changeTheme() {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("muster.theme", next);
    } catch {
      // Without storage the choice lasts until the page is left.
    }
    drawTheme();
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTheme);
  drawTheme();
  drawMarks();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function drawer(picture, name, kind) {
  return iconButton(picture, name, () => emit("toggle-pane", kind), { "aria-pressed": "false", dataset: { drawer: kind } });
}

function mark(node, count, kind = "") {
  node.querySelector(".badge")?.remove();
  if (count) node.append(el("span", { class: `badge badge-small ${kind ? `badge-${kind}` : ""}`, text: String(count) }));
}
