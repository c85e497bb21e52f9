// The left side: who one is, the channels, the direct messages, the app.

import { el, icon, keepFocus, replace, toast } from "./dom.js";
import { sentence } from "./api.js";
import { avatar } from "./avatar.js";
import { menu } from "./popup.js";
import { botTitle } from "./home.js";
import { openDirect } from "./session.js";
import { state, emit, on, channelTitle, fullName, isBot, compareTs } from "./state.js";

export function startSidebar() {
  const side = document.getElementById("side");
  let due = false;
  const later = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      keepFocus(side, () => draw(side));
    });
  };
  for (const topic of ["channels", "users", "person", "place"]) on(topic, later);
  side.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const all = [...side.querySelectorAll("button")];
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length].focus();
  });
  draw(side);
}

function draw(side) {
  const top = side.querySelector(".side-scroll")?.scrollTop || 0;
  const all = [...state.channels.values()];
  const rooms = all.filter((c) => !c.is_im && !c.is_mpim && !c.is_archived);
  const joined = rooms.filter((c) => c.is_member).sort(byName);
  const others = rooms.filter((c) => !c.is_member).sort(byName);
  const archived = all.filter((c) => c.is_archived).sort(byName);
  const bot = state.bot?.user_id;
  const botRoom = all.find((c) => c.is_im && c.user === bot);
  replace(
    side,
    me(),
    el(
      "div",
      { class: "side-scroll" },
      section("Channels", joined.map(room)),
      others.length > 0 && section("More channels", others.map(room), others.some((c) => state.place?.id === c.id)),
      section("Direct messages", [...directs(all, bot)]),
      section("Apps", [
        row({ key: "home", lead: avatar("app", 20), text: botTitle(), current: state.place?.kind === "home", run: () => emit("go", { kind: "home" }) }),
        botRoom && row({ key: botRoom.id, lead: icon("thread", 18), text: "Messages", current: state.place?.id === botRoom.id, channel: botRoom, run: () => emit("go", { kind: "channel", id: botRoom.id }) }),
      ]),
      archived.length > 0 && section("Archived", archived.map(room), archived.some((c) => state.place?.id === c.id)),
    ),
  );
  side.querySelector(".side-scroll").scrollTop = top;
}

const byName = (a, b) => (a.name || "").localeCompare(b.name || "", "en", { numeric: true });

const folded = new Map();

function section(title, rows, open) {
  const foldable = open !== undefined;
  const isOpen = !foldable || (folded.get(title) ?? open);
  const heading = foldable
    ? el("button", { class: "side-heading", type: "button", "aria-expanded": String(isOpen), dataset: { key: `fold ${title}` }, onclick: () => (folded.set(title, !isOpen), emit("channels")) }, icon("chevron", 14), title)
    : el("h2", { class: "side-heading", text: title });
  return el("section", { class: "side-section", "aria-label": title }, heading, isOpen && el("ul", {}, rows.filter(Boolean).map((r) => el("li", {}, r))));
}

function me() {
  const person = state.me;
  return el(
    "div",
    { class: "side-me" },
    el(
      "button",
      {
        class: "me",
        type: "button",
        "aria-haspopup": "menu",
        "aria-label": `You are ${person?.real_name || "nobody yet"}. Be someone else`,
        dataset: { key: "me" },
        onclick: (event) => switcher(event.currentTarget),
      },
      person && avatar(person.id, 34),
      el("span", { class: "row-text" }, el("strong", { text: person?.real_name || "…" }), el("small", { text: person?.title || person?.email || "" })),
      icon("swap", 16),
    ),
  );
}

function switcher(anchor) {
  menu(
    anchor,
    state.people.map((p) => ({
      label: p.real_name || p.name,
      note: [p.title, (p.tz || "").split("/").pop().replaceAll("_", " ")].filter(Boolean).join(" · "),
      lead: avatar(p.id, 28),
      checked: p.id === state.me?.id,
      run: () => emit("be", p),
    })),
    { label: "Be someone else", align: "start" },
  );
}

function room(channel) {
  return row({
    key: channel.id,
    lead: channel.is_private ? icon("lock", 16) : el("span", { class: "hash", text: "#" }),
    text: channelTitle(channel),
    current: state.place?.id === channel.id,
    channel,
    faint: channel.is_member === false,
    run: () => emit("go", { kind: "channel", id: channel.id }),
  });
}

function* directs(all, bot) {
  const rooms = all.filter((c) => (c.is_im || c.is_mpim) && c.user !== bot);
  const known = new Set(rooms.map((c) => c.user));
  const people = state.people.filter((p) => p.id !== state.me?.id);
  const entries = [
    ...rooms.map((c) => ({ name: channelTitle(c), channel: c, user: c.user })),
    ...people.filter((p) => !known.has(p.id)).map((p) => ({ name: fullName(p.id), user: p.id })),
  ].sort((a, b) => compareTs(b.channel?.unread ? b.channel.lastRead : "0", a.channel?.unread ? a.channel.lastRead : "0") || a.name.localeCompare(b.name));
  for (const { name, channel, user } of entries) {
    yield row({
      key: channel?.id || user,
      lead: avatar(user, 20),
      text: user === state.me?.id ? `${name} (you)` : name,
      current: Boolean(channel && state.place?.id === channel.id),
      channel,
      run: () => (channel ? emit("go", { kind: "channel", id: channel.id }) : direct(user)),
    });
  }
}

export async function direct(user) {
  if (isBot(user)) return emit("go", { kind: "bot" });
  const known = [...state.channels.values()].find((c) => c.is_im && c.user === user);
  if (known) return emit("go", { kind: "channel", id: known.id });
  try {
    const channel = await openDirect(user);
    emit("go", { kind: "channel", id: channel.id });
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

function row({ key, lead, text, current, channel, faint, run }) {
  const unread = Boolean(channel?.unread) && !current;
  const mentions = current ? 0 : channel?.mentions || 0;
  const spoken = mentions ? `${text}, ${mentions} for you` : unread ? `${text}, unread` : null;
  return el(
    "button",
    {
      class: ["side-row", current && "is-current", unread && "is-unread", faint && "is-faint"].filter(Boolean).join(" "),
      type: "button",
      "aria-current": current ? "page" : null,
      "aria-label": spoken,
      dataset: { key: `room ${key}`, room: key },
      onclick: run,
    },
    el("span", { class: "side-lead" }, lead),
    el("span", { class: "side-text", text }),
    mentions > 0 && el("span", { class: "badge", "aria-hidden": "true", text: mentions > 99 ? "99+" : String(mentions) }),
    unread && !mentions && el("span", { class: "unread-dot", "aria-hidden": "true" }),
  );
}
