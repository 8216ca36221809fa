-- Notes up to where a joining has what a channel was told, and says what earlier joinings of the same kind had.
--
-- KEYS  1 the joinings of one person, topic and bindings · 2 all such names
-- ARGV  1 joining · 2 incarnation · 3 tick · 4 milliseconds until it is forgotten · 5 milliseconds until that it was
--       forgotten is forgotten · 6 most joinings of a name · 7 most names · 8 '1' to begin where the others are
-- Returns {} when nobody was here, {'full'} when no more can be remembered, else {'old' or '', incarnation, tick}: 'old'
-- when one was forgotten, and the earliest place of all others, '' and '' without any. One of another incarnation is
-- earlier than all.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
if #all == 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[7]) then
        return {'full'}
    end
end
local others, old = {}, ''
for i = 1, #all, 2 do
    local expires, incarnation, tick = string.match(all[i + 1], '^(%d+) (%S+) (%d+)$')
    if all[i] ~= ARGV[1] then
        if tonumber(expires) < now then
            old = 'old'
            redis.call('HDEL', KEYS[1], all[i])
        else
            table.insert(others, {all[i], tonumber(expires), incarnation, tonumber(tick)})
        end
    end
end
local function earlier(one, other)
    if (one[3] == ARGV[2]) ~= (other[3] == ARGV[2]) then
        return one[3] ~= ARGV[2]
    end
    return one[4] < other[4]
end
-- Too many: the one that is forgotten first hands its place on, so that nobody begins behind it.
table.sort(others, function(one, other) return one[2] < other[2] end)
while #others >= tonumber(ARGV[6]) do
    local first = table.remove(others, 1)
    redis.call('HDEL', KEYS[1], first[1])
    if others[1] and earlier(first, others[1]) then
        others[1][3], others[1][4] = first[3], first[4]
        redis.call('HSET', KEYS[1], others[1][1], string.format('%.0f %s %.0f', others[1][2], first[3], first[4]))
    end
end
local first
for _, other in ipairs(others) do
    if not first or earlier(other, first) then
        first = other
    end
end
local tick = tonumber(ARGV[3])
if ARGV[8] == '1' and first and first[3] == ARGV[2] then
    tick = math.min(tick, first[4])
end
local expires = now + ARGV[4]
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s %.0f', expires, ARGV[2], tick))
local lives = math.max(redis.call('PTTL', KEYS[1]), ARGV[4] + ARGV[5])
redis.call('PEXPIRE', KEYS[1], lives)
redis.call('ZADD', KEYS[2], now + lives, KEYS[1])
redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[2]), lives))
if not first then
    return old == '' and {} or {old, '', ''}
end
return {old, first[3], string.format('%.0f', first[4])}
