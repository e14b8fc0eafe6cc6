// Keeps a page as it would be if it were loaded now. Without it the page is whole, and is loaded again by hand.
"use strict";
(() => {
  if (!document.querySelector("[data-live]") || !window.EventSource) return;
  const state = document.getElementById("live-state");
  const say = (words) => { if (state && state.textContent !== words) state.textContent = words; };
  const WAIT = 1000;
  let source, due, busy = false, last = 0;

  // At once, and then once in a while: many changes at a time are one.
  const soon = () => {
    if (due) return;
    due = setTimeout(async () => { due = null; await refresh(); }, Math.max(100, last + WAIT - Date.now()));
  };

  // What somebody is writing in stays as it is until they are done.
  const written = () => document.activeElement?.closest("[data-live]") && document.activeElement.matches("input, select, textarea");

  const swap = (region, next) => {
    for (const open of region.querySelectorAll("details[open][id]")) {
      next.querySelector("#" + CSS.escape(open.id))?.setAttribute("open", "");
    }
    if (next.isEqualNode(region)) return;
    const at = region.contains(document.activeElement) ? document.activeElement.outerHTML : null;
    region.replaceWith(next);
    if (at) [...next.querySelectorAll("a, button, summary")].find((one) => one.outerHTML === at)?.focus({ preventScroll: true });
  };

  const refresh = async () => {
    if (busy) return soon();
    if (written()) return document.activeElement.addEventListener("blur", soon, { once: true });
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", redirect: "error" });
      last = Date.now();
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of document.querySelectorAll("[data-live]")) {
        const next = page.getElementById(region.id);
        if (next && !written()) swap(region, document.adoptNode(next));
      }
      say(source?.readyState === EventSource.OPEN ? "Live." : "");
    } catch {
      last = Date.now();
      say("Not up to date: the server does not answer.");
    } finally {
      busy = false;
    }
  };

  const concerned = (topics) => [...document.querySelectorAll("[data-live]")]
    .some((region) => region.dataset.live.split(" ").some((topic) => topics.includes(topic)));

  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource("/live");
    // What changed while nobody listened is not told: the page is asked for once.
    source.addEventListener("open", soon);
    source.addEventListener("changed", (event) => { if (concerned(event.data.split(" "))) soon(); });
    source.addEventListener("ended", () => location.reload());
    source.addEventListener("error", () => {
      say("Not up to date: the server does not answer.");
      if (source.readyState !== EventSource.CLOSED) return;
      // It was refused, which a browser takes for the last word.
      close();
      soon();
      setTimeout(open, 15000);
    });
  };
  const close = () => { source?.close(); source = null; };

  // A page that nobody looks at holds no connection: browsers have six for a server.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
})();
