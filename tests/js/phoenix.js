// Joins a channel with the `phoenix` package, which knows nothing of Supabase: phoenix.js <url> <token>
//
// Told {do: "subscribe", topic, bindings}; tells {event: "status", status} and {event: "change", topic, payload}.
import { createInterface } from 'node:readline'
import { Socket } from 'phoenix'

const [url, token] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)

const socket = new Socket(url, { params: { apikey: token } })
socket.connect()

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const { topic, bindings } = JSON.parse(line)
  const channel = socket.channel(`realtime:${topic}`, { config: { postgres_changes: bindings } })
  channel.on('postgres_changes', (payload) => tell('change', { topic, payload }))
  channel
    .join()
    .receive('ok', () => tell('status', { status: 'SUBSCRIBED' }))
    .receive('error', (why) => tell('status', { status: 'refused', why }))
})
lines.on('close', () => socket.disconnect(() => process.exit(0)))
