// What a person has chosen or typed in the inputs of one message or form, in the shape of
// Slack's state.values. It outlives a redraw, so that an update never takes typing away.

export class Values {
  constructor() {
    this.byKey = new Map();
  }

  static key(block, action) {
    return `${block}\n${action}`;
  }

  get(block, action) {
    return this.byKey.get(Values.key(block, action));
  }

  set(block, action, value) {
    this.byKey.set(Values.key(block, action), value);
  }

  // begin keeps a value that is there and otherwise takes the element's initial one. Like
  // Slack, an element with the same block and action keeps its value over an update.
  begin(block, element) {
    const key = Values.key(block, element.action_id);
    const before = this.byKey.get(key);
    if (before && before.type === element.type) return before;
    const value = initial(element);
    this.byKey.set(key, value);
    return value;
  }

  // keepOnly forgets the inputs that are no longer shown.
  keepOnly(pairs) {
    const keep = new Set(pairs.map(([block, action]) => Values.key(block, action)));
    for (const key of this.byKey.keys()) if (!keep.has(key)) this.byKey.delete(key);
  }

  toState() {
    const values = {};
    for (const [key, value] of this.byKey) {
      const [block, action] = key.split("\n");
      (values[block] ||= {})[action] = value;
    }
    return { values };
  }
}

const NAMES = {
  static_select: ["selected_option", "initial_option"],
  external_select: ["selected_option", "initial_option"],
  users_select: ["selected_user", "initial_user"],
  conversations_select: ["selected_conversation", "initial_conversation"],
  channels_select: ["selected_channel", "initial_channel"],
  multi_static_select: ["selected_options", "initial_options"],
  multi_external_select: ["selected_options", "initial_options"],
  multi_users_select: ["selected_users", "initial_users"],
  multi_conversations_select: ["selected_conversations", "initial_conversations"],
  multi_channels_select: ["selected_channels", "initial_channels"],
  checkboxes: ["selected_options", "initial_options"],
  radio_buttons: ["selected_option", "initial_option"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  plain_text_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
};

// field is the name under which an element's value travels; undefined for buttons and menus.
export function field(type) {
  return NAMES[type]?.[0];
}

function initial(element) {
  const names = NAMES[element.type];
  if (!names) return { type: element.type };
  const many = names[0].endsWith("s");
  return { type: element.type, [names[0]]: element[names[1]] ?? (many ? [] : null) };
}
