-- Trims logs, and drops those that hold nothing any more or that nobody could read: quiet places need not be remembered.
--
-- KEYS  1 what the logs know · 2… the logs of some places
-- ARGV  1 floor: entries of ticks below it are trimmed · 2… the places, in the order of KEYS
local behind = tonumber(redis.call('HGET', KEYS[1], 'behind') or '')
for k = 2, #KEYS do
    local place = '@' .. ARGV[k]
    local last = tonumber(redis.call('HGET', KEYS[1], place) or '')
    if not last then
        redis.call('DEL', KEYS[k])
    elseif last < tonumber(ARGV[1]) then
        redis.call('DEL', KEYS[k])
        redis.call('HDEL', KEYS[1], place)
        -- That it is not named must not say that it had nothing then.
        behind = math.max(behind, last)
    else
        redis.call('XTRIM', KEYS[k], 'MINID', ARGV[1] .. '-0')
    end
end
if behind then
    redis.call('HSET', KEYS[1], 'behind', string.format('%.0f', behind))
end
