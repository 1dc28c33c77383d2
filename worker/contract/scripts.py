"""The atomic steps of the job store, as Lua that Redis runs undivided.

A token is valid while the record still carries it. The lease key beside it only tells whether its holder is
alive: a holder that was merely slow may go on as long as nobody took the job from it.
"""

from worker.contract import keys

_PRELUDE = (
    f"""
local JOB, OUTBOX_ENTRY, INDEX_OF = '{keys.JOB_PREFIX}', '{keys.OUTBOX_PREFIX}', '{keys.INDEX_PREFIX}'
local INDEX, PENDING_OF, RUNNING = '{keys.INDEX}', '{keys.PENDING_PREFIX}', '{keys.RUNNING}'
local OUTBOX, COUNTER = '{keys.OUTBOX}', '{keys.LEASE_COUNTER}'
local WINDOW_SECONDS_OF = '{keys.WINDOW_SECONDS_PREFIX}'
local SHARES, VIRTUAL_TIME = '{keys.SHARES}', '{keys.VIRTUAL_TIME}'
local FINISHED, DEAD_LETTERS = '{keys.FINISHED}', '{keys.DEAD_LETTERS}'
local WAITING_OF = '{keys.WAITING_PREFIX}'
local WAITING_SINCE, COUNTERS = '{keys.WAITING_SINCE}', '{keys.COUNTERS}'
local API_KEYS, ACCEPTED_OF, ASKED_OF = '{keys.API_KEYS}', '{keys.ACCEPTED_PREFIX}', '{keys.ASKED_PREFIX}'
local SHARERS_OF, TRASH = '{keys.SHARERS_PREFIX}', '{keys.TRASH}'
"""
    + """
local function now()
  local t = redis.call('TIME')
  return string.format('%d.%06d', t[1], t[2])
end

local function get(id, field) return redis.call('HGET', JOB .. id, field) end

-- Records that an older version accepted have it in the spec alone.
local function model_of(id) return get(id, 'model') or cjson.decode(get(id, 'spec')).model end

-- Each model's jobs wait in a line of their own, as a worker takes those of its own model.
local function line_of(id) return PENDING_OF .. model_of(id) end

local function terminal(state) return state == 'succeeded' or state == 'failed' or state == 'canceled' end

-- An event, and the webhook that tells of it where the client asked for one: both or neither.
local function emit(id, kind, data, hook, hook_name)
  local text = cjson.encode(data)
  redis.call('XADD', JOB .. id .. ':events', '*', 'type', kind, 'data', text)
  if not hook then return end
  local spec = cjson.decode(get(id, 'spec'))
  if type(spec.webhook_url) ~= 'string' then return end
  for _, wanted in ipairs(spec.webhook_events) do
    if wanted == hook then
      local webhook_id = 'msg_' .. string.gsub(id, '^video_', '') .. '_' .. hook_name
      local at = now()
      redis.call('HSET', OUTBOX_ENTRY .. webhook_id, 'job_id', id, 'owner', get(id, 'owner'), 'type', hook,
                 'url', spec.webhook_url, 'created_at', at, 'attempts', 0, 'data', text,
                 'trace', get(id, 'trace') or '')
      redis.call('ZADD', OUTBOX, at, webhook_id)
    end
  end
end

local function unqueue(id)
  redis.call('ZREM', line_of(id), id)
  redis.call('ZREM', WAITING_SINCE, id)
  redis.call('SREM', WAITING_OF .. get(id, 'owner'), id)
end

local HOOKS = {succeeded = 'completed', failed = 'failed', canceled = 'canceled'}

local function conclude(id, state, error_json)
  local at = now()
  redis.call('HSET', JOB .. id, 'state', state, 'finished_at', at)
  redis.call('ZADD', FINISHED, at, id)
  redis.call('HINCRBY', COUNTERS, 'ended:' .. state, 1)
  redis.call('HDEL', JOB .. id, 'claim')
  redis.call('DEL', JOB .. id .. ':lease')
  unqueue(id)
  redis.call('SREM', RUNNING, id)
  local data = {id = id, status = state}
  if error_json and error_json ~= '' then
    redis.call('HSET', JOB .. id, 'error', error_json)
    data.error = cjson.decode(error_json)
  end
  emit(id, state, data, 'video.' .. HOOKS[state], HOOKS[state])
end

local function cancel(id)
  redis.call('HDEL', JOB .. id, 'token')
  conclude(id, 'canceled', cjson.encode({code = 'canceled', message = 'canceled on request'}))
end

-- Start-time fair queueing (Goyal, Vin and Cheng 1996) of slices, an owner being a flow: a slice begins, in
-- virtual time, where its owner's last one ended, but not before the slice that was taken last. A job's tag
-- is that of its next or present slice.
local function next_tag(id)
  local virtual, had = redis.call('GET', VIRTUAL_TIME), redis.call('HGET', SHARES, get(id, 'owner'))
  return math.max(tonumber(virtual or 0), tonumber(had or 0))
end

local function new_tag(id, slice_windows)
  local tag = next_tag(id)
  local left = tonumber(get(id, 'windows_total')) - redis.call('LLEN', JOB .. id .. ':windows')
  redis.call('HSET', SHARES, get(id, 'owner'), tag + math.min(left, tonumber(slice_windows)))
  redis.call('HSET', JOB .. id, 'tag', tag)
end

-- Priority first, then the tag, both whole numbers; of equal claims Redis gives the older id.
local function claim_of(id, tag) return tag - 1e10 * tonumber(get(id, 'priority')) end

local function line_up(id) redis.call('ZADD', line_of(id), claim_of(id, tonumber(get(id, 'tag'))), id) end

local function queue(id)
  local at = now()
  redis.call('HSET', JOB .. id, 'state', 'queued', 'queued_at', at)
  redis.call('ZADD', WAITING_SINCE, at, id)
  redis.call('HDEL', JOB .. id, 'token', 'claim')
  redis.call('DEL', JOB .. id .. ':lease')
  redis.call('SREM', RUNNING, id)
  line_up(id)
  redis.call('SADD', WAITING_OF .. get(id, 'owner'), id)
  emit(id, 'queued', {id = id, status = 'queued'})
end

-- An entry in the rq queue of the job's model, as queue.Wakes made it: what all have alike, its own id, its
-- time and what it calls. A script whose reply was lost is sent again, with the same entry.
local function wake(id, alike_json, entry_id, at, data)
  local alike, model = cjson.decode(alike_json), model_of(id)
  local key, list = alike.prefix .. entry_id, alike.list .. model
  local fields = {'data', data, 'created_at', at, 'enqueued_at', at, 'origin', alike.origin .. model}
  if redis.call('EXISTS', key) == 1 then return end
  for name, value in pairs(alike.fields) do
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  redis.call('SADD', alike.queues, list)
  redis.call('HSET', key, unpack(fields))
  redis.call('RPUSH', list, entry_id)
end

-- Whether a job's files are needed: it is there, or another that shares some of them.
local function needed(id)
  return redis.call('EXISTS', JOB .. id) == 1 or redis.call('SCARD', SHARERS_OF .. id) > 0
end

local function discard(id)
  if not needed(id) then redis.call('SADD', TRASH, id) end
end

-- The job's worker is gone without a word. True when the job ended by that.
local function orphaned(id, max_attempts)
  redis.call('HINCRBY', COUNTERS, 'lease_losses', 1)
  if get(id, 'cancel_requested') == '1' then cancel(id) return true end
  local crashes = redis.call('HINCRBY', JOB .. id, 'crashes', 1)
  -- Once the picture is there a window is always in flight, until all are committed.
  local done, total = redis.call('LLEN', JOB .. id .. ':windows'), tonumber(get(id, 'windows_total'))
  if get(id, 'image_key') and done < total then
    redis.call('HINCRBY', JOB .. id, 'windows_redone', 1)
  end
  if crashes < max_attempts then return false end
  redis.call('HDEL', JOB .. id, 'token')
  conclude(id, 'failed', cjson.encode({code = 'worker_lost',
    message = 'the worker died ' .. crashes .. ' times while it rendered this video'}))
  return true
end
"""
)


