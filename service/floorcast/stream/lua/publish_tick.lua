-- Publishes one tick, or refuses: it must follow exactly what this history was published through.
-- Atomic, so that no reader sees a feed without its logs, and a relay that woke up late changes nothing.
--
-- KEYS  1 incarnation · 2 newest · 3 feed · 4… one log for each warehouse concerned
-- ARGV  1 incarnation · 2 expected tick · 3 expected seal (both '' when the caller saw nothing)
--       4 '1' to begin the feed anew at this tick, else '0'
--       5 tick · 6 seal · 7 floor: entries of ticks below it are trimmed
--       8 number of feed fields and values, then these; then the same for each log, in the order of KEYS
-- Returns {1}, or {0, tick, seal} of what is published.
local tick, seal = unpack(redis.call('HMGET', KEYS[2], 'tick', 'seal'))
tick, seal = tick or '', seal or ''
if tick ~= ARGV[2] or seal ~= ARGV[3] then
    return {0, tick, seal}
end

local position = ARGV[5] .. '-0'
if ARGV[4] == '1' then
    redis.call('DEL', KEYS[3])
end

local at = 8
local function fields()
    local count = tonumber(ARGV[at])
    local list = {}
    for i = 1, count do
        list[i] = ARGV[at + i]
    end
    at = at + count + 1
    return list
end

-- A log first, the feed last: an error here (out of memory, say) leaves `newest` where it was, and the tick is
-- published again; an entry that is there already has the same id and is left alone.
local feed = fields()
for k = 4, #KEYS do
    local list = fields()
    local last = redis.call('XREVRANGE', KEYS[k], '+', '-', 'COUNT', 1)
    local previous = last[1] and last[1][1] or ''
    if previous ~= position then
        redis.call('XADD', KEYS[k], position, 'previous', previous, unpack(list))
    end
    redis.call('XTRIM', KEYS[k], 'MINID', ARGV[7] .. '-0')
end
-- Tick 0 is where everything begins; it carries nothing, and 0-0 is no id for Redis.
if ARGV[5] ~= '0' then
    redis.call('XADD', KEYS[3], position, unpack(feed))
end
redis.call('XTRIM', KEYS[3], 'MINID', '~', ARGV[7] .. '-0')
redis.call('HSET', KEYS[2], 'tick', ARGV[5], 'seal', ARGV[6])
redis.call('SET', KEYS[1], ARGV[1])
return {1}
