-- Who is there: users of one topic, each until a time of Redis' own clock. Each change publishes the whole value.
-- KEYS[1] the topic's users, KEYS[2] the channel
-- ARGV[1] verb (set, leave, read), ARGV[2] user, ARGV[3] for how many ms, ARGV[4] a random epoch for a key that is new
-- `set` makes somebody's time longer, `leave` shorter.
-- Fields: '.epoch', '.counter', and user -> until_ms. What is not there has the epoch '' and the counter 0.
-- Returns {epoch, counter, user, until_ms, user, until_ms, ...}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local all = redis.call('HGETALL', KEYS[1])
local users, epoch, counter, changed = {}, nil, 0, false
for i = 1, #all, 2 do
    if all[i] == '.epoch' then
        epoch = all[i + 1]
    elseif all[i] == '.counter' then
        counter = tonumber(all[i + 1])
    elseif tonumber(all[i + 1]) <= now then
        redis.call('HDEL', KEYS[1], all[i])
        changed = true
    else
        users[all[i]] = tonumber(all[i + 1])
    end
end
local user, till = ARGV[2], now + tonumber(ARGV[3])
if ARGV[1] == 'set' then
    epoch = epoch or ARGV[4]
    users[user] = math.max(users[user] or 0, till)
    changed = true
elseif ARGV[1] == 'leave' and users[user] and users[user] > till then
    users[user] = till
    changed = true
end
local reply, public, latest = {epoch or '', counter}, {}, now
for name, until_ms in pairs(users) do
    if until_ms > now then
        reply[#reply + 1] = name
        reply[#reply + 1] = until_ms
        public[#public + 1] = {user_id = name, until_ms = until_ms}
        latest = math.max(latest, until_ms)
    end
end
if changed and epoch then
    -- A clock, so that a promoted replica, which may have missed the last changes, goes on above what clients have seen.
    counter = math.max(counter + 1, now)
    reply[2] = counter
    if users[user] then
        redis.call('HSET', KEYS[1], user, users[user])
    end
    redis.call('HSET', KEYS[1], '.epoch', epoch, '.counter', counter)
    redis.call('PEXPIRE', KEYS[1], latest - now + 60000)
    redis.call('PUBLISH', KEYS[2], cmsgpack.pack({'ephemeral', counter, epoch, latest, now * 1000, public}))
end
return reply
