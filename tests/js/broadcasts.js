// Speaks in a room and tells what it hears: broadcasts.js <package> <url> <key>
//
// Told {do: "subscribe", topic, config}, {do: "say", name, payload, bytes};
// tells {event: "status", status}, {event: "said", answer} and {event: "heard", name, payload, meta, bytes}.
import { createInterface } from 'node:readline'

const [name, url, key] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)

const { RealtimeClient } = await import(name)
const client = new RealtimeClient(url, { params: { apikey: key } })
let channel

async function obey({ do: what, topic, config, name, payload, bytes }) {
  if (what === 'subscribe') {
    channel = client.channel(topic, { config })
    channel.on('broadcast', { event: '*' }, ({ event, payload, meta }) => {
      const raw = payload instanceof ArrayBuffer
      tell('heard', { name: event, meta, ...(raw ? { bytes: [...new Uint8Array(payload)] } : { payload }) })
    })
    channel.subscribe((status, error) => tell('status', { status, error: error && String(error.message) }))
  } else if (what === 'say') {
    const said = bytes ? new Uint8Array(bytes).buffer : payload
    tell('said', { answer: await channel.send({ type: 'broadcast', event: name, payload: said }) })
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => obey(JSON.parse(line)))
lines.on('close', async () => {
  await client.disconnect()
  process.exit(0)
})
