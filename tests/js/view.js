// Follows a warehouse with clients/js: view.js <url> <token>
//
// Told {do: "follow", warehouse, asked}, {do: "rows", table}, and {do: "close"}, after which another client
// has the same storage; tells {event: "picture" | "changes" | "fresh" | "ended", …} and {event: "rows", rows, asOf, role}.
import { registerHooks } from 'node:module'
import { createInterface } from 'node:readline'

const [url, token] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)

// The package lies beside its peers in a front end; here they are ours.
registerHooks({
  resolve: (name, context, next) => next(name, name === 'phoenix' ? { ...context, parentURL: import.meta.url } : context),
})
const { FloorcastClient, MemoryStorage } = await import('../../clients/js/src/index.js')
const storage = new MemoryStorage()
const open = () => new FloorcastClient({ url, token: async () => token, storage, random: () => 0 })
let client = open()
let view

async function obey({ do: what, warehouse, asked, table }) {
  if (what === 'follow') {
    view = client.follow(warehouse, asked)
    for (const event of ['picture', 'changes', 'fresh', 'ended']) view.on(event, (facts) => tell(event, facts))
  } else if (what === 'rows') {
    tell('rows', { rows: [...view.rows(table)], asOf: view.freshness.asOf, role: view.role })
  } else if (what === 'close') {
    await client.close()
    client = open()
    tell('closed', {})
  }
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => obey(JSON.parse(line)))
lines.on('close', async () => {
  await client.close()
  process.exit(0)
})
