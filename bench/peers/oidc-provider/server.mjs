// oidc-provider: introspection of opaque access tokens that lie in Redis.
import { writeFileSync } from "node:fs";
import Provider from "oidc-provider";
import { createClient } from "redis";

const TOKENS = 64;
const { BENCH_REDIS, BENCH_PLAN } = process.env;
const redis = await createClient({ url: BENCH_REDIS }).connect();

// The least that the adapter's contract asks of these works: models as JSON, expiry by Redis.
class Adapter {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload, expiresIn) {
    await redis.set(this.key(id), JSON.stringify(payload), expiresIn ? { EX: expiresIn } : {});
  }
  async find(id) {
    const found = await redis.get(this.key(id));
    return found ? JSON.parse(found) : undefined;
  }
  async destroy(id) { await redis.del(this.key(id)); }
  async consume(id) {
    const found = await this.find(id);
    if (found) await this.upsert(id, { ...found, consumed: Math.floor(Date.now() / 1000) });
  }
  async revokeByGrantId() {}
  async findByUid() {}
  async findByUserCode() {}
}

const provider = new Provider("http://127.0.0.1", {
  adapter: Adapter,
  clients: [{
    client_id: "bench", client_secret: "secret-of-the-bench", grant_types: ["client_credentials"],
    redirect_uris: [], response_types: [],
  }],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    devInteractions: { enabled: false },
  },
  ttl: { ClientCredentials: 3600 },
});

const server = provider.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const headers = {
    Authorization: `Basic ${Buffer.from("bench:secret-of-the-bench").toString("base64")}`,
    "Content-Type": "application/x-www-form-urlencoded",
  };
  async function token() {
    const answer = await fetch(`${url}/token`, { method: "POST", headers, body: "grant_type=client_credentials" });
    const told = await answer.json();
    if (!told.access_token) throw new Error(JSON.stringify(told));
    return told.access_token;
  }
  const asked = [];
  for (let number = 0; number < TOKENS; number++) {
    asked.push({
      method: "POST", path: "/token/introspection", headers, body: `token=${await token()}`, expect: '"active":true',
    });
  }
  writeFileSync(BENCH_PLAN, JSON.stringify({ works: { introspect: asked } }));
  console.log(url);
});
