// Tells when changes arrive in a callback of realtime-js: latency.js <url> <token> <how many>
//
// Each change of bench.reading has in `value` when it was written, in nanoseconds of the machine's monotonic clock. Tells
// {event: "ready"}, and in the end {event: "delays", ms}.
import { RealtimeClient } from '@supabase/realtime-js'

const [url, token, count] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)
const delays = []

const client = new RealtimeClient(url, { params: { apikey: token } })
client
  .channel('bench')
  .on('postgres_changes', { event: '*', schema: 'bench', table: 'reading' }, ({ new: row }) => {
    delays.push(Number(process.hrtime.bigint() - BigInt(row.value)) / 1e6)
    if (delays.length === Number(count)) {
      tell('delays', { ms: delays })
      client.disconnect()
      process.exit(0)
    }
  })
  .subscribe((status) => status === 'SUBSCRIBED' && tell('ready'))
