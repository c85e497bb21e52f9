// A scrolling list of messages: days, grouping by person, the line above what is new, and
// staying at the bottom while one is there.

import { el, icon, reconcile, keepFocus } from "./dom.js";
import { messageNode, isQuiet } from "./message.js";
import { state, dayKey, dayTitle, authorOf, compareTs, clockSpeed } from "./state.js";

const GROUP_SECONDS = 300;
const NEAR_BOTTOM = 90;

export class MessageList {
  // place: {channel, thread?}; before: nodes above the first message; onbottom: seen the newest.
  constructor({ place, timeline, label, before, onbottom, onearlier }) {
    this.place = place;
    this.timeline = timeline;
    this.before = before;
    this.onbottom = onbottom;
    this.onearlier = onearlier;
    this.cache = new Map(); // key → {rev, node}
    this.newFrom = "";
    this.inner = el("div", { class: "list-inner" });
    this.jump = el("button", { class: "jump", type: "button", hidden: true, onclick: () => this.toBottom(true) }, icon("down", 16), el("span", { text: "New messages" }));
    this.scroller = el("div", { class: "list", tabindex: "0", role: "region", "aria-label": label }, this.inner);
    this.node = el("div", { class: "list-box" }, this.scroller, this.jump);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.keys(event));
    this.watch = new ResizeObserver(() => this.stick && this.toBottom());
    this.watch.observe(this.inner);
    this.watch.observe(this.scroller);
    this.stick = true;
    // A message under a pressed pointer is not redrawn until the pointer is up: a click needs both on one node.
    this.inner.addEventListener("pointerdown", (event) => {
      this.pressed = event.target.closest(".message");
    });
    this.released = () => {
      if (!this.pressed) return;
      this.pressed = null;
      setTimeout(() => this.refresh());
    };
    document.addEventListener("pointerup", this.released);
    document.addEventListener("pointercancel", this.released);
  }

  stop() {
    document.removeEventListener("pointerup", this.released);
    document.removeEventListener("pointercancel", this.released);
    this.watch.disconnect();
  }

  // refresh draws what changed since the last time.
  refresh() {
    const wanted = [];
    const keys = new Set();
    const use = (key, rev, make) => {
      keys.add(key);
      let held = this.cache.get(key);
      if (!held || (held.rev !== rev && held.node !== this.pressed)) {
        const old = held?.node;
        const node = old ? keepFocus(old, () => this.swap(old, make())) : make();
        held = { rev, node };
        this.cache.set(key, held);
      }
      wanted.push(held.node);
    };
    for (const node of this.before?.(this) || []) wanted.push(node);
    let previous = null;
    let day = "";
    let marked = false;
    const shown = this.timeline.sorted();
    shown.forEach((message, i) => {
      const root = this.place.thread && i === 0;
      const key = dayKey(Number(message.ts));
      if (key !== day && !root) {
        if (!(this.place.thread && day === "")) use(`day ${key}`, dayTitle(Number(message.ts)), () => el("div", { class: "day", role: "separator" }, el("span", { text: dayTitle(Number(message.ts)) })));
        previous = null;
      }
      day = key;
      if (!marked && this.newFrom && compareTs(message.ts, this.newFrom) > 0 && message.user !== state.me?.id && !message.is_ephemeral) {
        marked = true;
        use("new", "", () => el("div", { class: "new-mark", role: "separator" }, el("span", { text: "New" })));
        previous = null;
      }
      const compact = Boolean(previous && follows(previous, message));
      const place = { ...this.place, compact };
      use(message.ts, `${message.rev}/${compact}`, () => messageNode(message, place));
      previous = message;
      if (root) {
        const count = shown.length - 1;
        use("replies", count, () => el("div", { class: "replies-mark", role: "separator" }, el("span", { text: count === 0 ? "No replies yet" : `${count} ${count === 1 ? "reply" : "replies"}` })));
        previous = null;
      }
    });
    for (const key of this.cache.keys()) if (!keys.has(key)) this.cache.delete(key);
    const held = document.activeElement;
    reconcile(this.inner, wanted);
    if (held && this.inner.contains(held) && document.activeElement !== held) held.focus({ preventScroll: true });
    if (this.stick) this.toBottom();
  }

  // redraw forgets every drawn message, for when names or the zone changed.
  redraw() {
    this.cache.clear();
    this.refresh();
  }

  swap(old, next) {
    if (old.isConnected) old.replaceWith(next);
    return next;
  }

  // arrived is told of a message that came in: whether one is at the bottom decides what happens.
  arrived(own) {
    if (own) this.stick = true;
    this.refresh();
    if (this.stick) this.toBottom();
    else this.jump.hidden = false;
  }

  toBottom(byPerson = false) {
    this.stick = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.jump.hidden = true;
    if (byPerson) this.scroller.focus({ preventScroll: true });
  }

  atBottom() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR_BOTTOM;
  }

  scrolled() {
    this.stick = this.atBottom();
    if (this.stick) {
      this.jump.hidden = true;
      this.onbottom?.();
    }
    if (this.scroller.scrollTop < 120) this.onearlier?.();
  }

  // keepPlace runs change and leaves what one is reading where it was.
  keepPlace(change) {
    const height = this.scroller.scrollHeight;
    const top = this.scroller.scrollTop;
    this.stick = false;
    change();
    this.scroller.scrollTop = top + this.scroller.scrollHeight - height;
  }

  show(ts) {
    const node = this.inner.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    if (!node) return false;
    this.stick = false;
    node.scrollIntoView({ block: "center" });
    node.classList.add("message-shown");
    setTimeout(() => node.classList.remove("message-shown"), 2400);
    node.focus({ preventScroll: true });
    return true;
  }

  keys(event) {
    if (event.target.closest("input, textarea, [role=menu]") || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = [...this.inner.querySelectorAll(".message")];
    const at = all.indexOf(document.activeElement.closest(".message"));
    const to = { ArrowUp: at < 0 ? all.length - 1 : at - 1, ArrowDown: at < 0 ? all.length - 1 : at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all.length) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))].focus();
  }
}

function follows(previous, message) {
  if (previous.is_ephemeral || message.is_ephemeral || isQuiet(previous) || isQuiet(message)) return false;
  if (message.subtype === "thread_broadcast" || previous.subtype === "thread_broadcast" || message.pinned_to?.length) return false;
  if (message.blocks?.length && authorOf(message).app) return false;
  const a = authorOf(previous);
  const b = authorOf(message);
  return a.id === b.id && a.name === b.name && Number(message.ts) - Number(previous.ts) < GROUP_SECONDS * Math.max(1, Math.min(4, clockSpeed()));
}
