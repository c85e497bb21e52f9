// The drawers that stand beside Slack: the person's phone, the person's mails, and the
// switches for faults. The clock's control lives here too.

import { el, icon, replace, toast, announce } from "./dom.js";
import { client, sentence } from "./api.js";
import { avatar } from "./avatar.js";
import { link } from "./mrkdwn.js";
import { state, emit, on, setClock, clockSpeed, workspaceNow, timeOf, timeSecsOf, dateWeekday, fullName, dayTitle } from "./state.js";
import { takeFaults } from "./receive.js";

// ---- clock ----

const SPEEDS = [1, 10, 60];

export function clockControl() {
  const now = el("time", { class: "clock-time" });
  const day = el("span", { class: "clock-day" });
  const speeds = el("div", { class: "segmented", role: "group", "aria-label": "How fast the clock runs" });
  const draw = () => {
    replace(
      speeds,
      SPEEDS.map((speed) =>
        el("button", {
          type: "button",
          "aria-pressed": String(clockSpeed() === speed),
          title: speed === 1 ? "Real time" : `${speed} times as fast`,
          text: `${speed}×`,
          dataset: { speed: String(speed), key: `speed-${speed}` },
          onclick: () => chooseSpeed(speed),
        }),
      ),
    );
    now.classList.toggle("fast", clockSpeed() > 1);
  };
  const tick = () => {
    const seconds = workspaceNow();
    now.textContent = clockSpeed() > 10 ? timeOf(seconds) : timeSecsOf(seconds);
    now.setAttribute("datetime", new Date(seconds * 1000).toISOString());
    day.textContent = `${dateWeekday(seconds)} · ${(state.me?.tz || "UTC").split("/").pop().replaceAll("_", " ")}`;
  };
  draw();
  tick();
  on("clock", () => {
    draw();
    tick();
  });
  on("person", tick);
  setInterval(tick, 250);
  return el("div", { class: "clock", title: "The workspace's clock" }, el("div", { class: "clock-face" }, now, day), speeds);
}

async function chooseSpeed(speed) {
  try {
    const answer = await client("clock", { speed });
    setClock(answer.clock || { speed, now: answer.now });
    announce(`The clock runs at ${speed} times`);
    document.querySelector(`[data-key="speed-${speed}"]`)?.focus();
  } catch (error) {
    toast(sentence(error), "bad");
  }
}

// ---- faults ----

const SWITCHES = [
  { name: "slack_down", label: "Slack is down", note: "Every call of the app fails and its socket is closed. Pages leave by other ways." },
  { name: "double_envelopes", label: "Doubled envelopes", note: "The app hears everything twice." },
];
const AMOUNTS = [
  { name: "rate_limit_every", label: "Too many requests", note: "The app gets 429 on every so many calls.", choices: [[0, "Off"], [10, "Every 10th"], [3, "Every 3rd"], [1, "Always"]] },
  { name: "slow_ms", label: "Slow answers", note: "Each call of the app takes this much longer.", choices: [[0, "Off"], [300, "0.3 s"], [1000, "1 s"], [4000, "4 s"]] },
  { name: "lose_answers_every", label: "Lost answers", note: "The call is done, but the app never hears so.", choices: [[0, "Off"], [10, "Every 10th"], [3, "Every 3rd"]] },
  { name: "cut_every_ms", label: "Unsteady socket", note: "The socket is cut again and again.", choices: [[0, "Off"], [10000, "Every 10 s"], [2000, "Every 2 s"]] },
];

export function anyFault() {
  return Object.values(state.faults).some((v) => v === true || (typeof v === "number" && v > 0));
}

async function setFaults(change) {
  try {
    const answer = await client("faults", change);
    if (answer.faults) emit("faults", takeFaults({ faults: answer.faults }));
    else emit("faults", Object.assign(state.faults, change.cut_socket ? {} : change));
  } catch (error) {
    toast(sentence(error), "bad");
    emit("faults");
  }
}

