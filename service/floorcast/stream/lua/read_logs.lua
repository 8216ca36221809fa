-- Reads the logs of some places behind one tick and up to another, all at the same moment: a bounded number of entries,
-- and what is needed to prove that none is missing (stream/chain.py does).
--
-- KEYS  1 newest · 2 what the logs know · 3… the log of each place
-- ARGV  1 incarnation · 2 after · 3 upto · 4 most bytes · 5 most operations: it ends with the tick that reaches either
--       6… the places, in the order of KEYS
-- Returns {newest incarnation, newest tick, tick and behind of the hash, limit, logs}: complete for all places up to
-- `limit`, if at all. For each place a log {newest tick, `behind` of the first entry past the limit, entries}. '' stands
-- for what is not there; nothing is read where the first three do not name one history and one tick.
local newest = redis.call('HMGET', KEYS[1], 'incarnation', 'tick')
local known = redis.call('HMGET', KEYS[2], 'tick', 'behind')
local incarnation, tick, behind = newest[1] or '', newest[2] or '', known[2] or ''
if incarnation ~= ARGV[1] or tick ~= known[1] or behind == '' then
    return {incarnation, tick, known[1] or '', behind, '', {}}
end

local after, most_bytes, most_operations = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local limit = math.min(tonumber(ARGV[3]), tonumber(tick))
local names = {}
for i = 6, #ARGV do
    names[#names + 1] = '@' .. ARGV[i]
end
local ends = redis.call('HMGET', KEYS[2], unpack(names))

local function id(number)
    return string.format('%.0f', number) .. '-0'
end

local function tick_of(entry)
    return tonumber(string.match(entry[1], '^%d+'))
end

-- Everything found so far, of all logs: {tick, log, entry, bytes, operations}.
local found, bytes, operations = {}, 0, 0

-- Drops what lies past the tick in which the answer becomes large enough, and lowers the limit to it.
local function shorten()
    table.sort(found, function(one, other) return one[1] < other[1] end)
    bytes, operations = 0, 0
    local kept = {}
    for _, each in ipairs(found) do
        if each[1] > limit then
            break
        end
        bytes, operations = bytes + each[4], operations + each[5]
        kept[#kept + 1] = each
        if bytes >= most_bytes or operations >= most_operations then
            limit = each[1]
        end
    end
    found = kept
end

for k = 1, #names do
    local start = after + 1
    while ends[k] and tonumber(ends[k]) >= start and start <= limit do
        -- An entry has up to a megabyte or two, so there are never many of them here at once.
        local batch = redis.call('XRANGE', KEYS[2 + k], id(start), id(limit), 'COUNT', 16)
        for _, entry in ipairs(batch) do
            local size = 0
            for _, text in ipairs(entry[2]) do
                size = size + #text
            end
            local count = #entry[2] / 2 - 2
            found[#found + 1] = {tick_of(entry), k, entry, size, count}
            bytes, operations = bytes + size, operations + count
        end
        if bytes >= most_bytes or operations >= most_operations then
            shorten()
        end
        if #batch < 16 then
            break
        end
        start = tick_of(batch[16]) + 1
    end
end

local logs = {}
for k = 1, #names do
    logs[k] = {ends[k] or '', '', {}}
end
table.sort(found, function(one, other) return one[1] < other[1] end)
for _, each in ipairs(found) do
    local entries = logs[each[2]][3]
    entries[#entries + 1] = each[3]
end
for k = 1, #names do
    if ends[k] and tonumber(ends[k]) > limit then
        local beyond = redis.call('XRANGE', KEYS[2 + k], id(limit + 1), '+', 'COUNT', 1)[1]
        for i = 1, beyond and #beyond[2] or 0, 2 do
            if beyond[2][i] == 'behind' then
                logs[k][2] = beyond[2][i + 1]
            end
        end
    end
end
return {incarnation, tick, known[1], behind, id(limit):sub(1, -3), logs}
