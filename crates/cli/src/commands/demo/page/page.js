import { choose, draw } from "./draw.js";
import { picker } from "./files.js";
import { $, page } from "./shared.js";

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error((await response.text()) || "That did not work.");
  return response.json();
}

/** A form with a text box and a picture: Enter sends, Shift+Enter is a new line. */
function composer(form, box, send) {
  const problem = form.querySelector(".problem");
  const picked = picker(form, box);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value;
    const file = picked.file();
    if (!text.trim() && !file) return box.focus();
    problem.textContent = "";
    box.value = "";
    picked.pick(null);
    try {
      await send({ text, picture: await picked.encoded(file) });
    } catch (error) {
      problem.textContent = error.message;
      if (!box.value) box.value = text;
      if (!picked.file()) picked.pick(file);
    }
    box.focus();
  });
}

composer($("texting"), $("text"), (message) => post("/customer", { from: page.contact, ...message }));

composer($("writing"), $("reply"), async (message) => {
  if (page.writingNew) {
    const { contact } = await post("/agent", { to: $("to").value, ...message });
    $("to").value = "";
    return choose(contact);
  }
  const last = page.state.front.findLast((m) => m.contact === page.contact);
  await post("/agent", { conversation: last?.conversation, to: page.contact, ...message });
});

$("customer").addEventListener("change", (event) => {
  const other = event.target.value === "other";
  if (!other) return choose(event.target.value);
  $("other").hidden = false;
  $("other-number").focus();
});

$("other").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = $("other-number").value.replace(/[^\d+]/g, "");
  const contact = typed.startsWith("+") ? typed : `+1${typed.replace(/^1(?=\d{10}$)/, "")}`;
  $("other-number").value = "";
  choose(contact);
  $("text").focus();
});

$("new").addEventListener("click", () => {
  page.writingNew = true;
  draw();
  $("to").focus();
});

$("troubles").addEventListener("change", (event) => {
  post("/misbehave", { trouble: event.target.value }).catch((error) => {
    $("found").textContent = error.message;
  });
});

$("backfill").addEventListener("click", async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  $("found").textContent = "Reading SignalWire’s list…";
  try {
    const { seen, inserted } = await post("/backfill", {});
    $("found").textContent = `${seen} messages seen, ${inserted} new`;
  } catch (error) {
    $("found").textContent = error.message;
  }
  button.disabled = false;
});

// What was seen last stays in sight when a list gets less room, as when a text grows.
for (const list of [$("texts"), $("messages")]) {
  let atEnd = true;
  list.addEventListener("scroll", () => {
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  });
  new ResizeObserver(() => {
    if (atEnd) list.scrollTop = list.scrollHeight;
  }).observe(list);
}

// Live

let loading = false;
let again = false;

async function load() {
  again = true;
  if (loading) return;
  loading = true;
  while (again) {
    again = false;
    // When it fails the server is gone; the next event tells when it is back.
    const response = await fetch("/state").catch(() => null);
    page.state = (response?.ok && (await response.json().catch(() => null))) || page.state;
    draw();
  }
  loading = false;
}

const events = new EventSource("/events");
events.addEventListener("message", load);
events.addEventListener("open", () => live(true));
events.addEventListener("error", () => live(false));

function live(on) {
  $("live").textContent = on ? "Live" : "Not connected";
  $("live").classList.toggle("on", on);
}
