// Puts the page together: who one is, where one is, and the keys that work everywhere.

import { el, iconButton, toast } from "./dom.js";
import { boot, sentence } from "./api.js";
import { avatar } from "./avatar.js";
import { popup, popupOpen } from "./popup.js";
import { become, openDirect } from "./session.js";
import { takeFaults } from "./receive.js";
import { showConversation, shownConversation, leaveConversation } from "./conversation.js";
import { showHome } from "./home.js";
import { openPane, closePane, togglePane } from "./pane.js";
import { startSidebar, direct } from "./sidebar.js";
import { startHeader } from "./header.js";
import { openSwitcher } from "./switcher.js";
import { dateText } from "./mrkdwn.js";
import { formOpen } from "./modal.js";
import { state, emit, on, setClock, channelByName, fullName, workspaceNow } from "./state.js";

const app = document.getElementById("app");

function remember(name, value) {
  try {
    localStorage.setItem(`muster.${name}`, value);
  } catch {
    // Without storage the page forgets between visits.
  }
}

function recall(name) {
  try {
    return localStorage.getItem(`muster.${name}`) || "";
  } catch {
    return "";
  }
}

// ---- where one is ----

function go(place, { push = true, ts, focus } = {}) {
  if (place.kind === "bot") {
    directWithApp();
    return;
  }
  if (place.kind === "channel" && !state.channels.has(place.id)) return;
  state.place = place;
  emit("place");
  closeSide();
  if (state.pane && ["thread", "pins", "canvas", "members"].includes(state.pane.kind) && state.pane.channel !== place.id) closePane();
  const hash = place.kind === "home" ? "#home" : `#${place.id}`;
  if (push && location.hash !== hash) history.pushState(null, "", `${location.search}${hash}`);
  remember(`place.${state.me.id}`, hash);
  return place.kind === "home" ? showHome() : showConversation(place.id, { ts, focus });
}

// directWithApp opens the direct messages with the app.
async function directWithApp() {
  const known = [...state.channels.values()].find((c) => c.is_im && c.user === state.bot?.user_id);
  try {
    const channel = known || (await openDirect(state.bot.user_id));
    go({ kind: "channel", id: channel.id });
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

function placeFromHash(hash) {
  const value = decodeURIComponent(hash.replace(/^#/, ""));
  if (value === "home") return { kind: "home" };
  const channel = state.channels.get(value) || channelByName(value);
  return channel ? { kind: "channel", id: channel.id } : null;
}

function firstPlace() {
  const channel = channelByName("incidents") || channelByName("general") || [...state.channels.values()].find((c) => c.is_member);
  return channel ? { kind: "channel", id: channel.id } : { kind: "home" };
}

async function jump({ channel, ts, thread }) {
  if (!state.channels.has(channel)) return toast("You cannot see that channel.", "bad");
  if (state.place?.id !== channel) await go({ kind: "channel", id: channel }, { ts: thread || ts });
  else if (!thread) shownConversation()?.list.show(ts);
  if (thread) await openPane({ kind: "thread", channel, ts: thread, at: ts });
}

// ---- who one is ----

async function be(person, hash = "") {
  const url = new URL(location.href);
  url.searchParams.set("as", person.name);
  history.replaceState(null, "", url.pathname + url.search + (hash || url.hash));
  remember("as", person.name);
  const before = state.place;
  app.dataset.ready = "false";
  closePane();
  leaveConversation();
  await become(person);
  const place = placeFromHash(hash) || (before?.kind === "home" ? before : state.channels.get(before?.id)?.is_im ? null : state.channels.has(before?.id) && before) || placeFromHash(recall(`place.${person.id}`)) || firstPlace();
  await go(place, { push: false });
  app.dataset.ready = "true";
}

function whoAtFirst() {
  const wanted = new URLSearchParams(location.search).get("as") || recall("as");
  return state.people.find((p) => p.name === wanted || p.id === wanted || p.email === wanted) || state.people[0];
}

// ---- the hint ----

function showHint() {
  if (!state.hint || recall("hint") === state.hint) return;
  const node = el(
    "p",
    { class: "hint" },
    el("span", { text: state.hint }),
    iconButton("close", "Dismiss the hint", () => {
      remember("hint", state.hint);
      node.remove();
    }, { class: "small" }),
  );
  document.getElementById("top").after(node);
}

// ---- narrow screens ----

function closeSide() {
  app.classList.remove("side-open");
  document.getElementById("scrim").hidden = true;
}

on("toggle-side", () => {
  const open = app.classList.toggle("side-open");
  document.getElementById("scrim").hidden = !open;
  if (open) document.querySelector("#side .is-current, #side button")?.focus();
});
document.getElementById("scrim").addEventListener("click", closeSide);

// ---- clicks on names and links inside messages; keys that work everywhere ----

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-user], [data-channel]");
  if (!target || target.closest(".side, .menu, .composer")) return;
  const { user, channel, ts, thread } = target.dataset;
  if (user) {
    event.preventDefault();
    personCard(target, user);
  } else if (channel && state.channels.has(channel)) {
    event.preventDefault();
    if (ts) jump({ channel, ts, thread: thread && thread !== ts ? thread : "" });
    else go({ kind: "channel", id: channel });
  }
});

function personCard(anchor, id) {
  const user = state.users.get(id);
  if (!user) return;
  const person = state.people.find((p) => p.id === id);
  const zone = person?.tz || user.tz;
  const local = zone && new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(new Date(workspaceNow() * 1000));
  popup(
    anchor,
    el(
      "div",
      { class: "person-card" },
      el("div", { class: "person-top" }, avatar(id, 52), el("div", { class: "row-text" }, el("strong", { text: fullName(id) }), el("small", { text: `@${user.name}` }))),
      el("dl", {}, fact("Title", person?.title || user.profile?.title), fact("E-mail", person?.email || user.profile?.email), fact("Local time", local && `${local} (${zone})`)),
      el(
        "div",
        { class: "person-foot" },
        id !== state.me?.id && el("button", { class: "button", type: "button", text: "Message", onclick: () => direct(id) }),
        person && id !== state.me?.id && el("button", { class: "button", type: "button", text: `Be ${person.real_name.split(" ")[0]}`, onclick: () => emit("be", person) }),
      ),
    ),
    { className: "popup-person" },
  );
}

function fact(name, value) {
  return value ? [el("dt", { text: name }), el("dd", { text: value })] : null;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openSwitcher();
    return;
  }
  if (event.key !== "Escape" || event.defaultPrevented || popupOpen() || formOpen() || document.querySelector("dialog[open]")) return;
  if (app.classList.contains("side-open")) {
    closeSide();
    document.getElementById("menu-button")?.focus();
  } else if (state.pane) closePane();
});