def _script(body: str) -> str:
    return _PRELUDE + body


# KEYS: idempotency or none. ARGV: id, spec as JSON, owner, queue limit, body hash, idempotency ttl,
# slice windows, owner's queue limit or '', what is shared (windows, each as JSON, and the jobs whose files
# are used) as JSON or '', jobs a minute or '', seconds of video a day or '', seconds of video asked for,
# windows in all, priority, model, trace as JSON, an entry for rq. Returns what became of it, the id, of a
# new job its time and rank
CREATE = _script("""
local id, owner = ARGV[1], ARGV[3]
if redis.call('EXISTS', JOB .. id) == 1 then return {'same', id} end  -- the first reply was lost
if KEYS[1] then
  local earlier = redis.call('HMGET', KEYS[1], 'job_id', 'body_hash')
  if earlier[1] and redis.call('EXISTS', JOB .. earlier[1]) == 1 then
    return {earlier[2] == ARGV[5] and 'same' or 'conflict', earlier[1]}
  end
end
if redis.call('ZCARD', WAITING_SINCE) >= tonumber(ARGV[4]) then return {'full', ''} end
if ARGV[8] ~= '' and redis.call('SCARD', WAITING_OF .. owner) >= tonumber(ARGV[8]) then
  return {'full_for_owner', ''}
end
local shared = ARGV[9] ~= '' and cjson.decode(ARGV[9]) or {windows = {}, sources = {}}
for _, source in ipairs(shared.sources) do
  if not needed(source) then return {'gone', source} end
end
-- The limits last, and charged only where nothing refuses any more.
local own, at = cjson.decode(redis.call('HGET', API_KEYS, owner) or '{}'), tonumber(now())
local rate = own.rate_limit_per_minute or tonumber(ARGV[10])
local quota = own.quota_seconds_per_day or tonumber(ARGV[11])
local day, asked = math.floor(at / 86400), tonumber(ARGV[12])
local accepted, used = ACCEPTED_OF .. owner, ASKED_OF .. day .. ':' .. owner
if rate then
  local passed = at - (redis.call('LINDEX', accepted, rate - 1) or 0)
  if passed >= 0 and passed < 60 then  -- below 0 the clock was set back
    return {'rate_limited', tostring(math.ceil(60 - passed)), tostring(rate)}
  end
end
if quota then
  local left = quota - (redis.call('GET', used) or 0)
  if asked > left + 1e-6 then
    return {'quota_exceeded', tostring(math.ceil((day + 1) * 86400 - at)), tostring(math.max(0, left))}
  end
end
if rate then
  redis.call('LPUSH', accepted, at)
  redis.call('LTRIM', accepted, 0, rate - 1)
  redis.call('EXPIRE', accepted, 60)
end
if quota then
  redis.call('INCRBYFLOAT', used, asked)
  redis.call('EXPIRE', used, 86400)
end
local created_at = now()
redis.call('HSET', JOB .. id, 'spec', ARGV[2], 'owner', owner, 'windows_total', ARGV[13],
           'priority', ARGV[14], 'model', ARGV[15], 'trace', ARGV[16], 'created_at', created_at)
for _, window in ipairs(shared.windows) do redis.call('RPUSH', JOB .. id .. ':windows', window) end
for _, source in ipairs(shared.sources) do
  redis.call('SADD', SHARERS_OF .. source, id)
  redis.call('HSET', JOB .. id, 'sources', cjson.encode(shared.sources))
end
redis.call('ZADD', INDEX, 0, id)
redis.call('ZADD', INDEX_OF .. owner, 0, id)
if KEYS[1] then
  redis.call('HSET', KEYS[1], 'job_id', id, 'body_hash', ARGV[5])
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
new_tag(id, ARGV[7])
queue(id)
redis.call('HINCRBY', COUNTERS, 'accepted', 1)
wake(id, unpack(ARGV, 17))
return {'created', id, created_at, redis.call('ZRANK', line_of(id), id)}
""")