export function faultsPane() {
  const body = el("div", { class: "pane-body" });
  const refresh = () => {
    const held = document.activeElement?.dataset?.key;
    replace(
      body,
      el("p", { class: "lead", text: "What can go wrong between the app and Slack. You keep reading and writing; the app has to cope." }),
      el("p", { class: "bots" }, el("span", { class: state.bots === 0 ? "dot dot-bad" : "dot dot-good" }), state.bots === null ? "The app's connection is not known yet." : state.bots === 0 ? "The app is not connected." : `The app is connected (${state.bots} socket${state.bots === 1 ? "" : "s"}).`),
      SWITCHES.map((s) => {
        const box = el("input", { type: "checkbox", role: "switch", dataset: { key: s.name, fault: s.name }, onchange: () => setFaults({ [s.name]: box.checked }) });
        box.checked = Boolean(state.faults[s.name]);
        return el("label", { class: "switch-row" }, el("span", { class: "row-text" }, el("strong", { text: s.label }), el("small", { text: s.note })), box);
      }),
      AMOUNTS.map((a) =>
        el(
          "div",
          { class: "switch-row" },
          el("span", { class: "row-text" }, el("strong", { text: a.label }), el("small", { text: a.note })),
          el(
            "div",
            { class: "segmented", role: "group", "aria-label": a.label },
            a.choices.map(([value, text]) =>
              el("button", { type: "button", "aria-pressed": String(Number(state.faults[a.name] || 0) === value), text, dataset: { key: `${a.name}-${value}`, fault: a.name, value: String(value) }, onclick: () => setFaults({ [a.name]: value }) }),
            ),
          ),
        ),
      ),
      el(
        "div",
        { class: "switch-row" },
        el("span", { class: "row-text" }, el("strong", { text: "Cut the socket" }), el("small", { text: "Once, now. The app has to come back and miss nothing." })),
        el("button", { class: "button", type: "button", text: "Cut now", dataset: { key: "cut", fault: "cut_socket" }, onclick: () => setFaults({ cut_socket: true }).then(() => announce("Socket cut")) }),
      ),
      el("button", { class: "button wide", type: "button", disabled: !anyFault(), text: "All well again", dataset: { key: "heal" }, onclick: () => setFaults({ slack_down: false, double_envelopes: false, rate_limit_every: 0, slow_ms: 0, lose_answers_every: 0, cut_every_ms: 0 }) }),
    );
    if (held) body.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  };
  refresh();
  const offs = [on("faults", refresh), on("bots", refresh)];
  return { title: "Faults", body, refresh, stop: () => offs.forEach((off) => off()) };
}

// ---- actions ----

export function actionsPane() {
  const body = el("div", { class: "pane-body" });
  const run = async (button, action) => {
    button.disabled = true;
    try {
      await client("button", { name: action.name });
      // A toast would lie over the buttons of the message that comes.
      announce(`Sent: ${action.label}`);
      button.textContent = "Sent";
      setTimeout(() => (button.textContent = "Send"), 2000);
    } catch (error) {
      toast(sentence(error), "bad");
    } finally {
      button.disabled = false;
    }
  };
  replace(
    body,
    el("p", { class: "lead", text: "What a monitoring system would send. Each button posts a real webhook to the app." }),
    (state.actions || []).map((action) => {
      const button = el("button", { class: "button", type: "button", text: "Send", "aria-label": `Send: ${action.label}`, dataset: { act: action.name }, onclick: () => run(button, action) });
      return el("div", { class: "switch-row" }, el("span", { class: "row-text" }, el("strong", { text: action.label }), el("small", { text: action.note })), button);
    }),
  );
  return { title: "Alerts", body, refresh() {}, stop() {} };
}

// ---- phone ----

// A call event is {call: {id, user, from, title?, state: "ringing"|"answered"|"ended",
// transcript: [{who, text}], keys?: [{digit, label}], ts, result?}}.
on("call", (event) => {
  const call = event.call || event;
  const id = call.id || call.call_id;
  if (!id) return;
  const before = state.calls.get(id);
  state.calls.set(id, { ...before, ...call, id });
  const now = state.calls.get(id);
  if (!before && now.state !== "ended") {
    announce("The phone is ringing");
    toast(`☎️ ${now.title || "The phone is ringing"}`, "info", { label: "Pick up", run: () => emit("open-pane", { kind: "phone" }) });
  }
  emit("calls");
});

