-- The holds on one listing. Each change publishes the whole value.
-- KEYS[1] the listing's leases, KEYS[2] the channel
-- ARGV[1] now_ms, ARGV[2] verb (take, share, release, read), ARGV[3] lease id, ARGV[4] holder, ARGV[5] start_ms, ARGV[6] end_ms,
-- ARGV[7] until_ms, ARGV[8] a random epoch for a key that is new, ARGV[9] for how many ms somebody may hold in a row,
-- ARGV[10] in which cell of the map it is shown, or ''
-- Fields: '.epoch', '.counter', '.cell' (no lease id has a dot), lease id -> 'holder start end until', and '.since:HOLDER' ->
-- 'since until': from when to when somebody has held without giving back, kept until a minute of not holding.
-- What is not there has the epoch '' and the counter 0.
-- Returns {verdict, epoch, counter, cell, id, holder, start, end, until, id, ...}; verdict 'ok', 'held' or 'spent'.
local REST = 60000
local now = tonumber(ARGV[1])
local takes = ARGV[2] == 'take' or ARGV[2] == 'share'
local all = redis.call('HGETALL', KEYS[1])
local leases, epoch, counter, cell, changed, latest, since = {}, nil, 0, ARGV[10], false, now, now
for i = 1, #all, 2 do
    if all[i] == '.epoch' then
        epoch = all[i + 1]
    elseif all[i] == '.counter' then
        counter = tonumber(all[i + 1])
    elseif all[i] == '.cell' then
        if cell == '' then
            cell = all[i + 1]
        end
    elseif string.sub(all[i], 1, 7) == '.since:' then
        local from, till = string.match(all[i + 1], '^(%d+) (%d+)$')
        if tonumber(till) + REST <= now then
            redis.call('HDEL', KEYS[1], all[i])
        elseif string.sub(all[i], 8) == ARGV[4] then
            since = math.min(now, tonumber(from))
        end
    else
        local holder, first, last, till = string.match(all[i + 1], '^(%d+) (%d+) (%d+) (%d+)$')
        if tonumber(till) <= now then
            redis.call('HDEL', KEYS[1], all[i])
            changed = true
        else
            leases[all[i]] = {holder, first, last, till}
        end
    end
end
if not epoch then
    epoch = takes and ARGV[8] or ''
end
local verdict = 'ok'
if takes then
    for id, lease in pairs(leases) do
        if ARGV[2] == 'take' and id ~= ARGV[3] and lease[1] ~= ARGV[4] and tonumber(lease[2]) < tonumber(ARGV[6]) and tonumber(ARGV[5]) < tonumber(lease[3]) then
            verdict = 'held'
        end
    end
    local mine = leases[ARGV[3]]
    if mine and mine[1] ~= ARGV[4] then
        verdict = 'held'
    end
    local till = math.min(tonumber(ARGV[7]), since + tonumber(ARGV[9]))
    if verdict == 'ok' and till <= now then
        verdict = 'spent'
    end
    if verdict == 'ok' then
        for id, lease in pairs(leases) do
            if id ~= ARGV[3] and lease[1] == ARGV[4] then
                redis.call('HDEL', KEYS[1], id) -- one hold per person and listing
                leases[id] = nil
            end
        end
        leases[ARGV[3]] = {ARGV[4], ARGV[5], ARGV[6], string.format('%d', till)}
        redis.call(
            'HSET', KEYS[1], ARGV[3], table.concat(leases[ARGV[3]], ' '),
            '.since:' .. ARGV[4], string.format('%d %d', since, till), '.cell', cell
        )
        changed = true
    end
elseif ARGV[2] == 'release' then
    local mine = leases[ARGV[3]]
    if mine and mine[1] == ARGV[4] then
        redis.call('HDEL', KEYS[1], ARGV[3], '.since:' .. ARGV[4])
        leases[ARGV[3]] = nil
        changed = true
    end
end
local reply = {verdict, epoch, counter, cell}
local public = {}
for id, lease in pairs(leases) do
    for _, value in ipairs({id, lease[1], lease[2], lease[3], lease[4]}) do
        reply[#reply + 1] = value
    end
    public[#public + 1] = {lease_id = id, start_ms = tonumber(lease[2]), end_ms = tonumber(lease[3]), until_ms = tonumber(lease[4])}
    if tonumber(lease[4]) > latest then
        latest = tonumber(lease[4])
    end
end
if changed then
    -- A clock, so that a promoted replica, which may have missed the last changes, goes on above what clients have seen.
    local clock = redis.call('TIME')
    counter = math.max(counter + 1, clock[1] * 1000 + math.floor(clock[2] / 1000))
    reply[3] = counter
    redis.call('HSET', KEYS[1], '.epoch', epoch, '.counter', counter)
    redis.call('PEXPIRE', KEYS[1], math.max(latest - now, 0) + 60000)
    redis.call('PUBLISH', KEYS[2], cmsgpack.pack({'ephemeral', counter, epoch, latest, now * 1000, public}))
end
return reply
