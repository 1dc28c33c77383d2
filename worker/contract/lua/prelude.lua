-- What the scripts share. The names of keys stand before it (scripts.py).
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
