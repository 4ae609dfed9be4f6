// A web application that signs its users in at an Ostiary, and lets each of them see and end their sessions.
// Node 20 or newer, nothing to install: the authority is asked with fetch, as any OAuth server would be.
//
//   AUTHORITY=http://127.0.0.1:8420 CLIENT_ID=client_… CLIENT_SECRET=… PORT=3000 node server.mjs
//
// The client's redirect URI is http://127.0.0.1:3000/callback.

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const { AUTHORITY, CLIENT_ID, CLIENT_SECRET, PORT = '3000' } = process.env;
const ORIGIN = `http://127.0.0.1:${PORT}`;
const CALLBACK = `${ORIGIN}/callback`;
const secret = () => randomBytes(32).toString('base64url');

// Signing in: authorization code with PKCE.

const login = (req, res) => {
  const [state, verifier] = [secret(), secret()];
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: CALLBACK,
    scope: 'openid profile sessions:read sessions:revoke',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  setCookie(res, 'sign_in', `${state}.${verifier}`, 600); // held by the browser that began, so no other can finish
  redirect(res, `${AUTHORITY}/oauth/authorize?${query}`);
};

const callback = async (req, res, { url, cookies }) => {
  const [state, verifier] = (cookies.sign_in ?? '').split('.');
  setCookie(res, 'sign_in', '', 0);
  if (!state || state !== url.searchParams.get('state')) return json(res, 400, { message: 'This sign-in is not yours' });
  const answer = await token({
    grant_type: 'authorization_code',
    code: url.searchParams.get('code') ?? '',
    redirect_uri: CALLBACK,
    code_verifier: verifier,
  });
  if (!answer.ok) return json(res, 401, { message: 'Sign in again' });
  keep(res, await answer.json());
  redirect(res, '/');
};

// The four calls of the sessions namespace.

const listSessions = async (req, res, holder) => {
  const answer = await ask(res, holder, 'GET', '/oauth/sessions');
  if (!answer.ok) return json(res, answer.status, await answer.json());
  const { sessions, count } = await answer.json();
  json(res, 200, {
    sessions: sessions.map((s) => ({
      id: s.id,
      device: s.userAgent,
      location: s.ipAddress,
      lastActive: s.lastUsedAt,
      expiresAt: s.expiresAt,
      current: s.isCurrent,
    })),
    total: count,
  });
};

const revokeSession = async (req, res, holder) => {
  const answer = await ask(res, holder, 'POST', `/oauth/sessions/${encodeURIComponent(holder.id)}/revoke`);
  json(res, answer.status, await answer.json());
};

const logoutAll = async (req, res, holder) => {
  const answer = await ask(res, holder, 'POST', '/oauth/logout-all');
  const body = await answer.json();
  if (answer.ok) forget(res);
  json(res, answer.status, answer.ok ? { message: `Logged out of ${body.count} devices` } : body);
};

const logout = async (req, res, { cookies }) => {
  if (cookies.refresh_token) {
    await fetch(`${AUTHORITY}/oauth/logout`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: cookies.refresh_token }),
    });
  }
  forget(res);
  json(res, 200, { success: true });
};

// Asking the authority as the user: with the bearer or the cookie of the request, and once more after a refresh.

async function ask(res, holder, method, path) {
  const send = (access) =>
    fetch(AUTHORITY + path, {
      method,
      headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
    });
  const answer = await send(holder.bearer ?? holder.cookies.access_token ?? 'none');
  if (answer.status !== 401 || holder.bearer || !holder.cookies.refresh_token) return answer;
  const refreshed = await token({ grant_type: 'refresh_token', refresh_token: holder.cookies.refresh_token });
  if (refreshed.status === 400) forget(res); // the session is over; a 503 is not, so then nothing is forgotten
  if (!refreshed.ok) return answer;
  const tokens = await refreshed.json();
  keep(res, tokens);
  return send(tokens.access_token);
}

const token = (form) =>
  fetch(`${AUTHORITY}/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form),
  });

const keep = (res, tokens) => {
  setCookie(res, 'access_token', tokens.access_token, tokens.expires_in);
  setCookie(res, 'refresh_token', tokens.refresh_token, 90 * 24 * 3600);
};

const forget = (res) => ['access_token', 'refresh_token'].forEach((name) => setCookie(res, name, '', 0));

// What a framework would bring.

const home = (req, res) => json(res, 200, { login: '/login', sessions: '/api/sessions' });

const ROUTES = [
  ['GET', /^\/$/, home],
  ['GET', /^\/login$/, login],
  ['GET', /^\/callback$/, callback],
  ['GET', /^\/api\/sessions$/, listSessions],
  ['POST', /^\/api\/sessions\/([^/]+)\/revoke$/, revokeSession],
  ['POST', /^\/api\/logout-all$/, logoutAll],
  ['POST', /^\/api\/logout$/, logout],
];

// A page elsewhere must not act for a visitor of ours: browsers say where a request comes from, and no page can forge it.
const isOurs = (req) =>
  req.method === 'GET' || ['same-origin', 'none', undefined].includes(req.headers['sec-fetch-site']);

function setCookie(res, name, value, seconds) {
  const secure = ORIGIN.startsWith('https:') ? ' Secure;' : '';
  res.appendHeader('set-cookie', `${name}=${value}; Path=/; HttpOnly;${secure} SameSite=Lax; Max-Age=${seconds}`);
}

function redirect(res, to) {
  res.writeHead(303, { location: to }).end();
}

function json(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}

function readCookies(req) {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return Object.fromEntries(pairs.map(([name, ...value]) => [name, value.join('=')]));
}

createServer(async (req, res) => {
  try {
    const url = new URL(req.url, ORIGIN);
    const [, pattern, handler] =
      ROUTES.find(([method, path]) => method === req.method && path.test(url.pathname)) ?? [];
    if (!handler) return json(res, 404, { message: 'Not found' });
    if (!isOurs(req)) return json(res, 403, { message: 'This request came from another site' });
    const [, bearer] = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '') ?? [];
    const id = decodeURIComponent(pattern.exec(url.pathname)[1] ?? '');
    await handler(req, res, { url, id, bearer, cookies: readCookies(req) });
  } catch {
    if (!res.headersSent) json(res, 503, { message: 'The session authority cannot be reached' }); // nobody is let in
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${ORIGIN}`));
