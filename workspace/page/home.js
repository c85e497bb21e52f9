// The app's own page (App Home).

import { el, replace, keepFocus, toast } from "./dom.js";
import { client, sentence } from "./api.js";
import { avatar } from "./avatar.js";
import { renderBlocks } from "./blocks.js";
import { Values } from "./values.js";
import { act } from "./message.js";
import { tabs, closeConversation } from "./conversation.js";
import { state, on } from "./state.js";

let shown = null; // {body, values, viewId}

export async function showHome() {
  closeConversation();
  const main = document.getElementById("main");
  const body = el("div", { class: "home-body" }, el("p", { class: "empty", text: "Loading…" }));
  shown = { body, values: new Values() };
  const mine = shown;
  document.title = `${state.bot?.name || "App"} · ${state.team.name || "Muster"}`;
  main.className = "main main-home";
  replace(
    main,
    el("header", { class: "room-head" }, el("div", { class: "room-title" }, el("h1", {}, avatar("app", 24), el("span", { text: botTitle() })), tabs("home"))),
    el("div", { class: "home", tabindex: "0", role: "region", "aria-label": "App Home" }, body),
  );
  try {
    const answer = await client("home", {});
    if (mine !== shown) return;
    state.home = answer.view || answer.home || state.home;
  } catch (error) {
    toast(sentence(error), "bad");
  }
  draw();
}

export function botTitle() {
  const user = state.users.get(state.bot?.user_id);
  return user?.real_name || user?.profile?.real_name || state.bot?.name || "App";
}

function draw() {
  if (!shown || state.place?.kind !== "home") return;
  const view = state.home;
  if (!view?.blocks?.length) {
    replace(shown.body, el("p", { class: "empty", text: "The app has not shown anything here yet." }));
    return;
  }
  const container = { type: "view", view_id: view.id };
  const ctx = {
    values: shown.values,
    scope: "home",
    act: (action, node) => act({ container, action, state: shown.values.toState() }, node),
    options: (block, spec, text) => client("options", { container, view_id: view.id, block_id: block.block_id, action_id: spec.action_id, value: text }),
  };
  keepFocus(shown.body, () => replace(shown.body, renderBlocks(view.blocks, ctx)));
}

on("home", draw);
on("users", draw);
