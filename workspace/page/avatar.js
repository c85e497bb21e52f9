// A person's picture: initials on their colour; for the app its pennant.

import { el } from "./dom.js";
import { state, fullName, isBot } from "./state.js";

const INKS = ["#a8453a", "#8a6a12", "#2f7d4f", "#1f6f8b", "#5a4fa3", "#94407e", "#55606e"];

export function avatar(id, size = 36) {
  const name = fullName(id) || "?";
  const props = { class: "avatar", "aria-hidden": "true", style: { "--size": `${size}px` } };
  if (isBot(id) || id === state.bot?.bot_id || id === "app") {
    return el("span", { ...props, class: "avatar avatar-app" }, el("img", { src: "icon.svg", alt: "", width: size, height: size, draggable: "false" }));
  }
  const node = el("span", props, initials(name));
  node.style.setProperty("background-color", colour(id));
  return node;
}

function colour(id) {
  const known = state.people.find((p) => p.id === id)?.color || state.users.get(id)?.color;
  if (known && /^#?[0-9a-f]{6}$/i.test(known)) return dark(known.replace("#", ""));
  let sum = 0;
  for (const char of String(id)) sum = (sum * 31 + char.codePointAt(0)) >>> 0;
  return INKS[sum % INKS.length];
}

// dark keeps a colour's hue and makes it deep enough for white letters.
function dark(hex) {
  const rgb = [0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
  const light = (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255;
  const factor = light > 0.42 ? 0.42 / light : 1;
  return `rgb(${rgb.map((v) => Math.round(v * factor)).join(" ")})`;
}

function initials(name) {
  const parts = name.split(/[\s._-]+/).filter(Boolean);
  const first = [...(parts[0] || "?")][0];
  const last = parts.length > 1 ? [...parts[parts.length - 1]][0] : "";
  return (first + last).toUpperCase();
}
