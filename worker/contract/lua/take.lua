-- ARGV: id, worker, lease ms, claim (random: a retry after a lost reply finds its own lease), max attempts

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
