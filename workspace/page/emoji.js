// Names of the common emoji, and their pictures. Unknown names are shown as they were typed.

const TABLE = `
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 ok_hand 👌 wave 👋 clap 👏 raised_hands 🙌 pray 🙏 muscle 💪 point_right 👉 point_up ☝️
eyes 👀 heart ❤️ tada 🎉 rocket 🚀 fire 🔥 100 💯 white_check_mark ✅ heavy_check_mark ✔️ x ❌ heavy_plus_sign ➕ warning ⚠️
no_entry ⛔ no_entry_sign 🚫 octagonal_sign 🛑 rotating_light 🚨 bell 🔔 no_bell 🔕 mega 📣 loudspeaker 📢 speech_balloon 💬
pushpin 📌 round_pushpin 📍 paperclip 📎 memo 📝 pencil ✏️ clipboard 📋 page_facing_up 📄 books 📚 book 📖 bookmark 🔖 link 🔗
lock 🔒 unlock 🔓 key 🔑 mag 🔍 wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ gear ⚙️ toolbox 🧰 bug 🐛 boom 💥 zap ⚡ bulb 💡
phone ☎️ telephone_receiver 📞 iphone 📱 email 📧 envelope ✉️ incoming_envelope 📨 pager 📟 computer 💻 floppy_disk 💾
stopwatch ⏱️ timer_clock ⏲️ alarm_clock ⏰ hourglass ⌛ hourglass_flowing_sand ⏳ clock1 🕐 clock3 🕒 clock9 🕘 calendar 📅 date 📅 spiral_calendar_pad 🗓️
chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 dart 🎯 trophy 🏆 checkered_flag 🏁 triangular_flag_on_post 🚩
red_circle 🔴 large_orange_circle 🟠 large_yellow_circle 🟡 large_green_circle 🟢 large_blue_circle 🔵 white_circle ⚪ black_circle ⚫
large_red_square 🟥 large_orange_square 🟧 large_yellow_square 🟨 large_green_square 🟩 large_blue_square 🟦
arrow_up ⬆️ arrow_down ⬇️ arrow_right ➡️ arrow_left ⬅️ arrow_upper_right ↗️ arrows_counterclockwise 🔄 repeat 🔁
leftwards_arrow_with_hook ↩️ double_vertical_bar ⏸️ pause_button ⏸️ arrow_forward ▶️ black_square_for_stop ⏹️ fast_forward ⏩
question ❓ exclamation ❗ bangbang ‼️ information_source ℹ️ sos 🆘 new 🆕 ok 🆗 one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣
smile 😄 smiley 😃 grinning 😀 joy 😂 sweat_smile 😅 slightly_smiling_face 🙂 wink 😉 blush 😊 thinking_face 🤔 neutral_face 😐
cry 😢 sob 😭 scream 😱 sleeping 😴 zzz 💤 sunglasses 😎 face_with_monocle 🧐 facepalm 🤦 shrug 🤷 saluting_face 🫡 skull 💀 ghost 👻
robot_face 🤖 firefighter 🧑‍🚒 fire_engine 🚒 ambulance 🚑 helicopter 🚁 fire_extinguisher 🧯 shield 🛡️ crown 👑 busts_in_silhouette 👥
bust_in_silhouette 👤 male-detective 🕵️ detective 🕵️ coffee ☕ pizza 🍕 beers 🍻 sunny ☀️ cloud ☁️ crescent_moon 🌙 star ⭐ sparkles ✨
snowflake ❄️ ocean 🌊 palm_tree 🌴 seedling 🌱 globe_with_meridians 🌐 house 🏠 office 🏢 package 📦 truck 🚚 construction 🚧
thread 🧵 test_tube 🧪 microscope 🔬 dvd 📀 satellite_antenna 📡 battery 🔋 electric_plug 🔌 ladder 🪜 umbrella ☂️ recycle ♻️ wastebasket 🗑️
`;

const BY_NAME = new Map();
const words = TABLE.trim().split(/\s+/);
for (let i = 0; i + 1 < words.length; i += 2) BY_NAME.set(words[i], words[i + 1]);

// picture returns the emoji for a name, or undefined.
export function picture(name) {
  const base = String(name).split("::")[0];
  return BY_NAME.get(base);
}

export const QUICK = ["pushpin", "+1", "eyes", "white_check_mark", "tada", "pray"];

export function find(part, limit = 8) {
  const wanted = part.toLowerCase();
  const starts = [];
  const holds = [];
  for (const [name, value] of BY_NAME) {
    if (name.startsWith(wanted)) starts.push([name, value]);
    else if (name.includes(wanted)) holds.push([name, value]);
  }
  const seen = new Set();
  return [...starts, ...holds].filter(([, value]) => !seen.has(value) && seen.add(value)).slice(0, limit);
}

// withPictures replaces :names: in plain text.
export function withPictures(text) {
  return text.replace(/:([a-z0-9_+'-]+(?:::[a-z0-9-]+)?):/g, (whole, name) => picture(name) || whole);
}
