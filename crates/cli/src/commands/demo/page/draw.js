import { drawFile } from "./files.js";
import { $, make, orNothing, page, show, time } from "./shared.js";

const name = (contact) => page.state.people[contact] ?? number(contact);

function number(contact) {
  const american = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(contact);
  return american ? `+1 ${american[1]} ${american[2]} ${american[3]}` : contact;
}

function contacts() {
  const all = [...Object.keys(page.state.people), ...page.state.sms, ...page.state.front].map((m) => m.contact ?? m);
  if (page.contact) all.push(page.contact);
  const unique = [...new Set(all.filter(Boolean))];
  return unique.sort((a, b) => name(a).localeCompare(name(b)));
}

/** An agent can write to anything; not everything is a number that a phone has. */
const isPhone = (contact) => /^\+\d{8,15}$/.test(contact);

// The phone

function drawPhone() {
  const select = $("customer");
  const has = isPhone(page.contact);
  const options = contacts().filter((contact) => isPhone(contact) || contact === page.contact).map((contact) => {
    const known = page.state.people[contact];
    return { key: contact, label: known ? `${known}  ·  ${number(contact)}` : number(contact) };
  });
  options.push({ key: "other", label: "Another number…" });
  show(select, options, (item) => new Option(item.label, item.key));
  if (document.activeElement !== select || select.value !== "other") select.value = page.contact;
  const texts = page.state.sms.filter((m) => m.contact === page.contact && (m.inbound || m.status === "delivered" || m.status === "sent"));
  const items = texts.map((m) => ({ key: m.sid, text: m.text, files: m.files, inbound: m.inbound, at: m.at, note: m.inbound ? fate(m) : "" }));
  show($("texts"), orNothing(items, has ? "No texts yet. Write the first one below." : "No phone has this number."), drawText);
  for (const part of $("texting").elements) part.disabled = !has;
  $("text").title = `Text to ${number(page.state.number)}`;
}

/** What became of a customer's text: no phone knows, but this page does. */
function fate(text) {
  const row = page.state.rows.find((row) => row.provider_message_id === text.sid);
  if (row?.helpdesk_message_id) return "in Front";
  if (!row && text.unannounced) return "webhook lost";
  return "on its way";
}

function drawText(item) {
  if (item.nothing) return make("li", item.nothing, "nothing");
  const li = make("li", undefined, item.inbound ? "wrote" : "got");
  if (item.note === "webhook lost") li.classList.add("lost");
  li.append(...item.files.map(drawFile));
  if (item.text) li.append(make("p", item.text));
  li.append(make("small", [time(item.at), ...item.files.map((file) => file.what), item.note].filter(Boolean).join(" · ")));
  return li;
}

// The inbox

function drawInbox() {
  const latest = new Map();
  for (const message of page.state.front) latest.set(message.contact, message);
  const items = [...latest.values()].sort((a, b) => b.at - a.at).map((m) => ({
    key: m.contact, name: name(m.contact), text: m.text || "Picture", at: m.at, failed: Boolean(m.error),
    current: !page.writingNew && m.contact === page.contact,
  }));
  show($("conversations"), orNothing(items, "Nothing here yet."), drawConversation);
  const messages = page.writingNew ? [] : page.state.front.filter((m) => m.contact === page.contact);
  const title = $("title");
  const heading = page.writingNew ? "New message" : name(page.contact);
  const detail = page.writingNew || heading === number(page.contact) ? "" : number(page.contact);
  if (title.dataset.print !== heading + detail) {
    title.dataset.print = heading + detail;
    title.replaceChildren(heading, make("small", detail));
  }
  const hint = page.writingNew ? "Write to any number." : "No conversation yet. Write the first message below.";
  const shown = messages.map((m) => ({ key: m.uid, ...m, author: m.author || name(m.contact) }));
  show($("messages"), orNothing(shown, hint), drawMessage);
  $("addressing").hidden = !page.writingNew;
  $("reply").placeholder = page.writingNew ? "Message" : `${messages.length ? "Reply" : "Write"} to ${name(page.contact)}`;
}

