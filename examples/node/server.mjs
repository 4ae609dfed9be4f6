// An application whose server is Node, with nothing of Ostiary's on its side: it signs people in by OAuth (code with
// PKCE) and calls the sessions namespace under /oauth with `fetch`. Plain node:http; nothing to install.
//
//   OSTIARY_URL=http://localhost:8420 CLIENT_ID=client_… CLIENT_SECRET=… PORT=3000 node server.mjs
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const { OSTIARY_URL, CLIENT_ID, CLIENT_SECRET, PORT = "3000" } = process.env;
const HERE = process.env.PUBLIC_URL || `http://localhost:${PORT}`;
const CALLBACK = `${HERE}/callback`;
const underWay = new Map(); // state -> verifier, of sign-ins that have begun here
const MOST_UNDER_WAY = 1000;

const secret = () => randomBytes(32).toString("base64url");
const cookie = (name, value, age) =>
  `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${HERE.startsWith("https") ? "; Secure" : ""}; Max-Age=${age}`;
const cookies = (request) =>
  Object.fromEntries((request.headers.cookie || "").split(";").map((pair) => pair.trim().split(/=(.*)/s).slice(0, 2)));

function json(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(JSON.stringify(body));
}

async function oauth(path, { method = "GET", token, form, body } = {}) {
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (form) headers.authorization = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}`;
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(`${OSTIARY_URL}${path}`, {
    method, headers, body: form ? new URLSearchParams(form) : body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

const held = ({ access_token, refresh_token, expires_in }) => ({
  "set-cookie": [cookie("access_token", access_token, expires_in), cookie("refresh_token", refresh_token, 7776000)],
});
const forgotten = { "set-cookie": [cookie("access_token", "", 0), cookie("refresh_token", "", 0)] };

// What a browser changes with a cookie must come from a page of ours.
const isOurs = (request) => {
  const site = request.headers["sec-fetch-site"];
  return site ? ["same-origin", "none"].includes(site) : request.headers.origin === HERE;
};

const routes = {
  "GET /sign-in": (request, response) => {
    if (underWay.size >= MOST_UNDER_WAY) underWay.delete(underWay.keys().next().value);
    const [state, verifier] = [secret(), secret()];
    underWay.set(state, verifier);
    const query = new URLSearchParams({
      response_type: "code", client_id: CLIENT_ID, redirect_uri: CALLBACK, scope: "openid profile sessions:read sessions:revoke",
      state, code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
    });
    response.writeHead(303, { location: `${OSTIARY_URL}/oauth/authorize?${query}`, "set-cookie": cookie("state", state, 600) });
    response.end();
  },
  "GET /callback": async (request, response, url) => {
    const state = url.searchParams.get("state");
    const verifier = underWay.get(state);
    underWay.delete(state);
    if (!verifier || cookies(request).state !== state) return json(response, 400, { message: "begin at /sign-in" });
    const form = { grant_type: "authorization_code", code: url.searchParams.get("code"), redirect_uri: CALLBACK, code_verifier: verifier };
    const { status, body } = await oauth("/oauth/token", { method: "POST", form });
    if (status !== 200) return json(response, 401, { message: body.error_description || body.error });
    response.writeHead(303, { location: "/api/sessions", ...held(body) });
    response.end();
  },
  "GET /api/sessions": async (request, response) => {
    const { status, body } = await oauth("/oauth/sessions", { token: cookies(request).access_token });
    if (status !== 200) return json(response, status, body);
    const sessions = body.sessions.map((s) => (
      { id: s.id, device: s.userAgent, location: s.ipAddress, lastActive: s.createdAt, expiresAt: s.expiresAt }));
    json(response, 200, { sessions, total: body.count });
  },
  "POST /api/refresh": async (request, response) => {
    const form = { grant_type: "refresh_token", refresh_token: cookies(request).refresh_token || "" };
    const { status, body } = await oauth("/oauth/token", { method: "POST", form });
    json(response, status === 200 ? 200 : 401, { success: status === 200 }, status === 200 ? held(body) : forgotten);
  },
  "POST /api/logout-all": async (request, response) => {
    const { status, body } = await oauth("/oauth/logout-all", { method: "POST", token: cookies(request).access_token, body: {} });
    if (status !== 200) return json(response, status, body);
    json(response, 200, { message: `Logged out of ${body.count} devices` }, forgotten);
  },
  "POST /api/logout": async (request, response) => {
    const { refresh_token } = cookies(request);
    if (refresh_token) await oauth("/oauth/logout", { method: "POST", body: { refresh_token } });
    json(response, 200, { success: true }, forgotten);
  },
};

createServer(async (request, response) => {
  try {
    const url = new URL(request.url, HERE);
    const one = /^\/api\/sessions\/([\w-]{1,64})\/revoke$/.exec(url.pathname);
    if (request.method !== "GET" && !isOurs(request)) return json(response, 403, { message: "from another site" });
    if (one && request.method === "POST") {
      const done = await oauth(`/oauth/sessions/${one[1]}/revoke`, { method: "POST", token: cookies(request).access_token, body: {} });
      return json(response, done.status, done.body);
    }
    const route = routes[`${request.method} ${url.pathname}`];
    if (!route) return json(response, 404, { message: "there is nothing here" });
    await route(request, response, url);
  } catch (error) {
    console.error(error.message);
    json(response, 503, { message: "the session authority cannot be reached" }); // nobody is signed out because of it
  }
}).listen(Number(PORT), "127.0.0.1", () => console.log(`listening on ${HERE}`));
