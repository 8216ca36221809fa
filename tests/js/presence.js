// Is present in a room, and says whom it is shown: presence.js <package> <url> <key>
//
// Told {do: "subscribe", topic, key}, {do: "track", meta}, {do: "untrack"};
// tells {event: "status", status}, {event: "answer", answer}, {event: "sync", people}, and {event: "join"} and
// {event: "leave"} with {key, metas}.
import { createInterface } from 'node:readline'

const [name, url, key] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)

const { RealtimeClient } = await import(name)
const client = new RealtimeClient(url, { params: { apikey: key } })
let channel

async function obey({ do: what, topic, key, meta }) {
  if (what === 'subscribe') {
    channel = client.channel(topic, { config: { presence: { key } } })
    channel.on('presence', { event: 'sync' }, () => tell('sync', { people: channel.presenceState() }))
    channel.on('presence', { event: 'join' }, ({ key, newPresences }) => tell('join', { key, metas: newPresences }))
    channel.on('presence', { event: 'leave' }, ({ key, leftPresences }) => tell('leave', { key, metas: leftPresences }))
    channel.subscribe((status) => tell('status', { status }))
  } else if (what === 'track') {
    tell('answer', { answer: await channel.track(meta) })
  } else if (what === 'untrack') {
    tell('answer', { answer: await channel.untrack() })
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => obey(JSON.parse(line)))
lines.on('close', async () => {
  await client.disconnect()
  process.exit(0)
})
