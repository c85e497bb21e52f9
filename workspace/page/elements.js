// Block Kit's interactive elements. A change goes into ctx.values and, where Slack would,
// to the app through ctx.act.
//
// ctx: {values, act(action, node), options(block, element, text), labelOf?, tz}

import { el, icon } from "./dom.js";
import { menu, ask } from "./popup.js";
import { picker } from "./picker.js";
import { field } from "./values.js";
import { mrkdwn, link } from "./mrkdwn.js";
import { withPictures } from "./emoji.js";
import { state, fullName, channelTitle, datedParts, momentOf } from "./state.js";
import { avatar } from "./avatar.js";

export function label(object) {
  return withPictures(object?.text || "");
}

// rendered gives a text object as nodes.
export function rendered(object) {
  if (!object) return null;
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return el("span", { class: "plain", text: label(object) });
}

// element renders one interactive element; where is "input", "accessory", "actions" or "section".
export function element(spec, block, ctx, where, extra = {}) {
  const make = KINDS[spec.type];
  if (!make) return el("span", { class: "unknown", text: `(${spec.type} cannot be shown here)` });
  return make(spec, block, ctx, where, extra);
}

async function confirmed(spec, node) {
  const c = spec.confirm;
  if (!c) return true;
  return ask({
    title: label(c.title),
    text: rendered(c.text),
    confirm: label(c.confirm) || "Yes",
    deny: label(c.deny) || "Cancel",
    danger: c.style === "danger",
    host: node.closest("dialog"),
  });
}

// dispatches says whether a change is told to the app at once.
function dispatches(where, block) {
  return where !== "input" || block.dispatch_action === true;
}

function key(block, spec) {
  return `${block.block_id}/${spec.action_id}`;
}

async function changed(spec, block, ctx, where, value, node, undo) {
  const before = ctx.values.get(block.block_id, spec.action_id);
  ctx.values.set(block.block_id, spec.action_id, value);
  ctx.touched?.(block.block_id);
  if (!dispatches(where, block)) return;
  if (!(await confirmed(spec, node))) {
    ctx.values.set(block.block_id, spec.action_id, before);
    undo?.();
    return;
  }
  ctx.act({ block_id: block.block_id, action_id: spec.action_id, ...value }, node);
}

