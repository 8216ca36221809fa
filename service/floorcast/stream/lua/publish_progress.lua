-- Says through the feed that everything committed before a time is published, behind all data.
--
-- KEYS  1 newest · 2 feed
-- ARGV  1 expected incarnation · 2 expected tick · 3 expected seal · 4 time
-- Returns {1}, or {0, tick, seal} of what is published.
local incarnation, tick, seal = unpack(redis.call('HMGET', KEYS[1], 'incarnation', 'tick', 'seal'))
if incarnation ~= ARGV[1] or tick ~= ARGV[2] or seal ~= ARGV[3] then
    return {0, tick or '', seal or ''}
end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local k = 1
if last then
    local last_tick, last_k = string.match(last[1], '(%d+)%-(%d+)')
    if last_tick == tick then
        k = tonumber(last_k) + 1
    end
end
redis.call('XADD', KEYS[2], tick .. '-' .. k, 'progress', ARGV[4])
-- Only the newest progress means anything; without this a quiet weekend would fill the feed.
if last and k > 1 then
    redis.call('XDEL', KEYS[2], last[1])
end
return {1}