# ARGV: ids. Returns each one's record, with spec, windows and rank in its line, as a JSON object; or nothing
READ = f"""
local JOB, PENDING_OF = '{keys.JOB_PREFIX}', '{keys.PENDING_PREFIX}'
local found = {{}}
for place, id in ipairs(ARGV) do
  local flat, record = redis.call('HGETALL', JOB .. id), {{}}
  for at = 1, #flat, 2 do record[flat[at]] = flat[at + 1] end
  local spec = record.spec
  local model = record.model or spec and cjson.decode(spec).model or ''
  record.spec, record.rank = nil, redis.call('ZRANK', PENDING_OF .. model, id) or nil
  -- Spec and windows are JSON already.
  local windows = table.concat(redis.call('LRANGE', JOB .. id .. ':windows', 0, -1), ',')
  local both = spec and '{{"spec":' .. spec .. ',"windows":[' .. windows .. '],'
  found[place] = both and both .. cjson.encode(record):sub(2) or false
end
return found
"""

# ARGV: model. Returns the windows left of its jobs in the line, in its order, and of those that run: numbers
# as text
BACKLOG = _script("""
local function left(ids)
  local numbers = {}
  for place, id in ipairs(ids) do
    local total = tonumber(get(id, 'windows_total') or 0)
    numbers[place] = math.max(0, total - redis.call('LLEN', JOB .. id .. ':windows'))
  end
  return table.concat(numbers, ' ')
end
local running = {}
for _, id in ipairs(redis.call('SMEMBERS', RUNNING)) do
  if model_of(id) == ARGV[1] then table.insert(running, id) end
end
return {left(redis.call('ZRANGE', PENDING_OF .. ARGV[1], 0, -1)), left(running)}
""")

