-- The holds of a cell of the map. Each change publishes the whole value.
-- KEYS[1] the cell's holds, KEYS[2] the channel
-- ARGV[1] now_ms, ARGV[2] a random epoch for a key that is new, ARGV[3] listing or '' to read only, ARGV[4] the counter of its holds,
-- then 'start end until' of each
-- Fields: '.epoch', '.counter', listing -> 'counter;start end until;...', older counters are passed over, and one without holds is
-- kept for as long as something older may be on its way.
-- Returns {epoch, counter, listing, start, end, until, listing, ...}.
local MOST, LATE = 200, 10000
local now = tonumber(ARGV[1])
local epoch, counter = '', 0
local all = redis.call('HGETALL', KEYS[1])
local holds, changed, latest = {}, false, now
local function keep(listing, value)
    local known = {counter = tonumber(string.match(value, '^(%d+)')), held = {}}
    known.till = math.floor(known.counter) + LATE -- a listing's counter is a clock
    for first, last, till in string.gmatch(value, ';(%d+) (%d+) (%d+)') do
        if tonumber(till) > now then
            known.held[#known.held + 1] = {first, last, till}
            known.till = math.max(known.till, tonumber(till))
        end
    end
    holds[listing] = known
end
for i = 1, #all, 2 do
    if all[i] == '.epoch' then
        epoch = all[i + 1]
    elseif all[i] == '.counter' then
        counter = tonumber(all[i + 1])
    else
        keep(all[i], all[i + 1])
    end
end
if ARGV[3] ~= '' then
    if epoch == '' then
        epoch = ARGV[2]
    end
    local known = holds[ARGV[3]]
    if not known or known.counter < tonumber(ARGV[4]) then
        local value = table.concat({unpack(ARGV, 4)}, ';')
        redis.call('HSET', KEYS[1], ARGV[3], value)
        keep(ARGV[3], value)
        changed = true
    end
end
local reply, public = {epoch, counter}, {}
for listing, known in pairs(holds) do
    if #known.held == 0 and known.till <= now then
        redis.call('HDEL', KEYS[1], listing)
    end
    for _, hold in ipairs(known.held) do
        if #public < MOST then
            reply[#reply + 1] = listing
            reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = hold[1], hold[2], hold[3]
            public[#public + 1] = {
                listing_id = listing, start_ms = tonumber(hold[1]), end_ms = tonumber(hold[2]), until_ms = tonumber(hold[3]),
            }
            latest = math.max(latest, tonumber(hold[3]))
        end
    end
end
if changed then
    local clock = redis.call('TIME')
    counter = math.max(counter + 1, clock[1] * 1000 + math.floor(clock[2] / 1000))
    reply[2] = counter
    redis.call('HSET', KEYS[1], '.epoch', epoch, '.counter', counter)
    redis.call('PEXPIRE', KEYS[1], latest - now + 60000)
    redis.call('PUBLISH', KEYS[2], cmsgpack.pack({'ephemeral', counter, epoch, latest, now * 1000, public}))
end
return reply
