-- Publishes one tick, or refuses: it must follow exactly what is published, by incarnation, tick and seal.
-- Atomic, so that no reader sees a feed without its logs, and a relay that woke up late changes nothing.
--
-- KEYS  1 newest · 2 feed · 3 what the logs know · 4… one log for each place concerned
-- ARGV  1 expected incarnation · 2 expected tick · 3 expected seal (all '' when the caller saw nothing)
--       4 '1' to begin the feed anew at this tick, else '0'
--       5 incarnation · 6 tick · 7 seal · 8 floor: entries of ticks below it are trimmed
--       9 number of feed fields and values, then these; then for each log, in the order of KEYS: its place, and the same
-- Returns {1}, or {0, tick, seal} of what is published.
local incarnation, tick, seal = unpack(redis.call('HMGET', KEYS[1], 'incarnation', 'tick', 'seal'))
if not (incarnation and tick and seal) then
    incarnation, tick, seal = '', '', ''
end
if incarnation ~= ARGV[1] or tick ~= ARGV[2] or seal ~= ARGV[3] then
    return {0, tick, seal}
end

local position = ARGV[6] .. '-0'
if ARGV[4] == '1' then
    redis.call('DEL', KEYS[2])
end

-- The hash knows everything that the logs were told behind a tick: of each place that it names, the newest tick; of any
-- other, that there was none. It goes on only where it ended with the tick before this one. Everything else is a hole (the
-- feed begins anew past some ticks, the hash was lost, a relay published that does not keep it), and it begins behind that.
local behind
if incarnation == ARGV[5] and tonumber(ARGV[6]) == tick + 1 then
    local known = redis.call('HMGET', KEYS[3], 'tick', 'behind')
    if known[1] == tick then
        behind = known[2]
    end
end
if not behind then
    redis.call('DEL', KEYS[3])
    behind = string.format('%.0f', ARGV[6] - 1)
end

local at = 9
local function fields()
    local count = tonumber(ARGV[at])
    local list = {}
    for i = 1, count do
        list[i] = ARGV[at + i]
    end
    at = at + count + 1
    return list
end

-- Each entry says behind which tick it comes: between that and itself the place had nothing.
local function append(log, last, list)
    return redis.pcall('XADD', log, position, 'behind', last, unpack(list))
end

-- Logs first, then the feed, at last what tells of them: an error here (out of memory, say) leaves `newest` and the hash
-- where they were, and the tick is published again.
local feed = fields()
local places = {}
for k = 4, #KEYS do
    local place = '@' .. ARGV[at]
    at = at + 1
    local list = fields()
    local last = redis.call('HGET', KEYS[3], place)
    -- A log that the hash does not name is from before what it knows, and nobody could tell what is missing there.
    if not last and redis.call('EXISTS', KEYS[k]) == 1 then
        redis.call('DEL', KEYS[k])
    end
    local added = append(KEYS[k], last or behind, list)
    if type(added) == 'table' and string.find(added.err, 'equal or smaller', 1, true) then
        -- It holds this tick from a try that ended half-way, whoever made it: only what is written now counts.
        redis.call('DEL', KEYS[k])
        added = append(KEYS[k], last or behind, list)
    end
    if type(added) == 'table' then
        return added
    end
    redis.call('XTRIM', KEYS[k], 'MINID', ARGV[8] .. '-0')
    places[#places + 1] = place
end
-- Tick 0 is where everything begins; it carries nothing, and 0-0 is no id for Redis.
if ARGV[6] ~= '0' then
    redis.call('XADD', KEYS[2], position, unpack(feed))
end
redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[8] .. '-0')
for _, place in ipairs(places) do
    redis.call('HSET', KEYS[3], place, ARGV[6])
end
redis.call('HSET', KEYS[3], 'tick', ARGV[6], 'behind', behind)
redis.call('HSET', KEYS[1], 'incarnation', ARGV[5], 'tick', ARGV[6], 'seal', ARGV[7])
return {1}