function drawConversation(item) {
  const li = make("li", item.nothing, item.nothing ? "nothing" : undefined);
  if (item.nothing) return li;
  const button = make("button", undefined, item.failed ? "failed" : undefined);
  button.type = "button";
  button.setAttribute("aria-current", String(item.current));
  button.append(make("b", item.name), make("time", time(item.at)), make("span", item.failed ? `Not sent: ${item.text}` : item.text));
  button.addEventListener("click", () => choose(item.key));
  li.append(button);
  return li;
}

function drawMessage(item) {
  if (item.nothing) return make("li", item.nothing, "nothing");
  const li = make("li", undefined, item.inbound ? "theirs" : "ours");
  const header = make("header");
  header.append(make("b", item.author), make("span", item.inbound || item.taken || item.error ? time(item.at) : "sending…"));
  li.append(header);
  if (item.text) li.append(make("p", item.text));
  for (const file of item.files) {
    li.append(drawFile(file));
    if (file.src) li.append(make("small", `${file.name} · ${file.what}`));
  }
  if (item.error) {
    li.classList.add("failed");
    li.append(make("p", `Not sent. ${item.error}`, "why"));
  }
  return li;
}

// The table

function drawTable() {
  const rows = page.state.rows.filter((row) => row.external_conversation_id === page.contact).map((row) => ({ key: row.external_id, ...row }));
  const known = new Set(page.state.rows.map((row) => row.provider_message_id));
  const unknown = page.state.sms.filter((m) => m.inbound && m.contact === page.contact && !known.has(m.sid));
  const ghosts = unknown.map((m) => ({ key: m.sid, ghost: true, direction: "inbound", body: m.text, files: m.files.length, provider_message_id: m.sid }));
  show($("rows"), orNothing([...rows, ...ghosts], "No rows for this conversation yet."), drawRow, $("rows").closest(".scroll"));
}

function drawRow(item) {
  const tr = make("tr");
  if (item.nothing) {
    const cell = make("td", item.nothing, "none");
    cell.colSpan = 4;
    tr.append(cell);
    return tr;
  }
  const [word, kind] = standing(item);
  const text = make("td", `${item.direction === "inbound" ? "←" : "→"}  `);
  if (item.files) text.append(make("span", item.files === 1 ? "1 file" : `${item.files} files`, "files"), " ");
  text.append(item.body);
  text.title = item.ghost ? item.body : `${item.external_id}\n${item.body}`;
  const state = make("td");
  state.append(make("span", word, `state ${kind}`));
  tr.append(text, idCell(item.helpdesk_message_id, item), idCell(item.provider_message_id, item), state);
  return tr;
}

function idCell(id, row) {
  const cell = make("td");
  if (id) {
    const code = make("code", id.length > 15 ? `${id.slice(0, 8)}…${id.slice(-5)}` : id);
    code.title = id;
    cell.append(code);
  } else {
    cell.append(row.parked ? make("span", "none", "none") : make("span", "missing", "missing"));
  }
  return cell;
}

/** Where a row stands, in words for a newcomer. */
function standing(row) {
  const code = row.provider_error_code ? ` ${row.provider_error_code}` : "";
  if (row.ghost) return ["not known yet: run a backfill", "wait"];
  if (row.helpdesk_status === "failed" || row.helpdesk_status === "noted") {
    return [`${row.parked ?? row.provider_status}${code}, agent told`, "bad"];
  }
  if (row.parked) return [`${row.parked.replace("_", " ")}${code}`, "bad"];
  if (row.doubt) return ["outcome unknown, will look", "wait"];
  if (!row.provider_message_id) return [row.in_flight ? "being sent" : "to be sent", "wait"];
  if (!row.helpdesk_message_id) return [row.in_flight ? "going to Front" : "to go to Front", "wait"];
  if (["failed", "undelivered", "canceled"].includes(row.provider_status)) return [`${row.provider_status}${code}`, "bad"];
  return [`in step · ${row.provider_status ?? "sent"}`, "good"];
}

export function draw() {
  if (!page.state) return;
  if (!page.contact) page.contact = contacts()[0];
  drawPhone();
  drawInbox();
  drawTable();
  const trouble = document.querySelector(`[name="trouble"][value="${page.state.trouble}"]`);
  if (trouble) trouble.checked = true;
}

export function choose(contact) {
  page.contact = contact;
  page.writingNew = false;
  $("other").hidden = true;
  draw();
  for (const list of [$("texts"), $("messages"), $("rows").closest(".scroll")]) list.scrollTop = list.scrollHeight;
}
