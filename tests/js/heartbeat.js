// Connects with one of the clients and tells how its heartbeats fare: heartbeat.js <package> <url> <key>
import { createInterface } from 'node:readline'

const [name, url, key] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)

const { RealtimeClient } = await import(name)
const client = new RealtimeClient(url, { params: { apikey: key }, heartbeatIntervalMs: 100 })
client.onHeartbeat((status) => tell('heartbeat', { status, connected: client.isConnected() }))
client.connect()

createInterface({ input: process.stdin }).on('close', async () => {
  await client.disconnect()
  process.exit(0)
})
