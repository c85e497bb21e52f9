// Calls to the workspace: Slack's own methods under /api/, and the endpoints that a
// person's client needs under /client/. It never keeps state besides the token.

let token = "";

export function useToken(value) {
  token = value;
}

export class ApiError extends Error {
  constructor(code, answer) {
    super(code);
    this.name = "ApiError";
    this.code = code;
    this.answer = answer || {};
  }
}

const SENTENCES = {
  unreachable: "The workspace does not answer. Is the program still running?",
  dispatch_failed: "The app is not connected, so nobody heard it.",
  workspace_closed: "The workspace is shutting down.",
  clock_fixed: "The clock of this workspace cannot be changed.",
  action_not_found: "That is no longer part of the message.",
  view_not_found: "That form is no longer open.",
  invalid_response: "The app answered with something that Slack would refuse.",
  cant_update_message: "Only your own messages can be changed.",
  cant_delete_message: "Only your own messages can be deleted.",
  operation_timeout: "The app did not answer within three seconds.",
  ratelimited: "Too many requests at once. Try again in a moment.",
  not_in_channel: "You are not in this channel. Join it first.",
  is_archived: "This channel is archived.",
  channel_not_found: "This channel does not exist, or you cannot see it.",
  message_not_found: "That message is gone.",
  expired_trigger_id: "The app took longer than three seconds to open its form.",
  no_text: "There is nothing to send.",
  msg_too_long: "The message is too long.",
  invalid_auth: "This person's sign-in is no longer valid. Reload the page.",
};

// sentence turns an error code into something to read.
export function sentence(error) {
  const code = error?.code || error?.message || String(error);
  return SENTENCES[code] || `The workspace refused: ${code.replaceAll("_", " ")}.`;
}

async function answerOf(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new ApiError("unreachable");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError(response.status === 429 ? "ratelimited" : response.status >= 500 ? "unreachable" : "invalid_answer");
  }
  if (answer.ok === false) throw new ApiError(answer.error || "failed", answer);
  return answer;
}

export function boot() {
  return answerOf(fetch("client/boot", { cache: "no-store" }));
}

// client posts JSON to /client/NAME.
export function client(name, body = {}) {
  return answerOf(
    fetch(`client/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    }),
  );
}

export function clientGet(name, query = {}) {
  const search = new URLSearchParams(query).toString();
  return answerOf(fetch(`client/${name}?${search}`, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" }));
}

// slack calls one of Slack's methods, form-encoded.
export function slack(method, args = {}) {
  const body = new URLSearchParams();
  for (const [key, value] of Object.entries(args)) {
    if (value === undefined || value === null) continue;
    body.set(key, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return answerOf(fetch(`api/${method}`, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body }));
}

// fileUrl is where the browser can load a workspace file from, or "" when the address is
// somewhere else: the page asks nothing beyond its own origin.
export function fileUrl(address) {
  if (!address) return "";
  if (address.startsWith("data:image/")) return address;
  let url;
  try {
    url = new URL(address, location.href);
  } catch {
    return "";
  }
  if (url.origin !== location.origin) return "";
  if (url.pathname.startsWith("/files")) url.searchParams.set("token", token);
  return url.href;
}
