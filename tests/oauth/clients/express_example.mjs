// The session management UI of the requirements, and the sign-in that it needs.
import express from 'express'
import session from 'express-session'
import { createAuth } from './sessions_sdk.mjs'

const { PORT, ISSUER, GUIDE, AUTH_SECRET, CLIENT_ID } = process.env
const guide = await import(GUIDE)
const auth = createAuth({ baseUrl: ISSUER })
const app = express()
const remembers = session({ secret: AUTH_SECRET, resave: false, saveUninitialized: false })
app.use(express.json())
app.use((req, res, next) => {
  const pairs = (req.headers.cookie ?? '').split('; ').map((pair) => pair.split('='))
  req.cookies = Object.fromEntries(pairs.map(([name, ...value]) => [name, value.join('=')]))
  next()
})

// Ending those of this application, or with ?everywhere all.
const only = (req) => ('everywhere' in req.query ? {} : { applicationId: CLIENT_ID })

// List all sessions
app.get('/api/sessions', async (req, res) => {
  const { sessions, count } = await auth.sessions.list(req)
  res.json({
    sessions: sessions.map((s) => ({
      id: s.id,
      device: s.userAgent,
      location: s.ipAddress,
      lastActive: s.createdAt,
      expiresAt: s.expiresAt,
    })),
    total: count,
  })
})

// Revoke specific session
app.post('/api/sessions/:id/revoke', async (req, res) => {
  const result = await auth.sessions.revoke(req, req.params.id)
  res.json(result)
})

// Logout everywhere
app.post('/api/logout-all', async (req, res) => {
  const result = await auth.sessions.revokeAll(req, only(req))
  res.json({ message: `Logged out of ${result.count} devices` })
})

// Normal logout
app.post('/api/logout', async (req, res) => {
  const refreshToken = req.cookies.refresh_token || req.body?.refresh_token
  if (refreshToken) await auth.sessions.logout(refreshToken)
  res.clearCookie('access_token')
  res.clearCookie('refresh_token')
  res.json({ success: true })
})

app.get('/login', remembers, async (req, res) => {
  const { url, kept } = await guide.begin()
  req.session.kept = kept
  res.redirect(url.href)
})
app.get('/callback', remembers, async (req, res) => {
  const tokens = await guide.complete(req.originalUrl.split('?')[1], req.session.kept)
  res.cookie('access_token', tokens.access_token, { httpOnly: true })
  res.cookie('refresh_token', tokens.refresh_token, { httpOnly: true })
  res.redirect('/')
})
app.get('/', (req, res) => res.json({}))
app.use((error, req, res, next) => res.status(error.status ?? 500).json(error.told ?? { message: error.message }))
app.listen(Number(PORT), 'localhost')
