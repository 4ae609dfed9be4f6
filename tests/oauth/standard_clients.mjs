// Two standard clients that we did not write go through everything that they can do. Read: {issuer, id, secret,
// redirect, goodbye, cookie} on stdin; write: what happened, as one JSON object.
import { readFileSync } from 'node:fs'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'

const given = JSON.parse(readFileSync(0, 'utf8'))
const insecure = { [oauth.allowInsecureRequests]: true }
const steps = []
const jar = new Map([['__Host-session', given.cookie]])

// A browser: it holds cookies, follows nothing by itself.
async function browse(url, options = {}) {
  const headers = { cookie: [...jar].map((pair) => pair.join('=')).join('; '), 'sec-fetch-site': 'same-origin', ...options.headers }
  const answer = await fetch(url, { ...options, headers, redirect: 'manual' })
  for (const line of answer.headers.getSetCookie()) {
    const [name, value] = line.split(';')[0].split('=')
    if (/max-age=0/i.test(line)) jar.delete(name)
    else jar.set(name, value)
  }
  return answer
}

async function refused(promise) {
  try {
    await promise
  } catch (error) {
    return error.error ?? error.code ?? error.name
  }
  return 'accepted'
}

async function openidClient() {
  const config = await client.discovery(new URL(given.issuer), given.id, given.secret, undefined, {
    execute: [client.allowInsecureRequests],
  })
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: given.redirect,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    max_age: '3600',
  })
  const sent = await browse(url)
  const back = new URL(sent.headers.get('location'))
  const tokens = await client.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    maxAge: 3600,
    idTokenExpected: true,
  })
  steps.push(`openid-client: code for ${tokens.claims().preferred_username}`)
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  steps.push(`openid-client: userinfo ${user.email}`)
  const again = await client.refreshTokenGrant(config, tokens.refresh_token)
  steps.push(`openid-client: refresh ${again.refresh_token !== tokens.refresh_token}`)
  const before = await client.tokenIntrospection(config, again.access_token)
  await client.tokenRevocation(config, again.refresh_token)
  const after = await client.tokenIntrospection(config, again.access_token)
  steps.push(`openid-client: introspection ${before.active}, after revocation ${after.active}`)
  steps.push(`openid-client: replay ${await refused(client.refreshTokenGrant(config, again.refresh_token))}`)
  const own = await client.clientCredentialsGrant(config, { scope: 'gateway' })
  steps.push(`openid-client: client credentials ${own.scope}`)
  return config
}

async function webApi(config) {
  const issuer = new URL(given.issuer)
  for (const algorithm of ['oauth2', 'oidc']) {
    await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...insecure }))
  }
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...insecure }))
  const party = { client_id: given.id }
  const auth = oauth.ClientSecretPost(given.secret)
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({
    client_id: given.id,
    redirect_uri: given.redirect,
    response_type: 'code',
    scope: 'openid',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const sent = await browse(url)
  const fields = oauth.validateAuthResponse(as, party, new URL(sent.headers.get('location')), state)
  const answer = await oauth.authorizationCodeGrantRequest(as, party, auth, fields, given.redirect, verifier, insecure)
  const tokens = await oauth.processAuthorizationCodeResponse(as, party, answer, { requireIdToken: true })
  steps.push(`oauth4webapi: code, scope ${tokens.scope}`)
  const request = () =>
    new Request('https://api.example/', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(as, request(), given.id, insecure)
  steps.push(`oauth4webapi: RFC 9068 ${claims.client_id === given.id}, sid ${claims.sid.startsWith('sess_')}`)
  steps.push(`oauth4webapi: other audience ${await refused(oauth.validateJwtAccessToken(as, request(), 'other', insecure))}`)
  const more = await oauth.processRefreshTokenResponse(
    as,
    party,
    await oauth.refreshTokenGrantRequest(as, party, auth, tokens.refresh_token, insecure),
  )
  const known = await oauth.processIntrospectionResponse(
    as,
    party,
    await oauth.introspectionRequest(as, party, auth, more.access_token, insecure),
  )
  steps.push(`oauth4webapi: introspection ${known.active}`)
  const userinfo = () => oauth.userInfoRequest(as, party, more.access_token, insecure)
  const user = await oauth.processUserInfoResponse(as, party, claims.sub, await userinfo())
  steps.push(`oauth4webapi: userinfo ${user.sub === claims.sub}`)

  // End-session: with the ID token as a hint nobody is asked, and the browser lands where the client registered.
  const end = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: given.goodbye,
    id_token_hint: tokens.id_token,
    state: 'bye',
  })
  const led = await browse(end)
  const done = await browse(new URL(led.headers.get('location'), given.issuer))
  steps.push(`end-session: ${done.status} ${done.headers.get('location')}`)
  const gone = await oauth.processIntrospectionResponse(
    as,
    party,
    await oauth.introspectionRequest(as, party, auth, more.access_token, insecure),
  )
  steps.push(`end-session: access token ${gone.active}, userinfo ${(await userinfo()).status}`)
  const late = await oauth.refreshTokenGrantRequest(as, party, auth, more.refresh_token, insecure)
  steps.push(`end-session: refresh ${await refused(oauth.processRefreshTokenResponse(as, party, late))}`)
  url.searchParams.set('prompt', 'none')
  const silent = await browse(url)
  steps.push(`end-session: ${new URL(silent.headers.get('location')).searchParams.get('error')}`)
}

await webApi(await openidClient())
console.log(JSON.stringify(steps))
