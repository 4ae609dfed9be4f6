// The page: it asks the application, and follows its own session by a WebSocket.
const at = (id) => document.getElementById(id);
let socket = null;

async function ask(method, path, body) {
  const answer = await fetch(path, { method, body, headers: body && { "content-type": "application/json" } });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.detail || said.title), { status: answer.status });
  return said;
}

function show(signedIn) {
  at("sign-in").hidden = signedIn;
  at("signed-in").hidden = !signedIn;
}

function signedOut(words) {
  socket?.close();
  socket = null;
  show(false);
  at("notice").textContent = words;
  at("name").focus();
}

function failed(error) {
  if (error.status === 401) signedOut("You are signed out.");
  else at("notice").textContent = error.message;
}

function follow() {
  if (socket) return;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`);
  socket.onclose = (event) => {
    socket = null;
    if (event.code === 4401) signedOut(`Your session here was ended (${event.reason}).`);
  };
}

function row(session) {
  const item = document.createElement("li");
  const what = document.createElement("div");
  what.className = "what";
  const name = document.createElement("p");
  name.textContent = session.isCurrent ? `${session.device}: this device` : session.device;
  name.className = session.isCurrent ? "here" : "";
  const when = document.createElement("p");
  when.className = "when";
  when.textContent = `${session.location || "unknown address"}, last used ${new Date(session.lastActive).toLocaleString()}`;
  what.append(name, when);
  item.append(what);
  if (!session.isCurrent) {
    const end = document.createElement("button");
    end.type = "button";
    end.textContent = "End";
    end.setAttribute("aria-label", `End the session on ${session.device}`);
    end.onclick = () => ask("POST", `/api/sessions/${session.id}/revoke`).then(look).catch(failed);
    item.append(end);
  }
  return item;
}

async function look() {
  try {
    const { name } = await ask("GET", "/api/me");
    const { sessions, total } = await ask("GET", "/api/sessions");
    at("who").textContent = `${name}: signed in on ${total} device${total === 1 ? "" : "s"}`;
    at("sessions").replaceChildren(...sessions.map(row));
    at("notice").textContent = "";
    show(true);
    follow();
  } catch (error) {
    if (error.status === 401) show(false);
    else failed(error);
  }
}

at("sign-in").onsubmit = (event) => {
  event.preventDefault();
  ask("POST", "/api/login", JSON.stringify(Object.fromEntries(new FormData(event.target))))
    .then(() => { event.target.reset(); return look(); })
    .catch((error) => { at("notice").textContent = error.message; });
};
at("log-out").onclick = () => ask("POST", "/api/logout").then(() => signedOut("You are signed out here.")).catch(failed);
at("log-out-everywhere").onclick = () =>
  ask("POST", "/api/logout-all").then(({ message }) => signedOut(`${message}.`)).catch(failed);
look();
