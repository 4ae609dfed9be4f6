// What an open page does by itself: it follows its sessions, and asks before an act without leaving the page.
// Without this script every act works as well: each is a link to a page with a form.
(() => {
  "use strict";

  const CHECK_EVERY = 30_000; // milliseconds between two looks, so that "5 minutes ago" stays true
  const BEHIND_AFTER = 2_000; // milliseconds without a stream before the page says so
  const AGAIN_AFTER = 5_000; // milliseconds before a stream that was refused is tried again

  const byId = (id) => document.getElementById(id);
  const words = JSON.parse(byId("words")?.textContent ?? "{}"); // what is said here, in the language of the page
  const say = (text) => words[text] ?? text;
  const sessions = () => byId("sessions");

  // Dialogs: the act of another page, shown here.

  const dialog = byId("dialog");
  let asker = null;

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === dialog) asker = event.detail.elt;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== dialog) return;
    if (!dialog.firstElementChild) location.assign(asker.href);
    else if (!dialog.open) dialog.showModal();
  });
  // What cannot be shown here is shown as the page that it is.
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(name, (event) => {
      if (event.detail.target === dialog) location.assign(event.detail.elt.href);
    });
  }
  dialog?.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog?.addEventListener("close", () => {
    dialog.replaceChildren();
    (byId(asker?.id) ?? asker)?.focus();
  });

  // Copying a secret.

  for (const button of document.querySelectorAll("[data-copy]")) {
    const source = byId(button.dataset.copy);
    source.addEventListener("focus", () => source.select());
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.value);
      button.textContent = say("Copied");
      byId("heard").textContent = say("Copied to the clipboard");
    });
  }

  if (!sessions()) return;

  // The list, looked at again. Open details stay open; htmx keeps the focus where it was, by id.

  let open = [];
  const look = () => window.htmx.trigger(sessions(), "look");

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== sessions()) return;
    open = [...sessions().querySelectorAll("details[open]")].map((one) => one.id);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === dialog) return;
    for (const id of open) byId(id)?.setAttribute("open", "");
    const total = sessions().dataset.total;
    if (total !== known) byId("heard").textContent = say("Your sessions changed: %(total)s live now.").replace("%(total)s", total);
    known = total;
  });
  let known = sessions().dataset.total;

  // The page says when it may be out of date, and when it is not any more.

  let late;
  const behind = (words) => {
    const notice = byId("behind");
    if (notice.hidden) {
      notice.textContent = words;
      notice.hidden = false;
    }
  };
  const current = () => {
    clearTimeout(late);
    late = undefined;
    byId("behind").hidden = true;
  };
  const lost = () => {
    late ??= setTimeout(() => behind(say("We lost contact with the server. This list may be out of date.")), BEHIND_AFTER);
  };
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.target === sessions() && event.detail.xhr.status !== 401) {
      behind(say("Couldn't load your sessions. This list may be out of date."));
    }
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.target === sessions()) lost();
  });
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.requestConfig?.elt === sessions() && stream?.readyState === EventSource.OPEN) current();
  });

  // The stream: open while the page is seen, as browsers allow few connections to one origin.

  let stream;
  let again;
  const signIn = () => {
    const here = location.pathname + location.search;
    location.assign(`/sign-in?next=${encodeURIComponent(here)}`);
  };
  const follow = () => {
    clearTimeout(again);
    stream?.close();
    stream = new EventSource("/settings/sessions/events");
    stream.addEventListener("open", () => {
      current();
      look(); // something may have happened before the stream was there
    });
    stream.addEventListener("changed", look);
    stream.addEventListener("away", () => behind(say("The store doesn't answer. This list may be out of date.")));
    stream.addEventListener("ended", signIn);
    stream.addEventListener("error", () => {
      lost();
      if (stream.readyState === EventSource.CLOSED) {
        look(); // it says whether we are signed out, or the server is away
        again = setTimeout(follow, AGAIN_AFTER);
      }
    });
  };
  const rest = () => {
    clearTimeout(again);
    stream?.close();
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : follow()));
  addEventListener("pagehide", rest);
  // A form leads on to its own page: what it ends must not be told here first, and lead elsewhere.
  document.addEventListener("submit", rest);
  addEventListener("pageshow", (event) => event.persisted && follow());
  setInterval(() => document.hidden || look(), CHECK_EVERY);
  if (!document.hidden) follow();
})();
