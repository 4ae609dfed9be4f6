// An Express application around what the guide shows for one library: who is signed in, refresh, sign out.
import { createHash } from 'node:crypto'
import express from 'express'
import session from 'express-session'

const { PORT, ORIGIN, GUIDE, ISSUER, CLIENT_ID, CLIENT_SECRET, AUTH_SECRET } = process.env
const guide = await import(GUIDE)
const app = express()
const mark = (token) => createHash('sha256').update(token).digest('hex')
const sessions = () => session({ secret: AUTH_SECRET, resave: false, saveUninitialized: false })

// What it holds of each visitor's browser stays here, by its session.
function openidClient() {
  const held = new Map()
  app.use(sessions())
  app.get('/login', async (req, res) => {
    const { url, kept } = await guide.begin()
    req.session.kept = kept
    res.redirect(url.href)
  })
  app.get('/callback', async (req, res) => {
    const tokens = await guide.complete(req.originalUrl.split('?')[1], req.session.kept)
    held.set(req.sessionID, { tokens, sub: tokens.claims().sub })
    res.redirect('/')
  })
  app.get('/', async (req, res) => {
    const mine = held.get(req.sessionID)
    if (!mine) return res.status(401).json({})
    const told = await guide.userinfo(mine.tokens, mine.sub)
    res.json({ name: told.preferred_username, email: told.email, mark: mark(mine.tokens.access_token) })
  })
  app.get('/refresh', async (req, res) => {
    const mine = held.get(req.sessionID)
    try {
      mine.tokens = { ...mine.tokens, ...(await guide.refresh(mine.tokens)) }
      res.json({})
    } catch (error) {
      held.delete(req.sessionID)
      res.status(401).json({ error: error.error })
    }
  })
  app.get('/logout', (req, res) => {
    const mine = held.get(req.sessionID)
    held.delete(req.sessionID)
    res.redirect(guide.leave(mine.tokens).href)
  })
}

async function authjs() {
  const { ExpressAuth, getSession } = await import('@auth/express')
  const { getToken } = await import('@auth/core/jwt')
  const config = guide.default
  app.use('/auth', ExpressAuth(config))
  const mine = async (req) => {
    if (!(await getSession(req, config))) return undefined
    const { sid } = await getToken({ req: { headers: req.headers }, secret: AUTH_SECRET })
    return guide.held.get(sid)
  }
  app.get('/', async (req, res) => {
    const tokens = await mine(req)
    if (!tokens) return res.status(401).json({})
    const answer = await fetch(`${ISSUER}/oauth/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    const told = await answer.json()
    res.json({ name: told.preferred_username, email: told.email, mark: mark(tokens.access_token) })
  })
  app.get('/refresh', async (req, res) => {
    const tokens = await mine(req)
    if (tokens) tokens.expires_at = 0 // as if its time had come: the next look at the session refreshes
    res.json({})
  })
  app.get('/logout', async (req, res) => {
    const tokens = await mine(req)
    res.clearCookie('authjs.session-token')
    const query = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: `${ORIGIN}/` })
    res.redirect(`${ISSUER}/oauth/logout?${query}`)
  })
}

async function passport() {
  const { default: library } = await import('passport')
  library.use('ostiary', guide.default)
  library.serializeUser((user, done) => done(null, user))
  library.deserializeUser((user, done) => done(null, user))
  app.use(sessions(), library.session())
  app.get('/login', library.authenticate('ostiary'))
  app.get('/callback', library.authenticate('ostiary', { successRedirect: '/', failWithError: true }))
  app.get('/', (req, res) => {
    if (!req.user) return res.status(401).json({})
    res.json({ name: req.user.name, email: req.user.email, mark: mark(req.user.accessToken) })
  })
  app.get('/refresh', async (req, res, next) => {
    const { user } = req
    const form = { grant_type: 'refresh_token', refresh_token: user.refreshToken }
    const answer = await fetch(`${ISSUER}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
      body: new URLSearchParams(form),
    })
    if (!answer.ok) return req.logout(() => res.status(401).json({}))
    const tokens = await answer.json()
    const fresh = { accessToken: tokens.access_token, refreshToken: tokens.refresh_token }
    req.login({ ...user, ...fresh }, (error) => (error ? next(error) : res.json({})))
  })
  app.get('/logout', (req, res) => {
    const query = new URLSearchParams({ id_token_hint: req.user.idToken, post_logout_redirect_uri: `${ORIGIN}/` })
    req.logout(() => res.redirect(`${ISSUER}/oauth/logout?${query}`))
  })
}

await { 'openid-client': openidClient, authjs, passport }[process.argv[2]]()
app.listen(Number(PORT), 'localhost')
