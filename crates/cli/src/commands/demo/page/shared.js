/** What is on the page: what the server says, whom one looks at, and whether a new message is being written. */
export const page = { state: null, contact: null, writingNew: false };

export const $ = (id) => document.getElementById(id);

/** An element with text in it. Text from outside only ever comes in as text. */
export function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** Brings the children of a list in step with items. What has not changed is not touched, so that nothing flickers. */
export function show(list, items, draw, scroller = list) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  const focused = list.contains(document.activeElement) ? document.activeElement.closest("[data-key]")?.dataset.key : null;
  let grown = false;
  items.forEach((item, at) => {
    const print = JSON.stringify(item);
    let child = known.get(item.key);
    if (child?.dataset.print !== print) {
      const old = child;
      child = draw(item);
      child.dataset.key = item.key;
      child.dataset.print = print;
      if (old) old.replaceWith(child);
      else child.classList.add("new");
      known.set(item.key, child);
      grown = true;
    }
    if (list.children[at] !== child) list.insertBefore(child, list.children[at] ?? null);
  });
  while (list.children.length > items.length) list.lastElementChild.remove();
  if (focused && !list.contains(document.activeElement)) known.get(focused)?.querySelector("button, a")?.focus();
  if (grown && atEnd) scroller.scrollTop = scroller.scrollHeight;
}

export const nothing = (text) => ({ key: `nothing ${text}`, nothing: text });
export const orNothing = (items, text) => (items.length ? items : [nothing(text)]);
export const time = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
