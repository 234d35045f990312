-- Publish one change of one topic, unless something as new has been published.
-- KEYS[1] newest versions (state, keyed) or the entry's own key (log); KEYS[2] the channel
-- ARGV[1] kind, ARGV[2] version, ARGV[3] field ('v' or the item's key), ARGV[4] message, ARGV[5] seconds to remember
-- Returns 1 when it was published.
if ARGV[1] == 'log' then
    if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[5]) then
        return 0
    end
else
    local known = redis.call('HGET', KEYS[1], ARGV[3])
    if known and tonumber(known) >= tonumber(ARGV[2]) then
        return 0
    end
    redis.call('HSET', KEYS[1], ARGV[3], ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[5])
end
redis.call('PUBLISH', KEYS[2], ARGV[4])
return 1