# ARGV: id, worker, lease ms, claim (random: a retry after a lost reply finds its own lease), max attempts
TAKE = _script("""
local id, state = ARGV[1], get(ARGV[1], 'state')
if not state or terminal(state) then return nil end
if redis.call('EXISTS', JOB .. id .. ':lease') == 1 then
  if get(id, 'claim') == ARGV[4] then return tonumber(get(id, 'token')) end
  return nil
end
if state == 'running' and orphaned(id, tonumber(ARGV[5])) then return nil end
local token = redis.call('INCR', COUNTER)
redis.call('SET', JOB .. id .. ':lease', token, 'PX', ARGV[3])
redis.call('HSET', JOB .. id, 'state', 'running', 'worker', ARGV[2], 'token', token, 'claim', ARGV[4])
redis.call('HDEL', JOB .. id, 'committed_at')
local first = redis.call('HSETNX', JOB .. id, 'started_at', now()) == 1
local attempts = redis.call('HINCRBY', JOB .. id, 'attempts', 1)
unqueue(id)
redis.call('SADD', RUNNING, id)
local virtual = redis.call('GET', VIRTUAL_TIME)
redis.call('SET', VIRTUAL_TIME, math.max(tonumber(virtual or 0), tonumber(get(id, 'tag'))))
emit(id, 'started', {id = id, status = 'running', worker = ARGV[2], attempts = attempts},
     first and 'video.started', 'started')
return token
""")

# ARGV: id, token, lease ms
RENEW = _script("""
if get(ARGV[1], 'token') ~= ARGV[2] then return 0 end
if terminal(get(ARGV[1], 'state')) then return 0 end
redis.call('SET', JOB .. ARGV[1] .. ':lease', ARGV[2], 'PX', ARGV[3])
return 1
""")

# ARGV: id, token, '' or, after an error, how many in a row end the job, '' or, to yield, slice windows.
# Returns 1 left, 0 stale, -1 too many
LEAVE = _script("""
local id = ARGV[1]
if get(id, 'token') ~= ARGV[2] or get(id, 'state') ~= 'running' then return 0 end
if get(id, 'cancel_requested') == '1' then cancel(id) return 1 end
if ARGV[3] ~= '' and redis.call('HINCRBY', JOB .. id, 'crashes', 1) >= tonumber(ARGV[3]) then return -1 end
if ARGV[4] ~= '' then new_tag(id, ARGV[4]) end
queue(id)
return 1
""")

# Returns the jobs that wait in no line: an older version, which had one for all models, accepted them
ASTRAY = _script("""
local astray = {}
for _, id in ipairs(redis.call('ZRANGE', WAITING_SINCE, 0, -1)) do
  if not redis.call('ZSCORE', line_of(id), id) then table.insert(astray, id) end
end
return astray
""")

# ARGV: id, windows rendered in this slice, slice windows. Returns 1 when the next in line has a better claim
OUTRANKED = _script("""
local id = ARGV[1]
if not get(id, 'tag') then return 0 end
local first = redis.call('ZRANGE', line_of(id), 0, 0, 'WITHSCORES')
if not first[1] then return 0 end
local tag = tonumber(ARGV[2]) < tonumber(ARGV[3]) and tonumber(get(id, 'tag')) or next_tag(id)
return tonumber(first[2]) < claim_of(id, tag) and 1 or 0
""")