const KEYS = [{ digit: "1", label: "Acknowledge" }, { digit: "2", label: "Pass it on" }];

async function press(call, digit) {
  try {
    await client("phone/key", { call_id: call.id, digit });
  } catch (error) {
    toast(error.code === "no_call" ? "This call is over." : sentence(error), "bad");
  }
}

export function phonePane() {
  const body = el("div", { class: "pane-body" });
  const refresh = () => {
    const calls = [...state.calls.values()].sort((a, b) => Number(b.ts || 0) - Number(a.ts || 0));
    replace(
      body,
      calls.length === 0 && empty("phone", "Nothing yet", `When somebody has to wake ${state.me?.real_name || "you"}, the phone rings here.`),
      calls.map((call) => {
        const live = call.state !== "ended";
        const said = Array.isArray(call.transcript) ? call.transcript : call.transcript ? [{ text: call.transcript }] : [];
        return el(
          "section",
          { class: live ? "call call-live" : "call", "aria-label": `Call ${call.state || ""}` },
          el("header", {}, el("span", { class: call.state === "ringing" ? "ring" : "ring still" }, icon("phone", 20)), el("span", { class: "row-text" }, el("strong", { text: call.title || "Call" }), el("small", { text: [call.from, call.ts && timeOf(Number(call.ts)), call.result || call.state].filter(Boolean).join(" · ") }))),
          said.map((line) => el("p", { class: "said" }, line.who && el("strong", { text: `${line.who}: ` }), line.text || String(line))),
          live && el("div", { class: "keys" }, (call.keys || KEYS).map((k) => el("button", { class: "key", type: "button", dataset: { digit: k.digit }, onclick: () => press(call, String(k.digit)) }, el("strong", { text: k.digit }), el("span", { text: k.label || "" })))),
        );
      }),
    );
  };
  refresh();
  return { title: "Phone", note: state.me?.real_name || "", body, refresh, stop: on("calls", refresh) };
}

// ---- inbox ----

// A mail event is {mail: {id, to, from, subject, text, ts}}.
on("mail", (event) => {
  const mail = event.mail || event;
  state.mails = [{ unread: true, ...mail }, ...state.mails.filter((m) => !mail.id || m.id !== mail.id)];
  announce(`Mail: ${mail.subject || ""}`);
  emit("mails");
});

export function inboxPane() {
  const body = el("div", { class: "pane-body" });
  const refresh = () => {
    replace(
      body,
      state.mails.length === 0 && empty("mail", "Nothing yet", "Mails to this person arrive here."),
      state.mails.map((mail) =>
        el(
          "details",
          { class: "mail", open: state.mails.length === 1 },
          el("summary", {}, avatar("app", 24), el("span", { class: "row-text" }, el("strong", { text: mail.subject || "(no subject)" }), el("small", { text: [typeof mail.to === "string" ? mail.to : fullName(mail.user), mail.ts && `${dayTitle(Number(mail.ts))} ${timeOf(Number(mail.ts))}`].filter(Boolean).join(" · ") }))),
          el("div", { class: "mail-text" }, linked(mail.text || mail.body || "")),
        ),
      ),
    );
    for (const mail of state.mails) mail.unread = false;
    emit("mails-read");
  };
  refresh();
  return { title: "Inbox", note: state.me?.email || "", body, refresh, stop: on("mails", refresh) };
}

function linked(text) {
  return text.split(/(https?:\/\/[^\s<>]+[^\s<>.,;:!?)])/).map((part, i) => (i % 2 ? link(part, part) : part));
}

function empty(picture, title, text) {
  return el("div", { class: "empty-state" }, icon(picture, 40), el("strong", { text: title }), el("p", { text }));
}
