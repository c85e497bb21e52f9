// The field that messages and commands are written in, with completion of commands, people,
// channels and emoji.

import { el, iconButton, toast, freshId } from "./dom.js";
import { client, slack, sentence } from "./api.js";
import { avatar } from "./avatar.js";
import { find } from "./emoji.js";
import { escape } from "./mrkdwn.js";
import { menu } from "./popup.js";
import { runShortcut } from "./message.js";
import { WORDS } from "./grammar.js";
import { state, fullName, channelByName } from "./state.js";

const TALLEST = 260;

// outgoing turns typed text into Slack's: entities escaped, @handles and #channels linked.
export function outgoing(text) {
  return escape(text).replace(/(^|[\s(\[{"'])([@#])([\p{L}\p{N}][\p{L}\p{N}._-]*)/gu, (whole, before, mark, word) => {
    for (let name = word; name; name = /[._-]$/.test(name) ? name.slice(0, -1) : "") {
      const rest = word.slice(name.length);
      if (mark === "@") {
        if (["here", "channel", "everyone"].includes(name)) return `${before}<!${name}>${rest}`;
        const user = [...state.users.values()].find((u) => u.name.toLowerCase() === name.toLowerCase());
        if (user) return `${before}<@${user.id}>${rest}`;
        const group = state.groups.find((g) => g.handle.toLowerCase() === name.toLowerCase());
        if (group) return `${before}<!subteam^${group.id}>${rest}`;
      } else {
        const channel = channelByName(name);
        if (channel) return `${before}<#${channel.id}|${channel.name}>${rest}`;
      }
    }
    return whole;
  });
}

export class Composer {
  // place: {channel, thread?}; draftKey remembers unsent text; onsent is told.
  constructor({ place, draftKey, label, id, onsent }) {
    this.place = place;
    this.draftKey = draftKey;
    this.onsent = onsent;
    this.listId = freshId("complete");
    this.text = el("textarea", {
      class: "composer-text",
      id,
      rows: "1",
      placeholder: label,
      "aria-label": label,
      role: "combobox",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      "aria-controls": this.listId,
      autocomplete: "off",
      spellcheck: "true",
      oninput: () => this.changed(),
      onkeydown: (event) => this.keys(event),
      onblur: () => setTimeout(() => this.hide(), 150),
      onfocus: () => this.suggest(),
    });
    this.text.value = state.drafts.get(draftKey) || "";
    this.list = el("div", { class: "complete", role: "listbox", id: this.listId, "aria-label": "Suggestions", hidden: true });
    this.hintLine = el("p", { class: "composer-hint", hidden: true });
    this.send = iconButton("send", "Send", () => this.submit(), { class: "send" });
    this.alsoBox = place.thread && el("input", { type: "checkbox", id: freshId("also") });
    this.bar = el(
      "div",
      { class: "composer-bar" },
      !place.thread && iconButton("slash", "Commands", () => this.insert("/", true), { class: "small" }),
      iconButton("at", "Mention someone", () => this.insert("@"), { class: "small" }),
      iconButton("smile", "Emoji", () => this.insert(":"), { class: "small" }),
      state.shortcuts.some((s) => s.type === "global") && iconButton("bolt", "Shortcuts", (event) => this.shortcuts(event.currentTarget), { class: "small", "aria-haspopup": "menu" }),
      this.alsoBox && el("label", { class: "also" }, this.alsoBox, "Also show in the channel"),
      el("span", { class: "composer-keys", "aria-hidden": "true", text: "Enter sends · Shift+Enter for a new line" }),
      this.send,
    );
    this.node = el("div", { class: "composer" }, this.list, this.hintLine, el("div", { class: "composer-box" }, this.text, this.bar));
    this.choices = [];
    this.at = -1;
    requestAnimationFrame(() => this.grow());
  }

  focus() {
    this.text.focus({ preventScroll: true });
  }

  set(text) {
    this.text.value = text;
    this.text.setSelectionRange(text.length, text.length);
    this.changed();
  }

  insert(what, atStart = false) {
    this.focus();
    const field = this.text;
    if (atStart) {
      if (!field.value.startsWith(what)) this.set(what + field.value);
      field.setSelectionRange(what.length, what.length);
    } else {
      const start = field.selectionStart;
      const gap = start > 0 && !/\s/.test(field.value[start - 1]) ? " " : "";
      field.setRangeText(gap + what, start, field.selectionEnd, "end");
    }
    this.changed();
  }

  changed() {
    const value = this.text.value;
    if (value) state.drafts.set(this.draftKey, value);
    else state.drafts.delete(this.draftKey);
    this.grow();
    this.suggest();
    this.hint();
  }

  grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(TALLEST, this.text.scrollHeight)}px`;
    this.send.classList.toggle("ready", this.text.value.trim() !== "");
  }

  // hint says how a command goes on, and in a thread that there are no commands.
  hint() {
    const value = this.text.value;
    this.hintLine.hidden = true;
    if (!value.startsWith("/")) return;
    if (this.place.thread) {
      if (!/^\/[a-z]/.test(value)) return;
      this.threadNotice();
      return;
    }
    const match = /^(\/[\w-]+)\s+(\S+)\s/.exec(value);
    const word = match?.[1] === "/incident" && WORDS.find(([w]) => w === match[2].toLowerCase());
    if (!word) return;
    this.hintLine.replaceChildren(el("code", { text: `${match[1]} ${word[0]} ${word[1]}`.trim() }), ` ${word[2]}`);
    this.hintLine.hidden = false;
  }

  threadNotice() {
    const rest = this.text.value.replace(/^\/[\w-]*\s*/, "");
    const better = `@${state.bot?.name || "muster"} ${rest}`.trim();
    this.hintLine.replaceChildren(
      "Slash commands do not work in threads: write ",
      el("code", { text: rest ? better : `${better} …` }),
      " ",
      el("button", { class: "link-button", type: "button", text: "Change it", onmousedown: (e) => e.preventDefault(), onclick: () => (this.set(`${better} `.replace(/ {2,}/g, " ")), this.focus()) }),
    );
    this.hintLine.hidden = false;
  }

  // ---- completion ----

  suggest() {
    if (document.activeElement !== this.text) return;
    const caret = this.text.selectionStart;
    const before = this.text.value.slice(0, caret);
    this.choices = this.completions(before);
    if (!this.choices.length) return this.hide();
    this.at = 0;
    this.draw();
  }

  completions(before) {
    const command = /^(\/[\w-]*)$/.exec(before);
    if (command && !this.place.thread) {
      return state.commands
        .filter((c) => c.command.startsWith(command[1]))
        .map((c) => ({ from: 0, insert: `${c.command} `, title: c.command, usage: c.usage_hint, note: c.description }));
    }
    const word = /^\/incident\s+([a-z]*)$/i.exec(before) || new RegExp(`^@${state.bot?.name || "muster"}\\s+([a-z]*)$`, "i").exec(before);
    if (word && !(this.place.thread && before.startsWith("/"))) {
      const from = before.length - word[1].length;
      const fits = WORDS.filter(([w]) => w.startsWith(word[1].toLowerCase()));
      if (fits.length === 1 && fits[0][0] === word[1]) return [];
      return fits.map(([w, usage, note]) => ({ from, insert: `${w} `, title: w, usage, note }));
    }
    const at = /(?:^|[\s(])@([\p{L}\p{N}._-]*)$/u.exec(before);
    if (at) return this.people(at[1], before.length - at[1].length - 1);
    const hash = /(?:^|[\s(])#([\p{L}\p{N}_-]*)$/u.exec(before);
    if (hash) {
      const part = hash[1].toLowerCase();
      const from = before.length - hash[1].length - 1;
      return [...state.channels.values()]
        .filter((c) => !c.is_im && !c.is_mpim && !c.is_archived && c.name?.includes(part))
        .sort((a, b) => a.name.indexOf(part) - b.name.indexOf(part) || a.name.localeCompare(b.name))
        .slice(0, 8)
        .map((c) => ({ from, insert: `#${c.name} `, title: `#${c.name}`, note: c.topic?.value || "" }));
    }
    const colon = /(?:^|\s):([a-z0-9_+-]{1,})$/.exec(before) || /(?:^|\s):()$/.exec(before);
    if (colon) {
      const from = before.length - colon[1].length - 1;
      return find(colon[1]).map(([name, value]) => ({ from, insert: `${value} `, title: `:${name}:`, lead: () => el("span", { class: "emoji", text: value }) }));
    }
    return [];
  }

  people(part, from) {
    const wanted = part.toLowerCase();
    const found = [...state.users.values()]
      .filter((u) => !u.deleted && (u.name.toLowerCase().startsWith(wanted) || fullName(u.id).toLowerCase().split(/\s+/).some((w) => w.startsWith(wanted))))
      .sort((a, b) => Number(b.id === state.bot?.user_id) - Number(a.id === state.bot?.user_id) || fullName(a.id).localeCompare(fullName(b.id)))
      .map((u) => ({ from, insert: `@${u.name} `, title: fullName(u.id), usage: `@${u.name}`, note: u.profile?.title || "", lead: () => avatar(u.id, 22) }));
    for (const [range, note] of [["here", "Everybody who is online here"], ["channel", "Everybody in this channel"]]) {
      if (range.startsWith(wanted) && !this.place.thread) found.push({ from, insert: `@${range} `, title: `@${range}`, note });
    }
    for (const g of state.groups) if (g.handle.startsWith(wanted)) found.push({ from, insert: `@${g.handle} `, title: `@${g.handle}`, note: g.name });
    return found.slice(0, 9);
  }

  draw() {
    this.list.hidden = false;
    this.text.setAttribute("aria-expanded", "true");
    this.list.replaceChildren(
      ...this.choices.map((choice, i) =>
        el(
          "div",
          { class: i === this.at ? "complete-row is-active" : "complete-row", role: "option", id: `${this.listId}-${i}`, "aria-selected": String(i === this.at), onmousedown: (event) => (event.preventDefault(), this.take(choice)) },
          choice.lead?.(),
          el("span", { class: "complete-title", text: choice.title }),
          choice.usage && el("span", { class: "complete-usage", text: choice.usage }),
          choice.note && el("span", { class: "complete-note", text: choice.note }),
        ),
      ),
    );
    this.text.setAttribute("aria-activedescendant", `${this.listId}-${this.at}`);
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  hide() {
    this.choices = [];
    this.list.hidden = true;
    this.text.setAttribute("aria-expanded", "false");
    this.text.removeAttribute("aria-activedescendant");
  }

  take(choice) {
    const caret = this.text.selectionStart;
    this.text.setRangeText(choice.insert, choice.from, caret, "end");
    this.changed();
  }

  keys(event) {
    if (event.isComposing) return;
    const open = this.choices.length > 0;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.choices.length) % this.choices.length;
      this.draw();
    } else if (open && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      this.take(this.choices[this.at]);
    } else if (open && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.hide();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      const choice = this.choices[this.at];
      if (open && choice && this.text.value.slice(choice.from, this.text.selectionStart).trim() !== choice.insert.trim()) this.take(choice);
      else this.submit();
    }
  }

  shortcuts(anchor) {
    menu(anchor, state.shortcuts.filter((s) => s.type === "global").map((s) => ({ label: s.name, lead: avatar("app", 16), run: () => runShortcut(s) })), { label: "Shortcuts", align: "start" });
  }

  // ---- sending ----

  async submit() {
    const text = this.text.value.trim();
    if (!text) return;
    if (/^\/[a-z]/i.test(text)) {
      if (this.place.thread) {
        this.threadNotice();
        return;
      }
      const name = text.split(/\s/)[0];
      if (!state.commands.some((c) => c.command === name)) {
        toast(`${name} is not a command here. There ${state.commands.length === 1 ? "is" : "are"}: ${state.commands.map((c) => c.command).join(", ") || "none"}.`, "bad");
        return;
      }
      await this.deliver(text, () => client("command", { channel: this.place.channel, text }));
      return;
    }
    const args = { channel: this.place.channel, text: outgoing(text), thread_ts: this.place.thread };
    if (this.alsoBox?.checked) args.reply_broadcast = true;
    await this.deliver(text, () => slack("chat.postMessage", args));
    if (this.alsoBox) this.alsoBox.checked = false;
  }

  // deliver clears the field at once and gives the text back when sending failed.
  async deliver(text, run) {
    this.set("");
    this.hide();
    this.node.setAttribute("aria-busy", "true");
    try {
      await run();
      this.onsent?.();
    } catch (error) {
      if (!this.text.value) this.set(text);
      const command = text.startsWith("/") ? `${text.split(/\s/)[0]} failed. ` : "";
      toast(command + sentence(error), "bad");
    } finally {
      this.node.removeAttribute("aria-busy");
    }
  }
}