# ARGV: id, token, index, segment JSON, timings JSON, counts (counter -> increment) as JSON.
# Returns 1 committed, 0 was committed before, -1 stale, -2 a gap
COMMIT = _script("""
local id, index = ARGV[1], tonumber(ARGV[3])
if get(id, 'token') ~= ARGV[2] or get(id, 'state') ~= 'running' then return -1 end
local count = redis.call('LLEN', JOB .. id .. ':windows')
if index < count then return 0 end
if index > count then return -2 end
redis.call('RPUSH', JOB .. id .. ':windows', ARGV[4])
local at, before, counts = now(), get(id, 'committed_at'), cjson.decode(ARGV[6])
if before and tonumber(at) >= tonumber(before) then  -- else the clock was set back
  local measured = WINDOW_SECONDS_OF .. model_of(id)
  redis.call('LPUSH', measured, string.format('%.3f', tonumber(at) - tonumber(before)))
  redis.call('LTRIM', measured, 0, 63)
  redis.call('HINCRBYFLOAT', COUNTERS, 'render_seconds', tonumber(at) - tonumber(before))
  redis.call('HINCRBYFLOAT', COUNTERS, 'render_video_seconds', counts.video_seconds or 0)
end
for field, by in pairs(counts) do redis.call('HINCRBYFLOAT', COUNTERS, field, by) end
redis.call('HSET', JOB .. id, 'committed_at', at, 'timings', ARGV[5])
redis.call('HDEL', JOB .. id, 'crashes')  -- a job that gets on is not what kills its workers
local segment = cjson.decode(ARGV[4])
segment.key = nil
local data = {id = id, status = 'running', segment = segment, windows_done = count + 1,
              windows_total = tonumber(get(id, 'windows_total'))}
emit(id, 'window', data, 'video.segment', string.format('segment-%05d', index))
return 1
""")

# ARGV: id, token, field, key
SET_ARTIFACT = _script("""
if get(ARGV[1], 'token') ~= ARGV[2] or get(ARGV[1], 'state') ~= 'running' then return 0 end
if get(ARGV[1], ARGV[3]) == ARGV[4] then return 1 end
redis.call('HSET', JOB .. ARGV[1], ARGV[3], ARGV[4])
emit(ARGV[1], 'artifact', {id = ARGV[1], artifact = string.gsub(ARGV[3], '_key$', '') .. ''})
return 1
""")

# ARGV: id, token, state, error JSON or '', artifacts JSON, timings JSON or ''
FINISH = _script("""
local id, state = ARGV[1], get(ARGV[1], 'state')
if get(id, 'token') ~= ARGV[2] then return 0 end
if terminal(state) then return 1 end  -- the same worker says it again
for field, key in pairs(cjson.decode(ARGV[5])) do redis.call('HSET', JOB .. id, field, key) end
if ARGV[6] ~= '' then redis.call('HSET', JOB .. id, 'timings', ARGV[6]) end
conclude(id, ARGV[3], ARGV[4])
return 1
""")

# ARGV: id
REQUEST_CANCEL = _script("""
local id, state = ARGV[1], get(ARGV[1], 'state')
if not state then return 0 end
if terminal(state) then return 1 end
if state == 'queued' or redis.call('EXISTS', JOB .. id .. ':lease') == 0 then cancel(id) return 1 end
if redis.call('HSETNX', JOB .. id, 'cancel_requested', '1') == 1 then
  emit(id, 'cancel_requested', {id = id, status = 'running'})
end
return 1
""")

# ARGV: id, max attempts, and an entry for rq. Returns 1 when the job is queued now
REQUEUE = _script("""
local id, state = ARGV[1], get(ARGV[1], 'state')
if state == 'queued' then
  line_up(id)  -- it may be astray
  wake(id, unpack(ARGV, 3))
  return 1
end
if state ~= 'running' or redis.call('EXISTS', JOB .. id .. ':lease') == 1 then return 0 end
if orphaned(id, tonumber(ARGV[2])) then return 0 end
queue(id)
wake(id, unpack(ARGV, 3))
return 1
""")

