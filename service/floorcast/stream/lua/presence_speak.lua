-- A gateway says what changed of who is present there, or only that it lives. Refused unless Redis holds exactly what
-- the gateway believes it does: after a loss, or when it was given up as dead, it says everything anew.
--
-- KEYS  1 gateways · 2 the gateway's entries · 3 statements
-- ARGV  1 gateway · 2 number of its last statement, '' to say everything anew · 3 number of this one, the same for a
--       mere sign of life · 4 how many statements are kept · 5 its changes as one text for the others, '' when anew
--       6… slot, entry, '' for one that left; and so on
-- Returns {1, milliseconds of Redis's clock, id of the newest statement, {gateway, mark, …}}, or {0}.
local gateway, expected, number = ARGV[1], ARGV[2], ARGV[3]
local anew = expected == ''
local known = string.match(redis.call('HGET', KEYS[1], gateway) or '', '^%d+')
if anew then
    -- One that was long on its way and overtaken.
    if known and tonumber(known) >= tonumber(number) then
        return {0}
    end
elseif known ~= expected then
    return {0}
end
local time = redis.call('TIME')
local now = string.format('%d%03d', time[1], math.floor(time[2] / 1000))
if anew then
    -- The gateway is known before its entries are there: should it end half-way, it is found and cleared away.
    redis.call('HSET', KEYS[1], gateway, '0:' .. now)
    redis.call('DEL', KEYS[2])
end
for i = 6, #ARGV, 2 do
    if ARGV[i + 1] == '' then
        redis.call('HDEL', KEYS[2], ARGV[i])
    else
        redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    end
end
if number ~= expected then
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'gateway', gateway, 'number', number, 'changes', ARGV[5])
end
-- Last, so that an error before it (out of memory, say) leaves the number as it was, and everything is said again.
redis.call('HSET', KEYS[1], gateway, number .. ':' .. now)
local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
return {1, now, newest and newest[1] or '0-0', redis.call('HGETALL', KEYS[1])}
