// Drives the local workspace with Slack's own client library: a slash command, a form, its submission, a post, an update, a
// click, a response and the App Home. Prints "ready" once connected and one line for each thing that arrived.

import bolt from "@slack/bolt";

const { App } = bolt;
const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});

const say = (line) => process.stdout.write(`${line}\n`);
app.error(async (error) => say(`error ${error.message}`));

app.command("/incident", async ({ command, ack, client, respond }) => {
  await ack({ text: `acknowledged ${command.text}` });
  await client.views.open({
    trigger_id: command.trigger_id,
    view: {
      type: "modal",
      callback_id: "declare",
      private_metadata: command.channel_id,
      title: { type: "plain_text", text: "Declare" },
      submit: { type: "plain_text", text: "Go" },
      blocks: [
        { type: "input", block_id: "title", label: { type: "plain_text", text: "Title" }, element: { type: "plain_text_input", action_id: "text" } },
        {
          type: "input",
          block_id: "severity",
          label: { type: "plain_text", text: "Severity" },
          element: {
            type: "static_select",
            action_id: "pick",
            options: ["P0", "P1"].map((p) => ({ text: { type: "plain_text", text: p }, value: p })),
          },
        },
      ],
    },
  });
  await respond({ text: "the form is open", response_type: "ephemeral" });
  say(`command ${command.text}`);
});

app.view("declare", async ({ ack, view, client, body }) => {
  const title = view.state.values.title.text.value;
  const severity = view.state.values.severity.pick.selected_option.value;
  if (title.length < 4) {
    await ack({ response_action: "errors", errors: { title: "Too short." } });
    say("refused");
    return;
  }
  await ack();
  const posted = await client.chat.postMessage({
    channel: view.private_metadata,
    text: `${severity} ${title}`,
    metadata: { event_type: "incident", event_payload: { id: "INC-1" } },
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: `*${severity}* ${title} by <@${body.user.id}>` } },
      { type: "actions", elements: [{ type: "button", action_id: "ack", value: "INC-1", text: { type: "plain_text", text: "Acknowledge" } }] },
    ],
  });
  say(`posted ${posted.ts}`);
});

app.action("ack", async ({ ack, body, client, respond, action }) => {
  await ack();
  await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: `${action.value} acknowledged by ${body.user.name}` });
  await respond({ text: "thank you", replace_original: false, response_type: "ephemeral" });
  const history = await client.conversations.history({ channel: body.channel.id, include_all_metadata: true });
  say(`clicked ${history.messages[0].metadata.event_payload.id}`);
});

app.event("app_mention", async ({ event, say: reply }) => {
  await reply({ text: "you called", thread_ts: event.ts });
  say("mentioned");
});

app.event("app_home_opened", async ({ event, client }) => {
  await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [{ type: "section", text: { type: "mrkdwn", text: "home" } }] } });
  const file = await client.filesUploadV2({ channel_id: event.channel, filename: "log.txt", content: "all quiet", title: "Log" });
  say(`home ${file.ok}`);
});

await app.start();
say("ready");
process.stdin.resume();
process.stdin.on("end", async () => {
  await app.stop();
  process.exit(0);
});
