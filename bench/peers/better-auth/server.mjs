// better-auth behind Bun's own server: GET /api/auth/get-session answers with session and user.
import { writeFileSync } from "node:fs";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";

const USERS = 64;
const RACES = 64;
const { BENCH_POSTGRES, BENCH_FILE, BENCH_PLAN, BENCH_COOKIE_CACHE } = process.env;

async function database() {
  if (BENCH_POSTGRES) {
    const { default: pg } = await import("pg");
    return new pg.Pool({ connectionString: BENCH_POSTGRES, max: 10 });
  }
  const { Database } = await import("bun:sqlite");
  const file = new Database(BENCH_FILE);
  file.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  return file;
}

const origin = "http://127.0.0.1";
const options = {
  database: await database(),
  baseURL: origin,
  secret: "0123456789abcdef0123456789abcdef0123456789abcdef",
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  logger: { level: "error" },
  emailAndPassword: { enabled: true },
  session: BENCH_COOKIE_CACHE ? { cookieCache: { enabled: true, maxAge: Number(BENCH_COOKIE_CACHE) } } : {},
};
const auth = betterAuth(options);
await (await getMigrations(options)).runMigrations();

function cookies(answer) {
  return answer.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
}

async function call(path, body, cookie = "") {
  const headers = { "content-type": "application/json", origin, cookie };
  const answer = await auth.handler(
    new Request(`${origin}/api/auth${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
  );
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

const people = [];
for (let number = 0; number < USERS; number++) {
  const email = `user${number}@example.org`;
  const answer = await call("/sign-up/email", { email, password: "correct horse battery", name: `user${number}` });
  people.push({ cookie: cookies(answer), email, id: (await answer.json()).user.id });
}
const races = [];
for (let number = 0; number < RACES; number++) {
  const signedIn = await call("/sign-in/email", { email: people[0].email, password: "correct horse battery" });
  const Cookie = cookies(signedIn);
  races.push({
    ask: { path: "/status", headers: { Cookie } },
    revoke: {
      method: "POST", path: "/api/auth/sign-out", body: "{}",
      headers: { Cookie, Origin: origin, "Content-Type": "application/json" },
    },
  });
}
const headers = ({ cookie }) => ({ Cookie: cookie });
writeFileSync(BENCH_PLAN, JSON.stringify({
  works: {
    verify: people.map((one) => ({ path: "/api/auth/get-session", headers: headers(one), expect: one.id })),
    "list mine": people.map((one) => ({ path: "/api/auth/list-sessions", headers: headers(one), expect: one.id })),
  },
  races,
}));

// get-session answers 200 with null to nobody; a route that protects something answers 401 by the documented call.
async function status(request) {
  const found = await auth.api.getSession({ headers: request.headers });
  return found ? Response.json(found) : new Response("", { status: 401 });
}

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => (request.url.endsWith("/status") ? status(request) : auth.handler(request)),
});
console.log(`http://127.0.0.1:${server.port}`);