window.addEventListener("popstate", () => {
  const place = placeFromHash(location.hash);
  if (place && (place.kind !== state.place?.kind || place.id !== state.place?.id)) go(place, { push: false });
});

// ---- wires ----

on("go", (place) => go(place));
on("be", (person) => person.id !== state.me?.id && be(person));
on("jump", jump);
on("switcher", openSwitcher);
on("open-pane", openPane);
on("toggle-pane", togglePane);
on("open-thread", ({ channel, ts, focus }) => openPane({ kind: "thread", channel, ts, focus: focus ?? true }));

// Relative times in messages stay true without redrawing the messages.
setInterval(() => {
  for (const node of document.querySelectorAll("[data-moment]")) {
    const text = dateText(Number(node.dataset.moment), node.dataset.format);
    if (node.textContent !== text) node.textContent = text;
  }
}, 1000);

async function start() {
  startHeader();
  startSidebar();
  let answer;
  for (let wait = 400; !answer; wait = Math.min(4000, wait * 2)) {
    try {
      answer = await boot();
    } catch {
      state.status = "lost";
      emit("status", "lost");
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  Object.assign(state, {
    team: answer.team || {},
    people: answer.people || [],
    groups: answer.usergroups || [],
    bot: answer.bot || null,
    commands: answer.commands || [],
    shortcuts: answer.shortcuts || [],
    hint: answer.hint || "",
    actions: answer.actions || [],
  });
  for (const person of state.people) state.users.set(person.id, { ...person, profile: { title: person.title, email: person.email } });
  if (typeof answer.connected === "number") emit("bots", (state.bots = answer.connected));
  if (answer.clock) setClock(answer.clock);
  if (answer.faults) emit("faults", takeFaults({ faults: answer.faults }));
  document.getElementById("team").textContent = state.team.name || "Workspace";
  showHint();
  const person = whoAtFirst();
  if (!person) {
    toast("This workspace has no people.", "bad");
    return;
  }
  await be(person, location.hash);
}

start();
