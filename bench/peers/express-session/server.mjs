// express-session: the session is read from its store with every request; the user lies in it.
import { writeFileSync } from "node:fs";
import express from "express";
import session from "express-session";

const USERS = 64;
const RACES = 64;
const { BENCH_POSTGRES, BENCH_REDIS, BENCH_PLAN } = process.env;

async function store() {
  if (BENCH_REDIS) {
    const [{ createClient }, { RedisStore }] = [await import("redis"), await import("connect-redis")];
    return new RedisStore({ client: await createClient({ url: BENCH_REDIS }).connect(), disableTouch: true });
  }
  const [{ default: pg }, { default: connect }] = [await import("pg"), await import("connect-pg-simple")];
  const pool = new pg.Pool({ connectionString: BENCH_POSTGRES, max: 10 });
  return new (connect(session))({ pool, createTableIfMissing: true, disableTouch: true });
}

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.use(session({
  store: await store(),
  secret: "0123456789abcdef0123456789abcdef",
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "lax", maxAge: 30 * 24 * 3600 * 1000 },
}));
app.post("/in/:number", (request, response, next) => {
  request.session.regenerate((error) => {
    if (error) return next(error);
    const { number } = request.params;
    request.session.user = { id: `user-id-${number}.`, username: `user${number}`, roles: ["member"] };
    request.session.createdAt = new Date().toISOString();
    response.json({ id: request.session.id });
  });
});
app.post("/out", (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.json({})));
});
app.get("/me", (request, response) => {
  const { user, createdAt, cookie, id } = request.session;
  if (!user) return response.status(401).json({ error: "nobody" });
  response.json({ user, session: { id, created_at: createdAt, expires_at: cookie.expires } });
});

const server = app.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  async function signIn(number) {
    const answer = await fetch(`${url}/in/${number}`, { method: "POST" });
    return { Cookie: answer.headers.getSetCookie()[0].split(";")[0] };
  }
  const asked = [];
  const races = [];
  for (let number = 0; number < USERS; number++) {
    asked.push({ path: "/me", headers: await signIn(number), expect: `user-id-${number}.` });
  }
  for (let number = 0; number < RACES; number++) {
    const headers = await signIn(0);
    races.push({ ask: { path: "/me", headers }, revoke: { method: "POST", path: "/out", headers } });
  }
  writeFileSync(BENCH_PLAN, JSON.stringify({ works: { verify: asked }, races }));
  console.log(url);
});
