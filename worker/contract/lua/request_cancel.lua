-- ARGV: id

local id, state = ARGV[1], get(ARGV[1], 'state')
if not state then return 0 end
if terminal(state) then return 1 end
if state == 'queued' or redis.call('EXISTS', JOB .. id .. ':lease') == 0 then cancel(id) return 1 end
if redis.call('HSETNX', JOB .. id, 'cancel_requested', '1') == 1 then
  emit(id, 'cancel_requested', {id = id, status = 'running'})
end
return 1