function button(spec, block, ctx) {
  const style = spec.style === "primary" ? " button-primary" : spec.style === "danger" ? " button-danger" : "";
  const address = spec.url && link(spec.url, "");
  const click = async (event) => {
    const node = event.currentTarget;
    if (node.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    if (spec.confirm) {
      event.preventDefault();
      if (!(await confirmed(spec, node))) return;
      if (address?.href && !address.dataset.channel) window.open(address.href, "_blank", "noopener");
    }
    ctx.act({ type: "button", block_id: block.block_id, action_id: spec.action_id, value: spec.value, text: spec.text }, node);
  };
  const props = {
    class: `button${style}`,
    dataset: { key: key(block, spec), action: spec.action_id },
    "aria-label": spec.accessibility_label,
    onclick: click,
  };
  if (address?.dataset.channel) return el("a", { ...props, dataset: { ...props.dataset, ...address.dataset }, href: address.href }, label(spec.text));
  if (address?.href) return el("a", { ...props, href: address.href, target: "_blank", rel: "noopener noreferrer" }, label(spec.text), icon("link", 14));
  return el("button", { ...props, type: "button" }, el("span", { text: label(spec.text) }));
}

function overflow(spec, block, ctx) {
  return el(
    "button",
    {
      class: "button button-icon",
      type: "button",
      "aria-label": "More actions",
      title: "More actions",
      "aria-haspopup": "menu",
      dataset: { key: key(block, spec), action: spec.action_id },
      onclick: (event) => {
        const node = event.currentTarget;
        menu(
          node,
          (spec.options || []).map((option) => ({
            label: label(option.text),
            note: label(option.description),
            run: async () => {
              if (!(await confirmed(spec, node))) return;
              const address = option.url && link(option.url, "");
              if (address?.href) window.open(address.href, "_blank", "noopener");
              ctx.act({ type: "overflow", block_id: block.block_id, action_id: spec.action_id, selected_option: option }, node);
            },
          })),
          { label: "More actions" },
        );
      },
    },
    icon("dots"),
  );
}

function fromOption(option) {
  return { id: option.value, label: label(option.text), note: label(option.description), option };
}

function people() {
  return [...state.users.values()]
    .filter((u) => !u.deleted)
    .map((u) => ({ id: u.id, label: fullName(u.id), note: `@${u.name}`, lead: () => avatar(u.id, 20) }))
    .sort((a, b) => a.label.localeCompare(b.label));
}

function conversations(spec) {
  const include = spec.filter?.include;
  return [...state.channels.values()]
    .filter((c) => !c.is_archived)
    .filter((c) => {
      if (spec.type.includes("channels_select")) return !c.is_im && !c.is_mpim && !c.is_private;
      if (!include) return true;
      return include.includes(c.is_im ? "im" : c.is_mpim ? "mpim" : c.is_private ? "private" : "public");
    })
    .map((c) => ({ id: c.id, label: `${c.is_im || c.is_mpim ? "" : "#"}${channelTitle(c)}` }))
    .sort((a, b) => a.label.localeCompare(b.label));
}

function select(spec, block, ctx, where, extra) {
  const name = field(spec.type);
  const many = spec.type.startsWith("multi_");
  const value = ctx.values.begin(block.block_id, spec);
  const external = spec.type.endsWith("external_select");
  const holdsOptions = spec.type.endsWith("static_select") || external;
  let groups;
  if (spec.type.endsWith("static_select")) {
    groups = spec.option_groups
      ? spec.option_groups.map((g) => ({ label: label(g.label), choices: g.options.map(fromOption) }))
      : [{ choices: (spec.options || []).map(fromOption) }];
  } else if (spec.type.endsWith("users_select")) groups = [{ choices: people() }];
  else if (!external) groups = [{ choices: conversations(spec) }];

  const current = value[name];
  const list = many ? current || [] : current ? [current] : [];
  const known = (groups || []).flatMap((g) => g.choices);
  const selected = list.map((v) => (holdsOptions ? fromOption(v) : known.find((c) => c.id === v) || { id: v, label: fullName(v) }));
  const node = picker({
    key: key(block, spec),
    label: extra.label,
    describedby: extra.describedby,
    placeholder: label(spec.placeholder),
    groups,
    load: external
      ? async (text) => {
          const answer = await ctx.options(block, spec, text);
          if (answer.option_groups) return answer.option_groups.map((g) => ({ label: label(g.label), choices: g.options.map(fromOption) }));
          return [{ choices: (answer.options || []).map(fromOption) }];
        }
      : null,
    least: external ? (spec.min_query_length ?? 0) : 0,
    many,
    max: spec.max_selected_items,
    selected,
    onchange: (chosen) => {
      const plain = chosen.map((c) => (holdsOptions ? c.option : c.id));
      changed(spec, block, ctx, where, { type: spec.type, [name]: many ? plain : (plain[0] ?? null) }, node);
    },
  });
  node.dataset.action = spec.action_id;
  return node;
}

function choiceList(spec, block, ctx, where, extra) {
  const many = spec.type === "checkboxes";
  const value = ctx.values.begin(block.block_id, spec);
  const on = (option) => (many ? (value.selected_options || []).some((o) => o.value === option.value) : value.selected_option?.value === option.value);
  const group = `${ctx.scope || "x"}-${key(block, spec)}`;
  const node = el("div", { class: "choices", role: many ? "group" : "radiogroup", "aria-label": extra.label, "aria-describedby": extra.describedby });
  (spec.options || []).forEach((option, i) => {
    const input = el("input", {
      type: many ? "checkbox" : "radio",
      name: group,
      dataset: { key: `${key(block, spec)}/${i}`, action: spec.action_id },
      onchange: () => {
        const picked = [...node.querySelectorAll("input")].map((box, n) => (box.checked ? spec.options[n] : null)).filter(Boolean);
        const next = many ? { type: spec.type, selected_options: picked } : { type: spec.type, selected_option: picked[0] ?? null };
        changed(spec, block, ctx, where, next, node, () => {
          input.checked = !input.checked;
        });
      },
    });
    input.checked = on(option);
    node.append(el("label", { class: "choice" }, input, el("span", {}, rendered(option.text), option.description && el("small", {}, rendered(option.description)))));
  });
  return node;
}

function dateOrTime(spec, block, ctx, where, extra) {
  const name = field(spec.type);
  const value = ctx.values.begin(block.block_id, spec);
  const input = el("input", {
    class: "field",
    type: spec.type === "datepicker" ? "date" : "time",
    "aria-label": extra.label || label(spec.placeholder) || (spec.type === "datepicker" ? "Date" : "Time"),
    "aria-describedby": extra.describedby,
    dataset: { key: key(block, spec), action: spec.action_id },
    onchange: () => changed(spec, block, ctx, where, { type: spec.type, [name]: input.value || null }, input),
  });
  input.value = value[name] || "";
  return input;
}

function dateTime(spec, block, ctx, where, extra) {
  const value = ctx.values.begin(block.block_id, spec);
  const parts = value.selected_date_time ? datedParts(value.selected_date_time) : { date: "", time: "" };
  const save = () => {
    const moment = date.value ? momentOf(date.value, time.value || "09:00") : null;
    if (moment && !time.value) time.value = "09:00";
    changed(spec, block, ctx, where, { type: spec.type, selected_date_time: moment }, box);
  };
  const name = extra.label || "Date and time";
  const date = el("input", { class: "field", type: "date", "aria-label": `${name}: date`, "aria-describedby": extra.describedby, dataset: { key: `${key(block, spec)}/date`, action: spec.action_id }, onchange: save });
  const time = el("input", { class: "field", type: "time", "aria-label": `${name}: time`, dataset: { key: `${key(block, spec)}/time`, action: spec.action_id }, onchange: save });
  date.value = parts.date;
  time.value = parts.time;
  const box = el("div", { class: "date-time" }, date, time, el("span", { class: "zone", text: state.me?.tz || "" }));
  return box;
}

const INPUT_TYPES = { email_text_input: "email", url_text_input: "url", number_input: "text" };

function textInput(spec, block, ctx, where, extra) {
  const value = ctx.values.begin(block.block_id, spec);
  const multiline = Boolean(spec.multiline);
  const when = spec.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
  const dispatch = () => {
    if (block.dispatch_action) ctx.act({ block_id: block.block_id, action_id: spec.action_id, type: spec.type, value: input.value }, input);
  };
  let timer;
  const left = spec.max_length ? el("small", { class: "count" }) : null;
  const input = el(multiline ? "textarea" : "input", {
    class: "field",
    type: multiline ? null : INPUT_TYPES[spec.type] || "text",
    inputmode: spec.type === "number_input" ? (spec.is_decimal_allowed ? "decimal" : "numeric") : null,
    placeholder: label(spec.placeholder),
    "aria-label": extra.label,
    "aria-describedby": extra.describedby,
    autocomplete: "off",
    rows: multiline ? "4" : null,
    dataset: { key: key(block, spec), action: spec.action_id, ...(spec.focus_on_load ? { focus: "" } : {}) },
    oninput: () => {
      ctx.values.set(block.block_id, spec.action_id, { type: spec.type, value: input.value === "" ? null : input.value });
      ctx.touched?.(block.block_id);
      count();
      if (!when.includes("on_character_entered")) return;
      clearTimeout(timer);
      timer = setTimeout(dispatch, 250);
    },
    onkeydown: (event) => {
      if (event.key !== "Enter" || multiline || event.isComposing) return;
      if (block.dispatch_action && when.includes("on_enter_pressed")) {
        event.preventDefault();
        dispatch();
      }
    },
  });
  input.value = value.value ?? "";
  count();
  return left ? el("div", { class: "counted" }, input, left) : input;

  function count() {
    if (!left) return;
    const length = [...input.value].length;
    left.hidden = spec.max_length > 200 && length < 0.8 * spec.max_length;
    left.textContent = `${length} of ${spec.max_length}`;
    left.classList.toggle("over", length > spec.max_length);
  }
}

function fileInput() {
  return el("p", { class: "unknown", text: "Files cannot be given in this local workspace." });
}

const KINDS = {
  button,
  overflow,
  workflow_button: button,
  static_select: select,
  external_select: select,
  users_select: select,
  conversations_select: select,
  channels_select: select,
  multi_static_select: select,
  multi_external_select: select,
  multi_users_select: select,
  multi_conversations_select: select,
  multi_channels_select: select,
  checkboxes: choiceList,
  radio_buttons: choiceList,
  datepicker: dateOrTime,
  timepicker: dateOrTime,
  datetimepicker: dateTime,
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  file_input: fileInput,
};
