-- Publishes one tick, or refuses: it must follow exactly what is published, by incarnation, tick and seal.
-- Atomic, so that no reader sees a feed without its logs, and a relay that woke up late changes nothing.
--
-- KEYS  1 newest · 2 feed · 3… one log for each warehouse concerned
-- ARGV  1 expected incarnation · 2 expected tick · 3 expected seal (all '' when the caller saw nothing)
--       4 '1' to begin the feed anew at this tick, else '0'
--       5 incarnation · 6 tick · 7 seal · 8 floor: entries of ticks below it are trimmed
--       9 number of feed fields and values, then these; then the same for each log, in the order of KEYS
-- Returns {1}, or {0, tick, seal} of what is published.
local incarnation, tick, seal, began = unpack(redis.call('HMGET', KEYS[1], 'incarnation', 'tick', 'seal', 'began'))
if not (incarnation and tick and seal) then
    incarnation, tick, seal = '', '', ''
end
if incarnation ~= ARGV[1] or tick ~= ARGV[2] or seal ~= ARGV[3] then
    return {0, tick, seal}
end

local position = ARGV[6] .. '-0'
if ARGV[4] == '1' then
    redis.call('DEL', KEYS[2])
    began = ARGV[6]
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

-- The newest id that a log ever had, trimmed or not; '' for none. A log from before the feed began anew lacks what was
-- never published, and its next entry would hide the hole: such a log begins anew as well.
local function last_of(log)
    if redis.call('EXISTS', log) == 0 then
        return ''
    end
    local info = redis.call('XINFO', 'STREAM', log)
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            if tonumber(string.match(info[i + 1], '^%d+')) >= tonumber(began or 0) then
                return info[i + 1]
            end
        end
    end
    redis.call('DEL', log)
    return ''
end

-- A log first, the feed last: an error here (out of memory, say) leaves `newest` where it was, and the tick is
-- published again; an entry that is there already has the same id and is left alone.
local feed = fields()
for k = 3, #KEYS do
    local list = fields()
    local previous = last_of(KEYS[k])
    if previous ~= position then
        redis.call('XADD', KEYS[k], position, 'previous', previous, unpack(list))
    end
    redis.call('XTRIM', KEYS[k], 'MINID', ARGV[8] .. '-0')
end
-- Tick 0 is where everything begins; it carries nothing, and 0-0 is no id for Redis.
if ARGV[6] ~= '0' then
    redis.call('XADD', KEYS[2], position, unpack(feed))
end
redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[8] .. '-0')
redis.call('HSET', KEYS[1], 'incarnation', ARGV[5], 'tick', ARGV[6], 'seal', ARGV[7], 'began', began or ARGV[6])
return {1}
