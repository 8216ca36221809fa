-- Clears away everybody who was present at a gateway that is gone, and tells the others.
--
-- KEYS  1 gateways · 2 the gateway's entries · 3 statements
-- ARGV  1 gateway · 2 its mark as it was when it was given up, '' whatever it is · 3 how many statements are kept
-- Returns 1; 0 when it has spoken meanwhile, and nothing was changed.
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'gateway', ARGV[1], 'gone', '1')
return 1
