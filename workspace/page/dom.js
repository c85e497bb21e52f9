// Small building blocks for the page: elements, icons, focus. Text always enters the
// document as text nodes; nothing in this page parses a string as HTML.

const SVG = "http://www.w3.org/2000/svg";

// el makes an element. Props: class, text, dataset, style (object), onX (listeners);
// true sets a bare attribute, false/null/undefined leaves it out.
export function el(tag, props = {}, ...kids) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "text") node.textContent = value;
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (key === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (key.startsWith("on") && typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (key === "value") node.value = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  add(node, kids);
  return node;
}

function add(node, kids) {
  for (const kid of kids.flat(Infinity)) {
    if (kid === undefined || kid === null || kid === false) continue;
    node.append(kid);
  }
  return node;
}

export function replace(node, ...kids) {
  node.replaceChildren();
  return add(node, kids);
}

const PATHS = {
  hash: "M9 4 7.500 20M16.500 4 15 20M4.500 9h15.500M4 15h15.500",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.500 11h13v9h-13z",
  thread: "M4 5.500h16v10.500h-8.500L7 20v-4H4z",
  pin: "M9 4h6l-1 6 3.500 3.500h-11L10 10zM12 13.500V20",
  smile: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM8.500 14.200c1.800 2.400 5.200 2.400 7 0M9.200 9.800v.2M14.800 9.800v.2",
  dots: "M5.500 12v.1M12 12v.1M18.500 12v.1",
  plus: "M12 5v14M5 12h14",
  send: "M4.500 12 20 4.500 15.500 20l-3.700-6.300zM11.800 13.700 20 4.500",
  close: "M6 6l12 12M18 6 6 18",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  moon: "M20 14.200A8.300 8.300 0 0 1 9.800 4a8.300 8.300 0 1 0 10.200 10.200z",
  phone: "M6.500 3.500h3l1.500 4.500-2.200 1.600a11 11 0 0 0 5.600 5.600l1.600-2.200 4.500 1.500v3c0 1.100-.9 2-2 2C10.900 19.500 4.500 13.100 4.500 5.500c0-1.100.9-2 2-2z",
  mail: "M3.500 6h17v12.500h-17zM4 6.500l8 6.500 8-6.500",
  bell: "M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 1.500h-15zM10 20.500h4",
  bolt: "M13 3 5.500 13.500H12L11 21l7.500-10.500H12z",
  home: "M4 11.500 12 4.500l8 7M6.500 10v9.500h11V10",
  search: "M10.500 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
  chevron: "M8 10l4 4 4-4",
  back: "M14.500 5.500 8 12l6.500 6.500",
  menu: "M4 7h16M4 12h16M4 17h16",
  bookmark: "M7 4h10v16l-5-4-5 4z",
  canvas: "M6 3.500h8.500L18 7v13.500H6zM9 10.500h6M9 14h6",
  people: "M9 5.500a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM3.500 19c0-6 11-6 11 0M16 6a2.600 2.600 0 0 1 0 5.200M17 14.200c2.300.4 3.700 2 3.700 4.800",
  clock: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 7.500V12l3 2",
  check: "M5 12.500l4.500 4.500L19 7.500",
  eye: "M2.500 12c4.500-8 14.500-8 19 0-4.500 8-14.500 8-19 0zM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z",
  copy: "M8.500 8.500h11v11h-11zM15.500 8.500v-4h-11v11h4",
  link: "M10 14a4 4 0 0 0 5.600 0l3-3A4 4 0 0 0 13 5.400l-1 1M14 10a4 4 0 0 0-5.600 0l-3 3A4 4 0 0 0 11 18.600l1-1",
  at: "M12 8.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM15.500 12v1.500c0 3 4.500 2.500 4.500-1.500a8 8 0 1 0-3.200 6.400",
  slash: "M15.500 4 8.500 20",
  down: "M12 5v13M6.500 12.500 12 18l5.500-5.500",
  file: "M7 3.500h7l4 4v13H7zM14 3.500v4h4",
  swap: "M5 8.500h13M15 5l3.500 3.500L15 12M19 15.500H6M9 12l-3.500 3.500L9 19",
  unread: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
};

export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", size);
  svg.setAttribute("height", size);
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name] || PATHS.dots);
  svg.append(path);
  return svg;
}

// iconButton is a button that shows only a picture; label is what it is called.
export function iconButton(name, label, onclick, props = {}) {
  const extra = props.class ? ` ${props.class}` : "";
  return el("button", { ...props, class: `icon-button${extra}`, type: "button", title: label, "aria-label": label, onclick }, icon(name));
}

// reconcile makes node's children exactly the wanted nodes, moving as little as possible.
export function reconcile(node, wanted) {
  let at = node.firstChild;
  for (const want of wanted) {
    if (at === want) {
      at = at.nextSibling;
      continue;
    }
    node.insertBefore(want, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// keepFocus runs redraw and, if the focus was inside node on something with a data-key,
// puts it back on what has that key afterwards, with the caret where it was.
export function keepFocus(node, redraw) {
  const held = node.contains(document.activeElement) ? document.activeElement : null;
  const key = held?.closest("[data-key]")?.dataset.key;
  let start, end;
  try {
    start = held?.selectionStart;
    end = held?.selectionEnd;
  } catch {
    start = undefined;
  }
  const result = redraw();
  if (!key || held.isConnected) return result;
  const root = result instanceof Node ? result : node;
  const next = root.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!next) return result;
  next.focus({ preventScroll: true });
  if (start !== undefined && start !== null && next.setSelectionRange) {
    try {
      next.setSelectionRange(start, end);
    } catch {
      // Some input types have no caret.
    }
  }
  return result;
}

let unique = 0;
export function freshId(prefix = "id") {
  unique += 1;
  return `${prefix}-${unique}`;
}

let liveTimer;
// announce tells a screen reader, politely.
export function announce(text) {
  const live = document.getElementById("live");
  clearTimeout(liveTimer);
  live.textContent = "";
  liveTimer = setTimeout(() => {
    live.textContent = text;
    liveTimer = setTimeout(() => {
      live.textContent = "";
    }, 5000);
  }, 60);
}

// toast shows a sentence for a while. kind: "info" or "bad".
export function toast(text, kind = "info", action) {
  const box = document.getElementById("toasts");
  for (const shown of box.children) if (shown.dataset.text === text) return;
  const gone = () => {
    note.remove();
    if (!box.children.length && box.matches(":popover-open")) box.hidePopover();
  };
  const note = el(
    "div",
    { class: `toast toast-${kind}`, dataset: { text } },
    el("p", { text }),
    action && el("button", { class: "link-button", type: "button", text: action.label, onclick: () => (action.run(), gone()) }),
    iconButton("close", "Dismiss", gone, { class: "small" }),
  );
  box.append(note);
  // Shown anew, it lies above a form that opened meanwhile.
  if (box.matches(":popover-open")) box.hidePopover();
  box.showPopover();
  while (box.children.length > 4) box.firstChild.remove();
  let timer = setTimeout(gone, kind === "bad" ? 12000 : 6000);
  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("pointerleave", () => {
    timer = setTimeout(gone, 4000);
  });
}
