/**
 * Options for `new RealtimeClient(url, resuming({…}))` of `@supabase/realtime-js`, or for `createClient(url, key, { realtime:
 * resuming() })` of `supabase-js`: its channels go on after a loss where they were. The `transport` is wrapped.
 */
export declare function resuming<Options extends object = Record<never, never>>(
  options?: Options,
): Options & { transport: typeof WebSocket };