# ARGV: id
DELETE = _script("""
local id, owner = ARGV[1], get(ARGV[1], 'owner')
if not owner then return 0 end
local sources = cjson.decode(get(id, 'sources') or '[]')
unqueue(id)
redis.call('DEL', JOB .. id, JOB .. id .. ':windows', JOB .. id .. ':events', JOB .. id .. ':lease')
redis.call('ZREM', INDEX, id)
redis.call('ZREM', INDEX_OF .. owner, id)
redis.call('ZREM', FINISHED, id)
redis.call('SREM', RUNNING, id)
for _, source in ipairs(sources) do
  redis.call('SREM', SHARERS_OF .. source, id)
  discard(source)
end
discard(id)
return 1
""")

# ARGV: id
DISCARD = _script("discard(ARGV[1])")

# ARGV: id, token, index. Returns the spec as it is now, or nothing when the token is stale
BEGIN_WINDOW = _script("""
local id = ARGV[1]
if get(id, 'token') ~= ARGV[2] or get(id, 'state') ~= 'running' then return nil end
local begun = tonumber(get(id, 'begun') or -1)
redis.call('HSET', JOB .. id, 'begun', math.max(begun, tonumber(ARGV[3])))
return get(id, 'spec')
""")

# ARGV: id, spec as it was read, spec as it shall be, its priority, the first window that is changed or ''.
# The first one's prompt also paints the picture, and that begins when the job is taken
AMEND = _script("""
local id, state, first = ARGV[1], get(ARGV[1], 'state'), tonumber(ARGV[5])
if not state or terminal(state) then return 'over' end
if get(id, 'spec') ~= ARGV[2] then return 'changed' end
local done = redis.call('LLEN', JOB .. id .. ':windows')
if first and (first < done or first <= tonumber(get(id, 'begun') or -1)
              or first == 0 and get(id, 'started_at')) then return 'begun' end
redis.call('HSET', JOB .. id, 'spec', ARGV[3], 'priority', ARGV[4])
if state == 'queued' then line_up(id) end
emit(id, 'amended', {id = id, status = state})
return 'amended'
""")

# ARGV: now or '', limit, seconds until a taken entry that nobody answered for is due again, seconds farther
# off than which nothing is put: if it is, the clock was set back since, and it is due
TAKE_DUE = _script("""
local at = ARGV[1] ~= '' and ARGV[1] or now()
local due = redis.call('ZRANGEBYSCORE', OUTBOX, '-inf', at, 'LIMIT', 0, ARGV[2])
local left = ARGV[2] - #due
if left > 0 then
  local farthest = '(' .. tonumber(at) + ARGV[4]
  for _, webhook_id in ipairs(redis.call('ZRANGEBYSCORE', OUTBOX, farthest, '+inf', 'LIMIT', 0, left)) do
    table.insert(due, webhook_id)
  end
end
local entries = {}
for _, webhook_id in ipairs(due) do
  redis.call('ZADD', OUTBOX, tonumber(at) + tonumber(ARGV[3]), webhook_id)
  redis.call('HINCRBY', OUTBOX_ENTRY .. webhook_id, 'attempts', 1)
  table.insert(entries, {webhook_id, redis.call('HGETALL', OUTBOX_ENTRY .. webhook_id)})
end
return entries
""")

# ARGV: webhook id, owner. Returns 1 when it is owed again, with all its tries before it
REDELIVER = _script("""
local entry = OUTBOX_ENTRY .. ARGV[1]
if redis.call('HGET', entry, 'owner') ~= ARGV[2] or redis.call('ZREM', DEAD_LETTERS, ARGV[1]) == 0 then
  return 0
end
redis.call('HSET', entry, 'attempts', 0)
redis.call('ZADD', OUTBOX, now(), ARGV[1])
return 1
""")

# ARGV: webhook id, reason, when it is due again or '' to give it up.
# A taker that answers late, when the entry has left the outbox, changes nothing
PUT_OFF = _script("""
local id, due = ARGV[1], ARGV[3]
if not redis.call('ZSCORE', OUTBOX, id) then return 0 end
redis.call('HSET', OUTBOX_ENTRY .. id, 'reason', ARGV[2])
if due ~= '' then redis.call('ZADD', OUTBOX, due, id) return 1 end
redis.call('ZREM', OUTBOX, id)
redis.call('ZADD', DEAD_LETTERS, now(), id)
return 1
""")
