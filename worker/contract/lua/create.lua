-- KEYS: idempotency or none. ARGV: id, spec as JSON, owner, queue limit, body hash, idempotency ttl,
-- slice windows, owner's queue limit or '', what is shared (windows, each as JSON, and the jobs whose files
-- are used) as JSON or '', jobs a minute or '', seconds of video a day or '', seconds of video asked for,
-- windows in all, priority, model, trace as JSON, an entry for rq. Returns what became of it, the id, of a
-- new job its time and rank

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
