// A front end of maintenance: its service module as such front ends have one, and somebody at the screen.
//
// service.js <url> <key> <token> <user id>; told {do: "announce", text}; tells {event: "ready"} once everything is
// subscribed to, {event: "seen", topic, kind, id, …} for each change, {event: "online", people} and
// {event: "announcement", text}.
import { createInterface } from 'node:readline'
import { createClient } from '@supabase/supabase-js'

/** What the pages of a front end import. Nothing but supabase-js's own API; nothing here knows what answers. */
class RealtimeService {
  #channels = new Map()

  constructor(url, key, token) {
    this.#supabase = createClient(url, key, { accessToken: async () => token() })
  }
  #supabase

  /** Has the token before the first channel is opened: what is joined earlier is joined with the project's key. */
  async signIn() {
    await this.#supabase.realtime.setAuth()
    return this
  }

  #open(name, options, bind) {
    const channel = bind(this.#supabase.channel(name, options))
    this.#channels.set(name, channel)
    return new Promise((resolve) => {
      channel.subscribe((status) => {
        if (status === 'SUBSCRIBED') resolve(channel)
      })
    })
  }

  workOrders(callback) {
    const changes = { event: '*', schema: 'public', table: 'work_orders' }
    return this.#open('work-orders', undefined, (channel) => channel.on('postgres_changes', changes, callback))
  }

  equipmentAlerts(callback) {
    const down = { event: 'UPDATE', schema: 'public', table: 'equipment', filter: 'status=in.(down,in_maintenance)' }
    return this.#open('equipment-alerts', undefined, (channel) => channel.on('postgres_changes', down, callback))
  }

  inventory({ moved, stock }) {
    return this.#open('inventory', undefined, (channel) =>
      channel
        .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'inventory_transactions' }, moved)
        .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'inventory_items' }, stock),
    )
  }

  notifications(user, callback) {
    const own = { event: 'INSERT', schema: 'public', table: 'notifications', filter: `user_id=eq.${user}` }
    return this.#open(`notifications:${user}`, undefined, (channel) => channel.on('postgres_changes', own, callback))
  }

  online(user, callback) {
    const options = { config: { presence: { key: user } } }
    return this.#open('online', options, (channel) =>
      channel.on('presence', { event: 'sync' }, () => callback(Object.keys(channel.presenceState()).sort())),
    ).then(async (channel) => channel.track({ user, since: new Date().toISOString() }))
  }

  announcements(callback) {
    const options = { config: { broadcast: { self: true, ack: true } } }
    return this.#open('announcements', options, (channel) =>
      channel.on('broadcast', { event: 'announcement' }, ({ payload }) => callback(payload)),
    )
  }

  announce(payload) {
    return this.#channels.get('announcements').send({ type: 'broadcast', event: 'announcement', payload })
  }

  close() {
    return this.#supabase.removeAllChannels()
  }
}

const [url, key, token, user] = process.argv.slice(2)
const tell = (event, facts) => process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`)
const see = (topic) => (change) => tell('seen', { topic, kind: change.eventType, row: change.new, old: change.old })

const service = await new RealtimeService(url, key, () => token).signIn()
await Promise.all([
  service.workOrders(see('work_orders')),
  service.equipmentAlerts(see('equipment')),
  service.inventory({ moved: see('inventory_transactions'), stock: see('inventory_items') }),
  service.notifications(user, see('notifications')),
  service.online(user, (people) => tell('online', { people })),
  service.announcements(({ text }) => tell('announcement', { text })),
])
tell('ready', {})

const lines = createInterface({ input: process.stdin })
lines.on('line', async (line) => tell('said', { answer: await service.announce({ text: JSON.parse(line).text }) }))
lines.on('close', async () => {
  await service.close()
  process.exit(0)
})
