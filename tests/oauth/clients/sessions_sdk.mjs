// The sessions namespace as an SDK made with fetch calls it: the same paths, methods, headers and bodies.
export function createAuth({ baseUrl }) {
  const credential = (request) => request.headers.authorization?.replace(/^Bearer /, '') ?? request.cookies?.access_token
  const call = async (token, method, path, body) => {
    const headers = { 'content-type': 'application/json' }
    if (token) headers.authorization = `Bearer ${token}`
    const answer = await fetch(baseUrl + path, { method, headers, body: body && JSON.stringify(body) })
    const told = await answer.json()
    if (!answer.ok) throw Object.assign(new Error(told.message), { status: answer.status, told })
    return told
  }
  const query = ({ applicationId } = {}) => (applicationId ? `?application_id=${encodeURIComponent(applicationId)}` : '')
  const body = ({ applicationId } = {}) => (applicationId ? { application_id: applicationId } : {})
  return {
    sessions: {
      list: (request, options) => call(credential(request), 'GET', `/oauth/sessions${query(options)}`),
      revoke: (request, id) => call(credential(request), 'POST', `/oauth/sessions/${encodeURIComponent(id)}/revoke`),
      revokeAll: (request, options) => call(credential(request), 'POST', '/oauth/logout-all', body(options)),
      logout: (refreshToken) => call(undefined, 'POST', '/oauth/logout', { refresh_token: refreshToken }),
    },
  }
}
