-- A token bucket that several processes share. Each spends at once what it thinks is there, and settles afterwards.
-- KEYS[1] the bucket; ARGV[1] tokens spent since the last time, ARGV[2] tokens per second, ARGV[3] the most it holds
-- Returns the tokens that are left, as a string; below zero when together they have spent too much.
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1e6
local rate, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local known = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = most
if known[1] then
    tokens = math.min(most, tonumber(known[1]) + (now - tonumber(known[2])) * rate)
end
tokens = math.max(tokens - tonumber(ARGV[1]), -most)
redis.call('HSET', KEYS[1], 'tokens', string.format('%.3f', tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((2 * most / rate + 1) * 1000))
return string.format('%.3f', tokens)
