// Subscribes to changes of tables with one of the clients: changes.js <package> <url> <key> [<token> ["resuming" | "remembered"]]
//
// Told {do: "subscribe", topic, bindings, config}, {do: "unsubscribe", topic}, {do: "token", token};
// tells {event: "status", topic, status} and {event: "change", topic, binding, payload}.
import { createInterface } from 'node:readline'

const [name, url, key, token, plugin] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)

const { RealtimeClient, createClient } = await import(name)
const { resuming } = await import('../../clients/js/src/realtime.js')
// Once it is cut off it comes back as soon as it can; how long it waits is the packages' own.
const soon = { reconnectAfterMs: () => 50 }
// To be remembered is asked for in the address, with the package as it is.
const realtime = { resuming: resuming(soon), remembered: { ...soon, params: { remember: 60 } } }[plugin] ?? {}
// supabase-js is given the project's address, realtime-js that of the sockets.
const client = createClient
  ? createClient(url.replace(/^ws/, 'http').replace(/\/realtime\/v1$/, ''), key, { realtime, ...(token && { accessToken: async () => token }) }).realtime
  : new RealtimeClient(url, { ...realtime, params: { ...realtime.params, apikey: key } })
// supabase-js asks for the token at each connection; what is set by hand it would forget then.
if (token && !createClient) await client.setAuth(token)

const channels = new Map()

async function obey({ do: what, topic, bindings = [], config = {}, token }) {
  if (what === 'subscribe') {
    const channel = client.channel(topic, { config })
    bindings.forEach((filter, binding) => {
      channel.on('postgres_changes', filter, (payload) => tell('change', { topic, binding, payload }))
    })
    channel.on('system', {}, (payload) => tell('system', { topic, payload }))
    channel.subscribe((status, error) => tell('status', { topic, status, error: error && String(error.message) }))
    channels.set(topic, channel)
  } else if (what === 'unsubscribe') {
    tell('unsubscribed', { topic, answer: await channels.get(topic).unsubscribe() })
  } else if (what === 'token') {
    await client.setAuth(token)
    tell('token', {})
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => obey(JSON.parse(line)))
lines.on('close', async () => {
  await client.disconnect()
  process.exit(0)
})
